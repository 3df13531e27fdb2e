"""From Python to AMQP, on CPython: marshal writes the objects, C reads what it wrote (native/marshal_read.c).

Every function here has a counterpart of the same name in _encode_pypy.py; who encodes imports them from _encoding.py.

marshal takes None, bool, int, float, str, bytes, list, tuple and dict of exactly these types, and turns whatever has the buffer protocol
into bytes without a word. It refuses all else, and then the values are walked in Python (_to_to_marks.py). C says where a binary lies
within a list or a map, and only then somebody looks whether it has been one before.
"""

from __future__ import annotations

from marshal import dumps
from typing import TYPE_CHECKING, Any

from amqpcodec import _to_marks
from amqpcodec._crossing import ffi, lib
from amqpcodec._message import FIELD_COUNT, FLAGS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from amqpcodec._errors import EncodeError

WINDOW = lib.CROSSING_WINDOW
HAS_BINARY = lib.CROSSING_HAS_BINARY
# One object: strings are written fastest by version 2, where nothing is looked up that is there once. Many: by version 4, which writes
# what they share only once.
ONE = 2
MANY = 4

# Encoders that nobody uses at the moment, each with its window. A list's pop and append are atomic.
_free: list[tuple[Any, Any]] = []


def new_encoder() -> tuple[Any, Any]:
    """An encoder and its window; Python frees them."""
    encoder = lib.crossing_encoder_new()
    if encoder == ffi.NULL:
        raise MemoryError
    encoder = ffi.gc(encoder, lib.crossing_encoder_free)
    return encoder, ffi.buffer(encoder.data, WINDOW)


def encode_value(value: Any) -> bytes:
    """The AMQP bytes of a value. Raises EncodeError."""
    pair = _free.pop() if _free else new_encoder()
    encoder, window = pair
    try:
        data = dumps(value, ONE)
    except ValueError:
        data = dumps(_to_marks.marked(value), ONE)
        size = lib.crossing_encode_value(encoder, data, len(data), True)
    else:
        size = lib.crossing_encode_value(encoder, data, len(data), False)
    if 0 < size <= WINDOW:
        encoded: bytes = window[:size]
    else:
        encoded = _rest_of_value(encoder, size, value)
    _free.append(pair)
    return encoded


def _rest_of_value(encoder: Any, size: int, value: Any) -> bytes:
    """What is not usual: a failure, a large value, bytes within a list or a map."""
    if size < 0:
        raise _to_marks.value_fault(value, -1 - size)
    if size & HAS_BINARY and _to_marks.has_foreign_buffer(value):
        data = dumps(_to_marks.marked(value), ONE)
        size = lib.crossing_encode_value(encoder, data, len(data), True)
        if size < 0:
            raise _to_marks.value_fault(value, -1 - size)
    return bytes(ffi.buffer(encoder.data, size & ~HAS_BINARY))


def encode_message(message: Any) -> bytes:
    """The AMQP bytes of a message. Raises EncodeError."""
    pair = _free.pop() if _free else new_encoder()
    encoder, window = pair
    try:
        data = dumps(message._fields, ONE)
    except (ValueError, AttributeError):
        data = dumps(_to_marks.marked_message(message), ONE)
        size = lib.crossing_encode_message(encoder, data, len(data), True)
    else:
        size = lib.crossing_encode_message(encoder, data, len(data), False)
    if 0 < size <= WINDOW:
        encoded: bytes = window[:size]
    else:
        encoded = _rest_of_message(encoder, size, message)
    _free.append(pair)
    return encoded


def _rest_of_message(encoder: Any, size: int, message: Any) -> bytes:
    if size < 0:
        raise _to_marks.message_fault(message, -1 - size, encoder.field)
    if size & HAS_BINARY and _foreign(message):
        data = dumps(_to_marks.marked_message(message), ONE)
        size = lib.crossing_encode_message(encoder, data, len(data), True)
        if size < 0:
            raise _to_marks.message_fault(message, -1 - size, encoder.field)
    return bytes(ffi.buffer(encoder.data, size & ~HAS_BINARY))


def _foreign(message: Any) -> bool:
    """Whether a map or a list of the message holds what is not bytes, though marshal wrote it so."""
    fields = _to_marks.flat_fields(message)
    return any(_to_marks.has_foreign_buffer(field) for field in fields if isinstance(field, (list, tuple, dict)))


def take_encoder() -> tuple[Any, Any]:
    """An encoder, with its window, for encode_batch; give_encoder takes it back."""
    return _free.pop() if _free else new_encoder()


def give_encoder(pair: tuple[Any, Any]) -> None:
    _free.append(pair)


def encode_batch(encoder: Any, messages: Sequence[Any]) -> None:
    """Encodes messages: then encoder.payloads has an amqpc_bytes for each, until the encoder is used again.

    At most 64 messages, and 64 KiB, at a time are fastest. Raises EncodeError with the message's index.
    """
    try:
        data = dumps([message._fields for message in messages], MANY)
    except (ValueError, AttributeError):
        count = _encode_marked(encoder, messages)
    else:
        count = lib.crossing_encode_messages(encoder, data, len(data), False)
    if count != len(messages):
        if count < 0:
            raise batch_fault(encoder, messages, -1 - count)
        if any(_foreign(message) for message in messages):
            count = _encode_marked(encoder, messages)
            if count < 0:
                raise batch_fault(encoder, messages, -1 - count)


def _encode_marked(encoder: Any, messages: Sequence[Any]) -> int:
    flat = []
    for index, message in enumerate(messages):
        try:
            flat.append(_to_marks.marked_message(message))
        except ValueError as error:
            raise batch_error(error, index) from error.__cause__
    data = dumps(flat, MANY)
    count: int = lib.crossing_encode_messages(encoder, data, len(data), True)
    return count


def batch_fault(encoder: Any, messages: Sequence[Any], status: int) -> EncodeError:
    """Why C refused a message of a batch."""
    index = encoder.count
    return batch_error(_to_marks.message_fault(messages[index], status, encoder.field), index)


def batch_error(error: Any, index: int) -> EncodeError:
    """The same error, telling which message of several it was."""
    error.index = index
    error.args = (f"message {index}: {error}",)
    return error  # type: ignore[no-any-return]


def payloads_of(pair: tuple[Any, Any]) -> list[bytes]:
    """The messages that encode_batch has encoded, a bytes object each."""
    encoder, window = pair
    count = encoder.count
    ends = ffi.unpack(encoder.ends, count) if count else []
    if encoder.size > WINDOW:
        window = ffi.buffer(encoder.data, encoder.size)
    starts = [0, *ends]
    return [window[start:end] for start, end in zip(starts, ends)]
