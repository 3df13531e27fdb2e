"""What all composite types share: fields by name, equality, and the way to bytes and back.

The classes themselves are in _composites.py, which lib/generate.py writes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Callable, ClassVar, NamedTuple, TypeVar

from amqpcodec._codec import decode, encode
from amqpcodec._crossing import decode_error, ffi, lib
from amqpcodec._errors import EncodeError
from amqpcodec._library import Buffer
from amqpcodec._status import Status
from amqpcodec._types import Array, Described, Pairs, Symbol, UByte, UInt, ULong, UShort

# What stands before the first field: the descriptor, 3 bytes, and the list's constructor, size and count.
LIST8_HEADER = 6
LIST32_HEADER = 12
Made = TypeVar("Made", bound="Composite")


class Field(NamedTuple):
    """What the specification says of one field.

    ``kind`` is a name of C's amqpc_field_kind in lower case; ``default`` as the specification writes it; ``choices`` the
    numbers that may stand there; ``symbol_keys``: a map of which the keys are symbols.
    """

    name: str
    kind: str
    mandatory: bool = False
    default: str = ""
    choices: Any = None
    symbol_keys: bool = False


def names(value: Iterable[str] | str | None) -> tuple[str, ...] | None:
    """A field that may hold several symbols (AMQP 1.4): one name is as good as a tuple of it."""
    if value is None:
        return None
    return (value,) if isinstance(value, str) else tuple(value)


class Composite:
    """A composite type: attributes for its fields, ``None`` where one is absent (null).

    An absent field means its default, which the class's description has; `effective` gives that. Two composites are equal
    where they are of one type and all their fields are.
    """

    __slots__ = ()
    NAME: ClassVar[str] = ""
    DESCRIPTOR: ClassVar[int] = 0
    SYMBOL: ClassVar[str] = ""
    FIELDS: ClassVar[tuple[Field, ...]] = ()
    __hash__ = None  # type: ignore[assignment] # the fields may be changed

    def encode(self) -> bytes:
        """The composite as bytes, in the smallest form.

        Raises EncodeError: a mandatory field is absent, or a field has a value that it cannot have.
        """
        data = encode(self.to_described())
        status, offset = check(type(self), data)
        if status:
            raise EncodeError(f"{self._field_at(data, offset)}: {Status.of(status).text}", status=status)
        return data

    @classmethod
    def decode(cls: type[Made], data: Buffer) -> Made:
        """The composite of this type that the bytes are; with ``Composite.decode``, of any type.

        Raises DecodeError: they are another, or malformed.
        """
        data = bytes(data)
        value = decode(data, typed=True)
        found = class_of(value)
        wanted = cls if cls.DESCRIPTOR else found
        if wanted is None:
            raise decode_error(Status.UNKNOWN_DESCRIPTOR, 1 if isinstance(value, Described) else 0, data, "value")
        status, offset = check(wanted, data)
        if status:
            raise decode_error(status, offset, data, "value")
        return wanted._from_fields(value.value)  # type: ignore[return-value]

    def to_described(self) -> Described:
        """The composite as the described list that it is on the wire, without its absent fields at the end."""
        fields = [self._wire_value(item) for item in self.FIELDS]
        while fields and fields[-1] is None:
            fields.pop()
        return Described(ULong(self.DESCRIPTOR), fields)

    def effective(self, name: str) -> Any:
        """The field, or where it is absent its default; ``None`` where it has none."""
        value = getattr(self, name)
        if value is not None:
            return value
        item = next(item for item in self.FIELDS if item.name == name)
        if item.choices is not None and item.default:
            return item.choices[item.default.replace("-", "_").upper()]
        if item.kind == "boolean" and item.default:
            return item.default == "true"
        if item.kind == "symbol" and item.default:
            return Symbol(item.default)
        return int(item.default) if item.default else None

    def _wire_value(self, item: Field) -> Any:
        value = getattr(self, item.name)
        if value is None:
            if item.mandatory:
                raise EncodeError(f"{self.NAME}.{item.name}: a mandatory field is missing", status=Status.MISSING_FIELD)
            return None
        try:
            value = TO_WIRE[item.kind](value)
        except (TypeError, ValueError, OverflowError) as error:
            raise EncodeError(f"{self.NAME}.{item.name}: {error}", status=Status.INVALID_ARGUMENT) from error
        return with_symbol_keys(value) if item.symbol_keys else value

    def _field_at(self, data: bytes, offset: int) -> str:
        """The field in which a byte of what was encoded lies: "open.max_frame_size"."""
        position = LIST32_HEADER if data[3] == lib.AMQPC_CODE_LIST32 else LIST8_HEADER
        for item in self.FIELDS:
            size = ffi.new("size_t *")
            if lib.amqpc_value_skip(ffi.from_buffer(data) + position, len(data) - position, ffi.NULL, size):
                break
            position += size[0]
            if offset < position:
                return f"{self.NAME}.{item.name}"
        return self.NAME

    @classmethod
    def _from_fields(cls: type[Made], fields: list[Any]) -> Made:
        """From fields that the library has found to be right."""
        made = cls.__new__(cls)
        for item, value in zip(cls.FIELDS, fields):
            setattr(made, item.name, None if value is None else from_wire(item, value))
        for item in cls.FIELDS[len(fields) :]:
            setattr(made, item.name, None)
        return made

    def _present(self) -> Iterator[tuple[str, Any]]:
        values = ((item.name, getattr(self, item.name)) for item in self.FIELDS)
        return ((name, value) for name, value in values if value is not None)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, item.name) == getattr(other, item.name) for item in self.FIELDS)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self._present())})"


# --- Values of fields, as they stand in the described list.


def to_value(value: Any) -> Any:
    """A value that may hold composites, as one that holds described lists in their places."""
    if isinstance(value, Composite):
        return value.to_described()
    if isinstance(value, dict):
        return {key: to_value(element) for key, element in value.items()}
    if isinstance(value, (list, tuple)) and type(value) in (list, tuple):
        return [to_value(element) for element in value]
    return value


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a str is wanted, not {type(value).__name__}")
    return str(value)


def binary(value: Any) -> bytes:
    if isinstance(value, (str, int)):
        raise TypeError(f"bytes are wanted, not {type(value).__name__}")
    return bytes(value)


def symbols(value: Any) -> Any:
    several = [Symbol(text(name)) for name in names(value) or ()]
    return several[0] if len(several) == 1 else Array(Symbol, several)


def mapping(value: Any) -> Any:
    if not isinstance(value, Mapping):
        raise TypeError(f"a dict is wanted, not {type(value).__name__}")
    kind = Pairs if isinstance(value, Pairs) else dict
    return kind((key, to_value(element)) for key, element in value.items())


def with_symbol_keys(value: Any) -> Any:
    """The types fields, filter-set and node-properties have symbols for keys (AMQP 2.8.12, 3.5.8): a str is one."""
    return type(value)((Symbol(key) if type(key) is str else key, element) for key, element in value.items())


def described(value: Any) -> Any:
    value = to_value(value)
    if not isinstance(value, Described):
        raise TypeError(f"a composite or a Described is wanted, not {type(value).__name__}")
    return value


def message_id(value: Any) -> Any:
    return ULong(value) if isinstance(value, int) else value


TO_WIRE: dict[str, Callable[[Any], Any]] = {
    "boolean": bool,
    "ubyte": UByte,
    "ushort": UShort,
    "uint": UInt,
    "ulong": ULong,
    "timestamp": lambda value: value,
    "binary": binary,
    "string": text,
    "symbol": lambda value: Symbol(text(value)),
    "symbols": symbols,
    "map": mapping,
    "any": to_value,
    "described": described,
    "message_id": message_id,
    "error": described,
}


def from_wire(item: Field, value: Any) -> Any:
    """A field's value, which the library has found to be of its type."""
    if item.choices is not None:
        return item.choices(value)
    if item.kind in ("ubyte", "ushort", "uint", "ulong"):
        return int(value)
    if item.kind == "symbols":
        return tuple(value) if isinstance(value, Array) else (value,)
    if item.kind in ("described", "error", "any"):
        return from_value(value)
    if item.kind == "message_id" and isinstance(value, int):
        return int(value)
    return value


def from_value(value: Any) -> Any:
    """A `Described` that is a well-formed composite as that; any other value as it is."""
    found = class_of(value)
    if found is None or check(found, encode(value))[0]:
        return value
    return found._from_fields(value.value)


def class_of(value: Any) -> type[Composite] | None:
    """The class of a composite, by its numeric or symbolic descriptor."""
    if not isinstance(value, Described) or not isinstance(value.value, list):
        return None
    found: type[Composite] | None = None
    composites = sys.modules[f"{__package__}._composites"].COMPOSITES
    if isinstance(value.descriptor, ULong):
        found = composites.get(int(value.descriptor))
    elif isinstance(value.descriptor, Symbol):
        found = next((c for c in composites.values() if value.descriptor == c.SYMBOL), None)
    return found


# --- The library, which knows what is right.


def check(composite: type[Composite], data: bytes) -> tuple[int, int]:
    """Whether bytes are a composite of the type: (status, offset)."""
    name = composite.NAME.replace("-", "_")
    offset = ffi.new("size_t *")
    function = getattr(lib, f"amqpc_{name}_decode")
    status = function(ffi.from_buffer(data), len(data), ffi.NULL, ffi.new(f"amqpc_{name} *"), offset)
    return int(status), int(offset[0])


def from_described_list(code: int, data: bytes) -> Composite:
    """The composite of a known type, from bytes that the library has found to be it."""
    found: type[Composite] = sys.modules[f"{__package__}._composites"].COMPOSITES[int(code)]
    return found._from_fields(decode(data, typed=True).value)
