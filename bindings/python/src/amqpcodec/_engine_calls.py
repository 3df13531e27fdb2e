"""How the engine's objects call the library: composites as its structs, and its statuses as exceptions."""

from __future__ import annotations

from typing import Any, TypeVar

from amqpcodec._codec import decode, encode
from amqpcodec._composite import Composite, from_value
from amqpcodec._composites import Accepted, Released
from amqpcodec._crossing import ffi, lib
from amqpcodec._errors import AmqpError, EncodeError
from amqpcodec._library import buffer_bytes, bytes_of, new_buffer
from amqpcodec._status import Status

Made = TypeVar("Made", bound=Composite)

# What a call of the application's that is wrong in itself returns, whatever it is about.
WRONG_ARGUMENTS = (Status.INVALID_ARGUMENT, Status.MISSING_FIELD, Status.TOO_DEEP)


def failure(kind: type[AmqpError], status: int, what: str) -> Exception:
    """The exception for a status of a call about a connection, a session or a link."""
    found = Status.of(status)
    if found == Status.NO_MEMORY:
        return MemoryError(what)
    if found in WRONG_ARGUMENTS:
        return EncodeError(f"{what}: {found.text}", status=status)
    return kind(f"{what}: {found.text}", status=status)


def new_struct(composite: Composite) -> tuple[Any, bytes]:
    """A composite as the library's struct, and the bytes that it points into, which are to be kept as long."""
    name = composite.NAME.replace("-", "_")
    data = composite.encode()
    struct = ffi.new(f"amqpc_{name} *")
    status = getattr(lib, f"amqpc_{name}_decode")(ffi.from_buffer(data), len(data), ffi.NULL, struct, ffi.NULL)
    if status:
        raise EncodeError(f"{composite.NAME}: {Status.of(status).text}", status=status)
    return struct, data


def read_struct(kind: type[Made], function: Any, *arguments: Any) -> Made | None:
    """The composite that a function of the library writes behind its arguments; None where it says that there is none."""
    name = kind.NAME.replace("-", "_")
    struct = ffi.new(f"amqpc_{name} *")
    if function(*arguments, struct):
        return None
    return copy_struct(kind, struct)


def copy_struct(kind: type[Made], struct: Any) -> Made:
    """The composite that the library's struct holds."""
    encode_struct = getattr(lib, f"amqpc_{kind.NAME.replace('-', '_')}_encode")
    capacity, size = 4096, ffi.new("size_t *")
    while True:
        data = ffi.new("uint8_t[]", capacity)
        status = encode_struct(struct, data, capacity, size)
        if status != Status.BUFFER_FULL:
            break
        capacity *= 4
    if status:
        raise EncodeError(f"{kind.NAME}: {Status.of(status).text}", status=status)
    return kind.decode(bytes(ffi.buffer(data, size[0])))


def value_of(data: bytes) -> tuple[Any, bytes]:
    """An encoded value as the library's struct, and the bytes that it points into, which are to be kept as long."""
    value = ffi.new("amqpc_value *")
    status = lib.amqpc_value_decode(ffi.from_buffer(data), len(data), ffi.NULL, value, ffi.NULL)
    if status:
        raise EncodeError(Status.of(status).text, status=status)
    return value, data


def read_value(value: Any) -> Any:
    """An amqpc_value as it is in Python, composites as such; None for null."""
    if value.type == lib.AMQPC_TYPE_NULL:
        return None
    buffer = new_buffer()
    writer = ffi.new("amqpc_writer **")
    if lib.amqpc_writer_new(ffi.NULL, writer):
        raise MemoryError
    try:
        lib.amqpc_writer_set_growable(writer[0], buffer)
        address = value if ffi.typeof(value).kind == "pointer" else ffi.addressof(value)
        status = lib.amqpc_writer_value(writer[0], address)
    finally:
        lib.amqpc_writer_free(writer[0])
    if status:
        raise failure(AmqpError, status, "a value")
    return from_value(decode(buffer_bytes(buffer), typed=True))


def read_encoded(view: Any) -> Any:
    """An encoded value as it is in Python, composites as such; None for no bytes."""
    return from_value(decode(bytes_of(view), typed=True)) if view.size else None


def read_state(state_type: int, value: Any) -> Any:
    """A delivery's state; the frequent ones need no decoding."""
    if state_type == lib.AMQPC_COMPOSITE_ACCEPTED:
        return Accepted()
    if state_type == lib.AMQPC_COMPOSITE_RELEASED:
        return Released()
    return read_value(value)


def state_argument(state: Any) -> tuple[Any, Any]:
    """A delivery's state, a composite or a Described, as the library's value; and what is to be kept as long."""
    if state is None:
        return ffi.NULL, None
    return value_of(state.encode() if isinstance(state, Composite) else encode(state))
