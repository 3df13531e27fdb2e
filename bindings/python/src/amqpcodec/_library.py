"""Small things for whoever calls the C library by its public functions: bytes to it and from it."""

from __future__ import annotations

from typing import Any, Union

from amqpcodec._crossing import ffi, lib

# What is taken for bytes.
Buffer = Union[bytes, bytearray, memoryview]
# What bytes are meant to be, by amqpc_input.
INPUTS = ("value", "performative", "sasl", "message", "frame")
# No cap of a buffer.
UNCAPPED = 2**63


def bytes_argument(data: Any) -> tuple[Any, Any]:
    """Bytes as the amqpc_bytes that functions take, and what is to be kept as long."""
    view = ffi.new("amqpc_bytes *")
    if not len(data):
        return view[0], view
    source = ffi.from_buffer(data)
    view.data, view.size = source, len(data)
    return view[0], (view, source)


def bytes_of(view: Any) -> bytes:
    """A copy of an amqpc_bytes."""
    return bytes(ffi.buffer(view.data, view.size)) if view.size else b""


def text_of(view: Any) -> str:
    return bytes_of(view).decode("utf-8", "replace")


def new_buffer() -> Any:
    buffer = ffi.new("amqpc_buffer **")
    if lib.amqpc_buffer_new(ffi.NULL, UNCAPPED, buffer):
        raise MemoryError
    return ffi.gc(buffer[0], lib.amqpc_buffer_free)


def buffer_bytes(buffer: Any) -> bytes:
    size = lib.amqpc_buffer_size(buffer)
    return bytes(ffi.buffer(lib.amqpc_buffer_data(buffer), size)) if size else b""


def address_of(handle: Any) -> int:
    return int(ffi.cast("uintptr_t", handle))
