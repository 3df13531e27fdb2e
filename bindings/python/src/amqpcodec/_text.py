"""Values, messages and frames as text for people, and accounts of what is wrong with bytes."""

from __future__ import annotations

from typing import Any

from amqpcodec._codec import encode, encode_message
from amqpcodec._composite import Composite, to_value
from amqpcodec._crossing import decode_error, ffi, lib
from amqpcodec._errors import DecodeError
from amqpcodec._frames import UNLIMITED, Frame, FrameParser, ProtocolHeader, frame_limits, whole_frame
from amqpcodec._library import INPUTS, Buffer, buffer_bytes, new_buffer
from amqpcodec._message import Message
from amqpcodec._received import ReceivedMessage
from amqpcodec._status import Status

# What is wrong with a stream, and not with a frame in it.
OF_STREAMS = (Status.BAD_PROTOCOL_HEADER, Status.DATA_AFTER_CLOSE)


def to_text(value: Any) -> str:
    """A value, a message, a composite or a frame in the notation of docs/notation.md: every type and every bit shows.

    >>> to_text([1, "a", None])
    '[long(1), "a", null]'
    """
    return _printed(value, lib.AMQPC_PRINT_TEXT)


def to_json(value: Any) -> str:
    """As `to_text`, as one JSON document on one line; types that JSON lacks are tagged: ``{"ulong": 5}``."""
    return _printed(value, lib.AMQPC_PRINT_JSON)


def dump(data: Buffer, *, json: bool = False) -> str:
    """Bytes as text, a line for each protocol header and frame of a stream; of a message, or a value, one line.

    What the bytes are is seen from how they begin. Where they end, or become malformed, an account of that follows.

    json  lines of JSON instead of the notation of docs/notation.md
    """
    data = bytes(data)
    form = lib.AMQPC_PRINT_JSON if json else lib.AMQPC_PRINT_TEXT
    if data[:4] == b"AMQP" or _is_frame(data):
        return _dump_stream(data, form)
    kind = "message" if data[:1] == b"\0" and _begins_with_section(data) else "value"
    try:
        return (_message_text(data, form) if kind == "message" else _value_text(data, form)) + "\n"
    except DecodeError:
        return explain(data, kind=kind)


def explain(error: DecodeError | Buffer, *, kind: str | None = None) -> str:
    """What is wrong with bytes that did not decode: status, offset, the way to the place, what was expected, what found.

    error  a DecodeError, or bytes; of a ConnectionError of the engine its cause
    kind   what the bytes should be: ``value``, ``message``, ``frame``, or ``performative`` and ``sasl``, the bodies of
           frames. By default what the error says, or value

    Returns several lines. Bytes that are in order are reported as such.
    """
    if isinstance(error, BaseException) and not isinstance(error, DecodeError):
        cause = error.__cause__
        if not isinstance(cause, DecodeError):
            raise TypeError(f"explain takes a DecodeError or bytes, not {type(error).__name__}")
        error = cause
    data = error.data if isinstance(error, DecodeError) else bytes(error)
    kind = kind or (error.kind if isinstance(error, DecodeError) else "value")
    if kind not in INPUTS:
        raise ValueError(f"{kind!r} is none of {', '.join(INPUTS)}")
    if isinstance(error, DecodeError) and error.status in OF_STREAMS:
        return f"{error.status.name} at offset {error.offset}: {error.status.text}\n"
    buffer = new_buffer()
    limits = _limits_of(error) if isinstance(error, DecodeError) and kind == "frame" else ffi.NULL
    status = lib.amqpc_explain(INPUTS.index(kind), ffi.from_buffer(data), len(data), limits, buffer)
    if status:
        raise MemoryError("explain")
    return _text_of(buffer)


def _limits_of(error: DecodeError) -> Any:
    """Those of `decode_frame`, unless it was the frame's size or the channel that was refused."""
    if error.status in (Status.FRAME_TOO_LARGE, Status.BAD_CHANNEL):
        return ffi.NULL
    return frame_limits(UNLIMITED)


def _printed(value: Any, form: int) -> str:
    if isinstance(value, (Message, ReceivedMessage)):
        return _message_text(encode_message(value), form)
    if isinstance(value, Frame):
        return _frame_text(value.encode(), form)
    return _value_text(value.encode() if isinstance(value, Composite) else encode(to_value(value)), form)


def _value_text(data: bytes, form: int) -> str:
    value = ffi.new("amqpc_value *")
    offset = ffi.new("size_t *")
    status = lib.amqpc_value_decode(ffi.from_buffer(data), len(data), ffi.NULL, value, offset)
    if not status and offset[0] < len(data):
        status = Status.TRAILING_BYTES
    buffer = new_buffer()
    _check(status or lib.amqpc_composite_print(value, form, buffer), offset[0], data, "value")
    return _text_of(buffer)


def _message_text(data: bytes, form: int) -> str:
    message = ffi.new("amqpc_message *")
    offset = ffi.new("size_t *")
    buffer = new_buffer()
    status = lib.amqpc_message_decode(ffi.from_buffer(data), len(data), ffi.NULL, message, offset)
    _check(status or lib.amqpc_message_print(message, form, buffer), offset[0], data, "message")
    return _text_of(buffer)


def _frame_text(data: bytes, form: int) -> str:
    frame = ffi.new("amqpc_frame *")
    offset = ffi.new("size_t *")
    buffer = new_buffer()
    limits = frame_limits(UNLIMITED)
    status = lib.amqpc_frame_parse(ffi.from_buffer(data), len(data), limits, frame, offset)
    _check(status or lib.amqpc_frame_print(frame, limits, form, buffer), offset[0], data, "frame")
    return _text_of(buffer)


def _dump_stream(data: bytes, form: int) -> str:
    """The lines of a stream, from its first header or frame on."""
    parser = FrameParser(max_frame_size=UNLIMITED, expect_header=data[:4] == b"AMQP")
    parser.feed(data)
    lines: list[str] = []
    try:
        for item in parser:
            if isinstance(item, ProtocolHeader):
                lines.append(f'"{item.protocol.name} header"' if form == lib.AMQPC_PRINT_JSON else f"{item.protocol.name} header")
            else:
                lines.append(_frame_text(whole_frame(parser._found), form))
    except DecodeError as error:
        return "".join(f"{line}\n" for line in lines) + explain(error)
    if parser.pending_size:
        lines.append(f"{parser.pending_size} bytes of what is not whole")
    return "".join(f"{line}\n" for line in lines)


def _is_frame(data: bytes) -> bool:
    """Whether bytes begin with the header of a frame: its size, a data offset within it, and a known type."""
    size = int.from_bytes(data[:4], "big")
    return len(data) >= 8 and data[0] == 0 and data[1] != 0x53 and 8 <= 4 * data[4] <= size and data[5] in (0, 1)


def _begins_with_section(data: bytes) -> bool:
    """Whether bytes that begin with a described value begin with a section of a message."""
    message, offset = ffi.new("amqpc_message *"), ffi.new("size_t *")
    status = lib.amqpc_message_decode(ffi.from_buffer(data), len(data), ffi.NULL, message, offset)
    return bool(status != Status.UNKNOWN_SECTION or offset[0] > 1)


def _check(status: int, offset: int, data: bytes, kind: str) -> None:
    if status == Status.NO_MEMORY:
        raise MemoryError(kind)
    if status:
        raise decode_error(status, offset, data, kind)


def _text_of(buffer: Any) -> str:
    return buffer_bytes(buffer).decode("utf-8", "replace")
