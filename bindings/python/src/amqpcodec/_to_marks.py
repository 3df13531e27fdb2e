"""The slow path into C: values that marshal does not take as they are, as values that it does.

What Python has no type for crosses as a mark, a tuple of the amqpc_type and a plain value: `(20, "text")` a symbol, `(24, descriptor,
value)` a described value, `(23, type of the elements, [...])` an array, `(22, [key, value, ...])` a map that a dict cannot hold. A tuple
of the program's is a list, and is made one here.
"""

from __future__ import annotations

from amqpcodec import _types
from amqpcodec._errors import EncodeError
from amqpcodec._message import (
    APPLICATION_PROPERTIES,
    BODY,
    DELIVERY_ANNOTATIONS,
    FIELD_COUNT,
    FIELD_NAMES,
    FOOTER,
    MESSAGE_ANNOTATIONS,
    Message,
    flat_fields,
    is_buffer,
)
from amqpcodec._status import Status
from amqpcodec._types import Array, Char, Described, Float, Pairs, Symbol, element_code, milliseconds_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, Callable

DEPTH_MAX = 128  # AMQPC_DEPTH_MAX
_PLAIN = frozenset([type(None), bool, int, float, str, bytes])
_IDS = (8, 13)
_COMPOUND = (DELIVERY_ANNOTATIONS, MESSAGE_ANNOTATIONS, APPLICATION_PROPERTIES, BODY, FOOTER)
_UNMARKED = frozenset(range(1, FIELD_COUNT)).difference(_IDS, _COMPOUND)


def marked(value: Any, depth: int = 0) -> Any:
    """The value as marshal takes it. Raises EncodeError where AMQP has no place for it."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if depth >= DEPTH_MAX:
        raise EncodeError(f"values are nested deeper than {DEPTH_MAX} levels", status=Status.TOO_DEEP)
    maker = _MARKERS.get(kind) or _maker_of(value)
    try:
        return maker(value, depth)
    except EncodeError:
        raise
    except (ValueError, OverflowError, TypeError) as error:
        raise EncodeError(str(error)) from error


def marked_value(value: Any) -> Any:
    """As marked, of a whole value: the error tells where in it the fault is."""
    try:
        return marked(value)
    except EncodeError as error:
        raise fault_of(value) or error from error.__cause__


def _list(value: Iterable[Any], depth: int) -> list[Any]:
    if type(value) is list and _PLAIN.issuperset(map(type, value)):
        return value
    return [marked(item, depth + 1) for item in value]


def _map(value: Any, depth: int) -> Any:
    if not _PLAIN.issuperset(map(type, value)):
        return _pairs(value, depth)
    if type(value) is dict and _PLAIN.issuperset(map(type, value.values())):
        return value
    return {key: marked(item, depth + 1) for key, item in value.items()}


def _pairs(value: Any, depth: int) -> Any:
    flat: list[Any] = []
    seen = set()
    for key, item in value.items():
        marked_key = marked(key, depth + 1)
        # A float's text tells 0.0 from -0.0, and that a NaN is the same as another.
        identity = repr((type(marked_key), marked_key))
        if identity in seen:
            raise EncodeError(f"a map has the key {key!r} twice", status=Status.DUPLICATE_KEY)
        seen.add(identity)
        flat += (marked_key, marked(item, depth + 1))
    return _types.TYPE_MAP, flat


def _described(value: Described, depth: int) -> Any:
    descriptor = value.descriptor
    if type(descriptor) is int:
        descriptor = _types.ULong(descriptor)
    elif type(descriptor) is str:
        descriptor = Symbol(descriptor)
    elif isinstance(descriptor, (Described, Array, Pairs, list, tuple, dict)):
        raise EncodeError(f"a descriptor is a symbol or a ulong, not {descriptor!r:.80}", status=Status.BAD_DESCRIPTOR)
    return _types.TYPE_DESCRIBED, marked(descriptor, depth + 1), marked(value.value, depth + 1)


def _array(value: Array, depth: int) -> Any:
    code = element_code(value.element_type)
    return _types.TYPE_ARRAY, code, [_element(code, value.element_type, item, depth + 1) for item in value]


def _element(code: int, kind: Any, item: Any, depth: int) -> Any:
    """An element of an array, of the array's type."""
    if code == _types.TYPE_LONG:
        return int(_types.Long(item))
    if code == _types.TYPE_TIMESTAMP:
        return code, item if type(item) is int else _milliseconds(item)
    if code in _EXACT_ELEMENTS:
        found = marked(item, depth)
        if code != _EXACT_ELEMENTS[code](found):
            raise EncodeError(f"{item!r} is not an element of an array of {kind!r}")
        return found
    return marked(item if type(item) is kind else kind(item), depth)


def _mark_code(found: Any) -> int:
    return int(found[0]) if type(found) is tuple else -1


# Elements that are not made by calling the array's type.
_EXACT_ELEMENTS: dict[int, Callable[[Any], int]] = {
    _types.TYPE_NULL: lambda found: _types.TYPE_NULL if found is None else -1,
    _types.TYPE_BOOLEAN: lambda found: _types.TYPE_BOOLEAN if type(found) is bool else -1,
    _types.TYPE_UUID: _mark_code,
    _types.TYPE_BINARY: lambda found: _types.TYPE_BINARY if type(found) is bytes else -1,
    _types.TYPE_STRING: lambda found: _types.TYPE_STRING if type(found) is str else -1,
    _types.TYPE_LIST: lambda found: _types.TYPE_LIST if type(found) is list else -1,
    _types.TYPE_MAP: lambda found: _types.TYPE_MAP if type(found) is dict else _mark_code(found),
    _types.TYPE_ARRAY: _mark_code,
    _types.TYPE_DESCRIBED: _mark_code,
}


def _milliseconds(value: Any) -> int:
    return int(value) if isinstance(value, int) else milliseconds_of(value)


def _integer(value: Any, _depth: int) -> Any:
    return value.amqp_type, int(value)


def _decimal(value: Any, _depth: int) -> Any:
    from amqpcodec._decimals import Decimal128

    exact = value if hasattr(value, "to_bits") else Decimal128(value)
    return exact.amqp_type, exact.to_bits()


_MARKERS: dict[type[Any], Callable[[Any, int], Any]] = {
    list: _list,
    tuple: _list,
    set: _list,
    frozenset: _list,
    dict: _map,
    bytearray: lambda value, _depth: bytes(value),
    memoryview: lambda value, _depth: value.tobytes(),
    Symbol: lambda value, _depth: (_types.TYPE_SYMBOL, str.__str__(value)),
    Char: lambda value, _depth: (_types.TYPE_CHAR, ord(value)),
    Float: lambda value, _depth: (_types.TYPE_FLOAT, float(value)),
    Pairs: _pairs,
    Array: _array,
    Described: _described,
    **dict.fromkeys((_types.UByte, _types.UShort, _types.UInt, _types.ULong, _types.Byte, _types.Short, _types.Int, _types.Long, _types.Timestamp), _integer),
}

# Classes of modules that need not have been imported, by name.
_LATE: dict[tuple[str, str], Callable[[Any, int], Any]] = {
    ("uuid", "UUID"): lambda value, _depth: (_types.TYPE_UUID, value.bytes),
    ("datetime", "datetime"): lambda value, _depth: (_types.TYPE_TIMESTAMP, milliseconds_of(value)),
    ("decimal", "Decimal"): _decimal,
    ("_decimal", "Decimal"): _decimal,
    ("_pydecimal", "Decimal"): _decimal,
}


def _maker_of(value: Any) -> Callable[[Any, int], Any]:
    """What makes the mark of a value whose very type is not in the table."""
    for base in type(value).__mro__:
        known = _MARKERS.get(base) or _LATE.get((base.__module__, base.__name__))
        if known is not None:
            return known
    for base in (int, float, str, bytes):
        if isinstance(value, base):
            return lambda value, _depth: base.__str__(value) if base is str else base(value)
    if is_buffer(value):
        return lambda value, _depth: memoryview(value).tobytes()
    return _maker_by_behaviour(value)


def _maker_by_behaviour(value: Any) -> Callable[[Any, int], Any]:
    """For numbers that only behave like them (numpy's), for mappings, and for whatever can be iterated."""
    if hasattr(value, "__index__"):
        return lambda value, _depth: value.__index__()
    if hasattr(value, "__float__") and not hasattr(value, "__iter__") and not isinstance(value, complex):
        return _exact_float
    if hasattr(value, "keys") and hasattr(value, "items"):
        return _map
    if hasattr(value, "__iter__"):
        return _list
    raise EncodeError(f"AMQP has no type for {type(value).__name__}: {value!r:.80}", status=Status.WRONG_TYPE)


def _exact_float(value: Any, _depth: int) -> float:
    number = float(value)
    if number == value or value != value:
        return number
    raise EncodeError(f"{value!r} is not a float exactly", status=Status.WRONG_TYPE)


def marked_message(message: Any) -> list[Any]:
    """The flat list of a message of either kind, as marshal takes it. Raises EncodeError with the field."""
    fields = fields_of(message)
    if isinstance(message, Message) and hasattr(fields[BODY], "__next__"):
        # An iterator gives its items once, and a message may be encoded again.
        message._items[BODY] = fields[BODY] = list(fields[BODY])
    for index, value in enumerate(fields):
        if type(value) in _PLAIN:
            continue
        try:
            fields[index] = _marked_field(value, index)
        except EncodeError as error:
            if index in _UNMARKED and error.status == Status.WRONG_TYPE:
                raise _unexpected(value, index, Status.WRONG_TYPE) from None
            raise field_error(fault_of(value) or error, index) from error.__cause__
    return fields


def fields_of(message: Any) -> list[Any]:
    """As flat_fields, for what has to be a message."""
    fields = flat_fields(message)
    if fields is None:
        raise EncodeError(f"{type(message).__name__} is not a message", status=Status.WRONG_TYPE)
    return fields


def field_error(error: EncodeError, index: int) -> EncodeError:
    """The same error, with the name of the field before its text."""
    return EncodeError(f"{FIELD_NAMES[index]}: {error}", status=error.status, field=FIELD_NAMES[index])


def _marked_field(value: Any, index: int) -> Any:
    """The value of a field, which is not one of the plain types."""
    if index in _UNMARKED:
        # Their types are fixed: what is like one of these is made one, and all else is refused by C.
        if isinstance(value, int):
            return int(value)
        return str.__str__(value) if isinstance(value, str) else marked(value)
    if index in _IDS:
        return int(value) if isinstance(value, int) else marked(value)
    if index == APPLICATION_PROPERTIES and hasattr(value, "items") and not all(type(key) is str for key in value):
        value = {str.__str__(key) if isinstance(key, str) else key: item for key, item in value.items()}
    return marked(value)


def fault_of(value: Any, path: str = "", depth: int = 0) -> EncodeError | None:
    """What is wrong with a value, as an error whose text begins with the path to the place; None where nothing is."""
    where = f"{path}: " if path else ""
    if type(value) is int and not -(2**63) <= value < 2**64:
        return EncodeError(f"{where}{value} does not fit 64 bits", status=Status.INVALID_FIELD)
    if isinstance(value, str):
        return None if _is_text(value) else EncodeError(f"{where}{value!r} has a lone surrogate", status=Status.BAD_UTF8)
    if depth > DEPTH_MAX:
        return EncodeError(f"values are nested deeper than {DEPTH_MAX} levels", status=Status.TOO_DEEP)
    for name, item in _parts_of(value):
        fault = fault_of(item, f"{path}{name}", depth + 1)
        if fault is not None:
            return fault
    try:
        marked(value, depth)
    except EncodeError as error:
        return EncodeError(f"{where}{error}", status=error.status)
    return None


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parts_of(value: Any) -> list[tuple[str, Any]]:
    """What a value is made of, with how to get there."""
    if isinstance(value, (list, tuple, Array)):
        return [(f"[{index}]", item) for index, item in enumerate(value)]
    if isinstance(value, (dict, Pairs)):
        keys = [(".key", key) for key in value]
        return keys + [(f"[{key!r}]", item) for key, item in value.items()]
    if isinstance(value, Described):
        return [(".descriptor", value.descriptor), (".value", value.value)]
    return []


_EXPECTED = {
    "durable": "a bool",
    "priority": "an int from 0 to 255",
    "ttl": "an int of milliseconds from 0 to 2**32 - 1",
    "first_acquirer": "a bool",
    "delivery_count": "an int from 0 to 2**32 - 1",
    "delivery_annotations": "a map whose keys are str or unsigned ints",
    "message_annotations": "a map whose keys are str or unsigned ints",
    "message_id": "a str, an int from 0 to 2**64 - 1, a UUID or bytes",
    "user_id": "bytes",
    "correlation_id": "a str, an int from 0 to 2**64 - 1, a UUID or bytes",
    "absolute_expiry_time": "an aware datetime",
    "creation_time": "an aware datetime",
    "group_sequence": "an int from 0 to 2**32 - 1",
    "application_properties": "a map whose keys are str",
    "body": "what its sections can hold: bytes-like objects of data, lists of a sequence",
    "footer": "a map whose keys are str or unsigned ints",
}


def _unexpected(value: Any, index: int, status: int) -> EncodeError:
    """Of a field whose type is fixed, and which has another one."""
    name = FIELD_NAMES[index]
    return EncodeError(f"{name}: {value!r:.80} is not {_EXPECTED.get(name, 'a str')}", status=status, field=name)


def message_fault(message: Any, status: int, index: int) -> EncodeError:
    """What is wrong with a message that C refused; index: of the field, or -1 where C does not know."""
    if status == Status.NO_MEMORY:
        raise MemoryError
    fields = fields_of(message)
    if index > 0:
        name = FIELD_NAMES[index]
        fault = fault_of(fields[index])
        return _unexpected(fields[index], index, status) if fault is None else EncodeError(f"{name}: {fault}", status=status, field=name)
    for place, value in enumerate(fields[1:], 1):
        fault = fault_of(value)
        if fault is None and place in (14, 15) and isinstance(value, str) and not value.isascii():
            fault = EncodeError(f"{value!r} is not ASCII, as a symbol has to be", status=Status.BAD_SYMBOL)
        if fault is None and place in (DELIVERY_ANNOTATIONS, MESSAGE_ANNOTATIONS, FOOTER) and value is not None:
            fault = next((_symbol_fault(key) for key in value if isinstance(key, str) and not key.isascii()), None)
        if fault is not None:
            return field_error(fault, place)
    if fields[BODY] is not None:
        return EncodeError(f"body: {fields[BODY]!r:.80} is not {_EXPECTED['body']}", status=status, field="body")
    return EncodeError(f"the message cannot be encoded: {Status.of(status).text}", status=status)


def _symbol_fault(key: str) -> EncodeError:
    return EncodeError(f"the key {key!r} is not ASCII, as a symbol has to be", status=Status.BAD_SYMBOL)


def value_fault(value: Any, status: int) -> EncodeError:
    """What is wrong with a value that C refused."""
    if status == Status.NO_MEMORY:
        raise MemoryError
    return fault_of(value) or EncodeError(f"the value cannot be encoded: {Status.of(status).text}", status=status)


def has_foreign_buffer(value: Any) -> bool:
    """Whether a list or map holds what marshal has made bytes of, though it is nothing of the kind: numbers of numpy, arrays."""
    if isinstance(value, (list, tuple)):
        return any(has_foreign_buffer(item) for item in value)
    if isinstance(value, dict):
        return any(has_foreign_buffer(key) or has_foreign_buffer(item) for key, item in value.items())
    return type(value) not in _PLAIN and type(value) not in (bytearray, memoryview)
