"""Types of AMQP 1.0 that Python has no type for (AMQP 1.6).

Each behaves as the Python type that it extends; beside that it says how a value travels. Classes that need
`decimal` are made when they are first asked for, and `uuid` and `datetime` are imported where they are used.
"""

from __future__ import annotations

from _collections_abc import Mapping, Sequence
from operator import index as _index
from struct import Struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import ItemsView, Iterable, Iterator, KeysView, ValuesView
    from datetime import datetime
    from typing import Any, ClassVar, TypeVar

    from typing_extensions import Self

    from ._decimals import Decimal32, Decimal64, Decimal128

    _Default = TypeVar("_Default")

__all__ = [
    "Array",
    "Byte",
    "Char",
    "Decimal32",
    "Decimal64",
    "Decimal128",
    "Described",
    "Float",
    "Int",
    "Long",
    "Pairs",
    "Short",
    "Symbol",
    "Timestamp",
    "UByte",
    "UInt",
    "ULong",
    "UShort",
]

# Numbers of amqpc_type in <amqpcodec/value.h>.
TYPE_NULL = 0
TYPE_BOOLEAN = 1
TYPE_UBYTE = 2
TYPE_USHORT = 3
TYPE_UINT = 4
TYPE_ULONG = 5
TYPE_BYTE = 6
TYPE_SHORT = 7
TYPE_INT = 8
TYPE_LONG = 9
TYPE_FLOAT = 10
TYPE_DOUBLE = 11
TYPE_DECIMAL32 = 12
TYPE_DECIMAL64 = 13
TYPE_DECIMAL128 = 14
TYPE_CHAR = 15
TYPE_TIMESTAMP = 16
TYPE_UUID = 17
TYPE_BINARY = 18
TYPE_STRING = 19
TYPE_SYMBOL = 20
TYPE_LIST = 21
TYPE_MAP = 22
TYPE_ARRAY = 23
TYPE_DESCRIBED = 24


class _Integer(int):
    """An integer of fixed width. Arithmetic gives plain integers."""

    __slots__ = ()
    amqp_type: ClassVar[int]
    MIN: ClassVar[int]
    MAX: ClassVar[int]

    def __new__(cls, value: int = 0) -> Self:
        number = _index(value)
        if not cls.MIN <= number <= cls.MAX:
            raise ValueError(f"{number} is not a {cls.__name__}: {cls.MIN} to {cls.MAX}")
        return int.__new__(cls, number)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({int.__repr__(self)})"

    # int's would show the representation.
    __str__ = int.__repr__


class UByte(_Integer):
    """An unsigned integer of 8 bits (AMQP 1.6.3)."""

    __slots__ = ()
    amqp_type = TYPE_UBYTE
    MIN = 0
    MAX = 2**8 - 1


class UShort(_Integer):
    """An unsigned integer of 16 bits (AMQP 1.6.4)."""

    __slots__ = ()
    amqp_type = TYPE_USHORT
    MIN = 0
    MAX = 2**16 - 1


class UInt(_Integer):
    """An unsigned integer of 32 bits (AMQP 1.6.5)."""

    __slots__ = ()
    amqp_type = TYPE_UINT
    MIN = 0
    MAX = 2**32 - 1


class ULong(_Integer):
    """An unsigned integer of 64 bits (AMQP 1.6.6)."""

    __slots__ = ()
    amqp_type = TYPE_ULONG
    MIN = 0
    MAX = 2**64 - 1


class Byte(_Integer):
    """A signed integer of 8 bits (AMQP 1.6.7)."""

    __slots__ = ()
    amqp_type = TYPE_BYTE
    MIN = -(2**7)
    MAX = 2**7 - 1


class Short(_Integer):
    """A signed integer of 16 bits (AMQP 1.6.8)."""

    __slots__ = ()
    amqp_type = TYPE_SHORT
    MIN = -(2**15)
    MAX = 2**15 - 1


class Int(_Integer):
    """A signed integer of 32 bits (AMQP 1.6.9)."""

    __slots__ = ()
    amqp_type = TYPE_INT
    MIN = -(2**31)
    MAX = 2**31 - 1


class Long(_Integer):
    """A signed integer of 64 bits (AMQP 1.6.10): what a plain `int` of that range is encoded as."""

    __slots__ = ()
    amqp_type = TYPE_LONG
    MIN = -(2**63)
    MAX = 2**63 - 1


class Timestamp(_Integer):
    """A point in time: milliseconds since 1970-01-01 UTC, 64 bits, signed (AMQP 1.6.17).

    Times are decoded as aware datetimes; one beyond the years that a datetime holds, 1 to 9999, as a Timestamp.
    """

    __slots__ = ()
    amqp_type = TYPE_TIMESTAMP
    MIN = -(2**63)
    MAX = 2**63 - 1

    @classmethod
    def from_datetime(cls, time: datetime) -> Self:
        """The timestamp of an aware datetime; microseconds are cut off. Raises ValueError for a naive one."""
        return cls(milliseconds_of(time))

    def to_datetime(self) -> datetime:
        """The aware datetime, in UTC. Raises OverflowError beyond the years 1 to 9999."""
        from datetime import datetime, timedelta, timezone

        return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=int(self))


def milliseconds_of(time: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC of an aware datetime. Raises ValueError for a naive one."""
    from datetime import datetime, timedelta, timezone

    if time.utcoffset() is None:
        raise ValueError(f"{time!r} has no time zone: write datetime.now(timezone.utc), or time.astimezone()")
    return (time - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(milliseconds=1)


def time_of(milliseconds: int) -> datetime | Timestamp:
    """The aware datetime of a timestamp, or a Timestamp where no datetime holds it."""
    try:
        return Timestamp(milliseconds).to_datetime()
    except OverflowError:
        return Timestamp(milliseconds)


_FLOAT = Struct("<f")


class Float(float):
    """A binary floating-point number of 32 bits (AMQP 1.6.11), rounded to the nearest one.

    Raises OverflowError for a finite number that is too large.
    """

    __slots__ = ()
    amqp_type: ClassVar[int] = TYPE_FLOAT

    def __new__(cls, value: float = 0.0) -> Self:
        rounded = _FLOAT.unpack(_FLOAT.pack(value))[0]
        return float.__new__(cls, rounded)

    def __repr__(self) -> str:
        return f"Float({float.__repr__(self)})"

    __str__ = float.__repr__


class Char(str):
    """One Unicode character (AMQP 1.6.16)."""

    __slots__ = ()
    amqp_type: ClassVar[int] = TYPE_CHAR

    def __new__(cls, value: str) -> Self:
        if len(value) != 1 or "\ud800" <= value <= "\udfff":
            raise ValueError(f"{value!r} is not one character")
        return str.__new__(cls, value)

    def __repr__(self) -> str:
        return f"Char({str.__repr__(self)})"

    # str's would be an instance of this class.
    def __str__(self) -> str:
        return str.__str__(self)


class Symbol(str):
    """A name of ASCII characters, from a domain of names that both sides know (AMQP 1.6.21)."""

    __slots__ = ()
    amqp_type: ClassVar[int] = TYPE_SYMBOL

    def __new__(cls, value: str) -> Self:
        if not isinstance(value, str):
            raise TypeError(f"a symbol is made of a str, not of {type(value).__name__}")
        if not value.isascii():
            raise ValueError(f"{value!r} is not ASCII, as a symbol has to be")
        return str.__new__(cls, value)

    def __repr__(self) -> str:
        return f"Symbol({str.__repr__(self)})"


class Described:
    """A value with a descriptor that says what it means (AMQP 1.2).

    Equal to another Described of equal descriptor and value; hashable where both are.
    """

    __slots__ = ("descriptor", "value")

    def __init__(self, descriptor: Any, value: Any) -> None:
        """Makes a described value.

        descriptor  a Symbol or a ULong; a plain str or int is encoded as these, also one that was received as a string: AMQP reserves
                    descriptors of other types. Never a compound or described value
        value       anything
        """
        self.descriptor = descriptor
        self.value = value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Described):
            return NotImplemented
        return bool(self.descriptor == other.descriptor and self.value == other.value)

    def __hash__(self) -> int:
        return hash((self.descriptor, self.value))

    def __repr__(self) -> str:
        return f"Described({self.descriptor!r}, {self.value!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Described, (self.descriptor, self.value)


class Array(Sequence["Any"]):
    """A sequence of values of one type (AMQP 1.6.24). It does not change.

    Equal to another Array of the same type and equal elements; hashable where these are.
    """

    __slots__ = ("_items", "element_type")
    element_type: type[Any] | None

    def __init__(self, element_type: type[Any] | None, items: Iterable[Any] = ()) -> None:
        """Makes an array.

        element_type  `None` (nulls), `bool`, `UByte` ... `Long`, `int` (the same as Long), `Float`, `float`, `Decimal32`
                      ... `Decimal128`, `Char`, `Timestamp` or `datetime`, `uuid.UUID`, `bytes`, `str`, `Symbol`, `list`, `dict`,
                      `Array`, `Described`
        items         the elements; plain numbers and strings need not be given as that type. Described ones share one
                      descriptor.

        Raises TypeError for a type that AMQP does not have. Elements are checked when they are encoded.
        """
        self.element_type = element_class(element_code(element_type))
        self._items = tuple(items)

    def __getitem__(self, index: Any) -> Any:
        return self._items[index]

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Array):
            return NotImplemented
        return self.element_type is other.element_type and self._items == other._items

    def __hash__(self) -> int:
        return hash((self.element_type, self._items))

    def __repr__(self) -> str:
        name = "None" if self.element_type is None else self.element_type.__name__
        return f"Array({name}, {list(self._items)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Array, (self.element_type, self._items)


_ELEMENT_CLASSES: dict[int, type[Any] | None] = {
    TYPE_NULL: None,
    TYPE_BOOLEAN: bool,
    TYPE_UBYTE: UByte,
    TYPE_USHORT: UShort,
    TYPE_UINT: UInt,
    TYPE_ULONG: ULong,
    TYPE_BYTE: Byte,
    TYPE_SHORT: Short,
    TYPE_INT: Int,
    TYPE_LONG: Long,
    TYPE_FLOAT: Float,
    TYPE_DOUBLE: float,
    TYPE_CHAR: Char,
    TYPE_TIMESTAMP: Timestamp,
    TYPE_BINARY: bytes,
    TYPE_STRING: str,
    TYPE_SYMBOL: Symbol,
    TYPE_LIST: list,
    TYPE_MAP: dict,
    TYPE_ARRAY: Array,
    TYPE_DESCRIBED: Described,
}
_ELEMENT_CODES = {kind: code for code, kind in _ELEMENT_CLASSES.items()}
_ELEMENT_CODES[int] = TYPE_LONG


def _learn_late_classes() -> None:
    """Adds the classes of modules that are imported late to the tables."""
    from datetime import datetime
    from uuid import UUID

    from ._decimals import Decimal32, Decimal64, Decimal128

    late = {TYPE_DECIMAL32: Decimal32, TYPE_DECIMAL64: Decimal64, TYPE_DECIMAL128: Decimal128, TYPE_UUID: UUID}
    _ELEMENT_CLASSES.update(late)
    _ELEMENT_CODES.update({kind: code for code, kind in late.items()})
    _ELEMENT_CODES[datetime] = TYPE_TIMESTAMP


def element_class(code: int) -> type[Any] | None:
    """The class of an array's elements whose amqpc_type is `code`; None for nulls."""
    if code not in _ELEMENT_CLASSES:
        _learn_late_classes()
    return _ELEMENT_CLASSES[code]


def element_code(kind: type[Any] | None) -> int:
    """The amqpc_type of an array's elements of a class. Raises TypeError for one that is no type of AMQP."""
    if kind not in _ELEMENT_CODES:
        _learn_late_classes()
    code = _ELEMENT_CODES.get(kind)
    if code is None:
        raise TypeError(f"{kind!r} is not a type of AMQP")
    return code


def same_key(left: Any, right: Any) -> bool:
    """Whether two keys are the same to AMQP: 1, True and 1.0 are three."""
    kinds = {bool: bool, int: Long}
    left_kind = kinds.get(type(left), type(left))
    return left_kind is kinds.get(type(right), type(right)) and bool(left == right)


class Pairs(Mapping["Any", "Any"]):
    """A map that a dict cannot hold, in the order in which it came (AMQP 1.6.23).

    Of the keys some are equal in Python though they are not in AMQP (1, True, 1.0, ULong(1)), or cannot be hashed. It
    reads as a dict does, and does not change. Looking up tries a key of exactly that type first, then any that is equal;
    it takes time in proportion to the number of keys. Equal to another Pairs of equal keys, of the same types, and
    values, in the same order.
    """

    __slots__ = ("_pairs",)

    def __init__(self, pairs: Iterable[tuple[Any, Any]] | Mapping[Any, Any] = ()) -> None:
        """Makes a map.

        pairs  keys with their values; or a mapping
        """
        items = pairs.items() if isinstance(pairs, Mapping) else pairs
        self._pairs = tuple((key, value) for key, value in items)

    def __getitem__(self, key: Any) -> Any:
        for candidate, value in self._pairs:
            if same_key(candidate, key):
                return value
        for candidate, value in self._pairs:
            if candidate == key:
                return value
        raise KeyError(key)

    def get(self, key: Any, default: Any = None) -> Any:
        try:
            return self[key]
        except KeyError:
            return default

    def __contains__(self, key: object) -> bool:
        return any(candidate == key for candidate, _ in self._pairs)

    def __iter__(self) -> Iterator[Any]:
        return iter([key for key, _ in self._pairs])

    def __len__(self) -> int:
        return len(self._pairs)

    def keys(self) -> KeysView[Any]:
        return [key for key, _ in self._pairs]  # type: ignore[return-value]

    def values(self) -> ValuesView[Any]:
        return [value for _, value in self._pairs]  # type: ignore[return-value]

    def items(self) -> ItemsView[Any, Any]:
        return list(self._pairs)  # type: ignore[return-value]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Pairs):
            return NotImplemented
        return len(self) == len(other) and all(
            same_key(key, other_key) and value == other_value for (key, value), (other_key, other_value) in zip(self._pairs, other._pairs)
        )

    def __hash__(self) -> int:
        return hash(self._pairs)

    def __repr__(self) -> str:
        return f"Pairs({list(self._pairs)!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Pairs, (self._pairs,)


def __getattr__(name: str) -> Any:
    if name not in ("Decimal32", "Decimal64", "Decimal128"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from . import _decimals

    return getattr(_decimals, name)
