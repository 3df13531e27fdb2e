"""From marks to types: what native/marshal_write.h tells of types that marshal does not have.

Values come from one call of marshal, and are nobody else's yet: lists and dicts are changed in place.
"""

from __future__ import annotations

import sys
from functools import partial

from amqpcodec._types import (
    TYPE_ARRAY,
    TYPE_BYTE,
    TYPE_CHAR,
    TYPE_DECIMAL32,
    TYPE_DECIMAL64,
    TYPE_DECIMAL128,
    TYPE_DESCRIBED,
    TYPE_FLOAT,
    TYPE_INT,
    TYPE_LONG,
    TYPE_MAP,
    TYPE_SHORT,
    TYPE_SYMBOL,
    TYPE_TIMESTAMP,
    TYPE_UBYTE,
    TYPE_UINT,
    TYPE_ULONG,
    TYPE_USHORT,
    TYPE_UUID,
    Array,
    Byte,
    Char,
    Described,
    Float,
    Int,
    Long,
    Pairs,
    Short,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
    element_class,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

_PYPY = sys.implementation.name == "pypy"
# Milliseconds, up to the year 2039, that a float of seconds has exactly to the microsecond: the faster way to a datetime.
_EXACT_SECONDS = 2**41
# What a datetime can hold, in milliseconds.
_YEAR_1_MS = -62135596800000
_YEAR_10000_MS = 253402300800000
# Keys whose hashes a peer can choose to be the same: a dict of many of them would cost it little, and us minutes.
_CHOSEN_KEYS_MAX = 1024


def _date_of(days: int) -> tuple[int, int, int]:
    """Year, month and day of days since 1970. Years begin in March here, so that leap days are at their ends, and eras have 400 of them."""
    era, day_of_era = divmod(days + 719468, 146097)
    year = (day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096) // 365
    day = day_of_era - (365 * year + year // 4 - year // 100)
    month = (5 * day + 2) // 153
    day += 1 - (153 * month + 2) // 5
    year += 400 * era
    return (year, month + 3, day) if month < 10 else (year + 1, month - 9, day)


def _times() -> Callable[[int], Any]:
    """Makes the maker of times, and imports what it takes."""
    from datetime import datetime, timedelta, timezone

    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)

    from_seconds, utc = datetime.fromtimestamp, timezone.utc

    def time_by_calendar(milliseconds: int) -> Any:
        """For PyPy, which compiles this; its datetime module, being Python, takes thirty times as long."""
        if not _YEAR_1_MS <= milliseconds < _YEAR_10000_MS:
            return Timestamp(milliseconds)
        seconds, milliseconds = divmod(milliseconds, 1000)
        days, seconds = divmod(seconds, 86400)
        year, month, day = _date_of(days)
        return datetime(year, month, day, seconds // 3600, seconds // 60 % 60, seconds % 60, milliseconds * 1000, utc)

    if _PYPY:
        return time_by_calendar

    def time_of(milliseconds: int) -> Any:
        if 0 <= milliseconds < _EXACT_SECONDS:
            return from_seconds(milliseconds / 1000, utc)
        try:
            return epoch + timedelta(0, 0, 0, milliseconds)
        except OverflowError:
            return Timestamp(milliseconds)

    return time_of


def _uuids() -> Callable[[bytes], Any]:
    from uuid import UUID

    def uuid_of(octets: bytes) -> UUID:
        return UUID(bytes=octets)

    return uuid_of


def _decimals(code: int) -> Callable[[bytes], Any]:
    from amqpcodec._decimals import Decimal32, Decimal64, Decimal128

    kinds: dict[int, Any] = {TYPE_DECIMAL32: Decimal32, TYPE_DECIMAL64: Decimal64, TYPE_DECIMAL128: Decimal128}
    return kinds[code].from_bits  # type: ignore[no-any-return]


def _char(code_point: int) -> Char:
    return str.__new__(Char, chr(code_point))


def _maker_of(base: Any, kind: type[Any]) -> Callable[[Any], Any]:
    """What makes values of a class, passing its checks by. PyPy calls a partial eight times as slowly as a function."""
    new = base.__new__
    return (lambda payload: new(kind, payload)) if _PYPY else partial(new, kind)


# By type, what makes a value of the payload. C has checked it, so that the checks of the classes are passed by. The makers of other
# types import modules that few programs need, and are added by _maker.
_MAKERS: dict[int, Callable[[Any], Any]] = {
    TYPE_UBYTE: _maker_of(int, UByte),
    TYPE_USHORT: _maker_of(int, UShort),
    TYPE_UINT: _maker_of(int, UInt),
    TYPE_ULONG: _maker_of(int, ULong),
    TYPE_BYTE: _maker_of(int, Byte),
    TYPE_SHORT: _maker_of(int, Short),
    TYPE_INT: _maker_of(int, Int),
    TYPE_LONG: _maker_of(int, Long),
    TYPE_FLOAT: _maker_of(float, Float),
    TYPE_CHAR: _char,
    TYPE_SYMBOL: _maker_of(str, Symbol),
}
# What elements of an array are made of in plain mode; in typed mode, all types that have a maker.
_PLAIN_ELEMENTS = frozenset((TYPE_CHAR, TYPE_SYMBOL, TYPE_TIMESTAMP, TYPE_UUID, TYPE_DECIMAL32, TYPE_DECIMAL64, TYPE_DECIMAL128))
_TYPED_ELEMENTS = _PLAIN_ELEMENTS | frozenset(_MAKERS)


def _maker(code: int) -> Callable[[Any], Any]:
    """What makes a value of a type that _MAKERS does not have yet."""
    maker = _times() if code == TYPE_TIMESTAMP else _uuids() if code == TYPE_UUID else _decimals(code)
    _MAKERS[code] = maker
    return maker


def time_of(milliseconds: int) -> Any:
    """The aware datetime of milliseconds since 1970 UTC; a Timestamp beyond the years of datetime."""
    return (_MAKERS.get(TYPE_TIMESTAMP) or _maker(TYPE_TIMESTAMP))(milliseconds)


def _array(code: int, elements: list[Any], typed: bool) -> Array:
    if code in (_TYPED_ELEMENTS if typed else _PLAIN_ELEMENTS):
        maker = _MAKERS.get(code) or _maker(code)
        return Array(element_class(code), [maker(element) for element in elements])
    return Array(element_class(code), without_marks(elements, typed))


def _chosen(key: Any) -> bool:
    """Whether the peer can have chosen the hash of a key at its will."""
    return not isinstance(key, (str, bytes, bool, int, float, type(None)))


def _mapping(items: list[Any], typed: bool) -> Any:
    """A dict, unless keys are equal in Python, or not equal to themselves, or cannot be hashed."""
    items = without_marks(items, typed)
    keys, values = items[::2], items[1::2]
    if len(keys) <= _CHOSEN_KEYS_MAX or not any(map(_chosen, keys)):
        try:
            found = dict(zip(keys, values))
            if len(found) == len(keys) and all(key == key for key in keys):
                return found
        except (TypeError, ArithmeticError):  # no hash; a signaling NaN
            pass
    return Pairs(zip(keys, values))


def _marked(mark: tuple[Any, ...], typed: bool) -> Any:
    code = mark[0]
    maker = _MAKERS.get(code)
    if maker is not None:
        return maker(mark[1])
    if code == TYPE_DESCRIBED:
        return Described(without_marks(mark[1], typed), without_marks(mark[2], typed))
    if code == TYPE_ARRAY:
        return _array(mark[1], mark[2], typed)
    if code == TYPE_MAP:
        return _mapping(mark[1], typed)
    return _maker(code)(mark[1])


def _in_list(items: list[Any], typed: bool) -> None:
    for index, item in enumerate(items):
        kind = type(item)
        if kind is tuple:
            items[index] = _marked(item, typed)
        elif kind is dict or kind is list:
            items[index] = without_marks(item, typed)


def _in_dict(items: dict[Any, Any], typed: bool) -> dict[Any, Any]:
    keys_marked = False
    for key, item in items.items():
        kind = type(item)
        if kind is tuple:
            items[key] = _marked(item, typed)
        elif kind is dict or kind is list:
            items[key] = without_marks(item, typed)
        if type(key) is tuple:
            keys_marked = True
    if keys_marked:
        return {without_marks(key, typed): item for key, item in items.items()}
    return items


def without_marks(value: Any, typed: bool = False) -> Any:
    """The value with all marks in it made into what they stand for. It is as deep as the library's limit allows."""
    kind = type(value)
    if kind is dict:
        return _in_dict(value, typed)
    if kind is tuple:
        return _marked(value, typed)
    if kind is list:
        _in_list(value, typed)
    return value
