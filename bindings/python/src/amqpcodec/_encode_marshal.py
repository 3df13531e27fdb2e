"""From Python to AMQP, on CPython: marshal writes the objects, C reads what it wrote (native/marshal_read.c).

Every function here has a counterpart of the same name in _encode_pypy.py; who encodes imports them from _encode.py.

marshal takes None, bool, int, float, str, bytes, list, tuple and dict of exactly these types, and turns whatever has the buffer protocol
into bytes without a word. It refuses all else, and then the values are walked in Python (_to_marks.py). C says where a binary lies
within a list or a map, and only then somebody looks whether it has been one before.
"""

from __future__ import annotations

from marshal import dumps

from amqpcodec import _to_marks
from amqpcodec._crossing import ffi, lib
from amqpcodec._errors import EncodeError
from amqpcodec._message import BODY, FLAGS, KIND_BY_TYPE, KIND_DATA

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

WINDOW = lib.CROSSING_WINDOW
HAS_BINARY = lib.CROSSING_HAS_BINARY
# One object: strings are written fastest by version 2, where nothing is looked up that is there once. Many: by version 4, which writes
# what they share only once.
ONE = 2
MANY = 4

_BORROWED = lib.CROSSING_BODY_BORROWED
_LARGE = 32768  # bytes of a body: from here on it takes longer to copy it through marshal than to tell C where it lies

# Bound once: looking up an attribute takes as long as a tenth of what is done here.
_encode_value = lib.crossing_encode_value
_encode_message = lib.crossing_encode_message
_encode_messages = lib.crossing_encode_messages

# Encoders that nobody uses at the moment, each with its window. A list's pop and append are atomic.
_free: list[tuple[Any, Any]] = []
_take = _free.pop
_give = _free.append


def new_encoder() -> tuple[Any, Any]:
    """An encoder and its window; Python frees them."""
    encoder = lib.crossing_encoder_new()
    if encoder == ffi.NULL:
        raise MemoryError
    encoder = ffi.gc(encoder, lib.crossing_encoder_free)
    return encoder, ffi.buffer(encoder.data, WINDOW)


def encode_value(value: Any) -> bytes:
    """The AMQP bytes of a value. Raises EncodeError."""
    try:
        pair = _take()
    except IndexError:
        pair = new_encoder()
    encoder, window = pair
    try:
        data = dumps(value, ONE)
        size = _encode_value(encoder, data, len(data), False)
    except ValueError:
        size = -1
    if 0 < size <= WINDOW:
        encoded: bytes = window[:size]
        _give(pair)
        return encoded
    encoded = _rest_of_value(encoder, size, value)
    if len(encoded) <= WINDOW:  # otherwise its memory has become large
        _give(pair)
    return encoded


def _rest_of_value(encoder: Any, size: int, value: Any) -> bytes:
    """What is not usual: what marshal or C has refused, a large value, bytes within a list or a map."""
    if size < 0 or (size & HAS_BINARY and _to_marks.has_foreign_buffer(value)):
        data = dumps(_to_marks.marked_value(value), ONE)
        size = _encode_value(encoder, data, len(data), True)
        if size < 0:
            raise _to_marks.value_fault(value, -1 - size)
    return bytes(ffi.buffer(encoder.data, size & ~HAS_BINARY))


def encode_message(message: Any) -> bytes:
    """The AMQP bytes of a message. Raises EncodeError."""
    try:
        pair = _take()
    except IndexError:
        pair = new_encoder()
    encoder, window = pair
    try:
        data = dumps(message._items, ONE)
        size = _encode_message(encoder, data, len(data), False)
    except (ValueError, AttributeError):
        size = -1
    if 0 < size <= WINDOW:
        encoded: bytes = window[:size]
        _give(pair)
        return encoded
    encoded = _rest_of_message(encoder, size, message)
    if len(encoded) <= WINDOW:  # otherwise its memory has become large
        _give(pair)
    return encoded


def _rest_of_message(encoder: Any, size: int, message: Any) -> bytes:
    """As _rest_of_value."""
    if size < 0 or (size & HAS_BINARY and _foreign(message)):
        data = dumps(_to_marks.marked_message(message), ONE)
        size = _encode_message(encoder, data, len(data), True)
        if size < 0:
            raise _to_marks.message_fault(message, -1 - size, encoder.field)
    return bytes(ffi.buffer(encoder.data, size & ~HAS_BINARY))


def _foreign(message: Any) -> bool:
    """Whether a map or a list of the message holds what is not bytes, though marshal wrote it so."""
    fields = _to_marks.fields_of(message)
    return any(_to_marks.has_foreign_buffer(field) for field in fields if isinstance(field, (list, tuple, dict)))


def take_encoder() -> Any:
    """An encoder, with what belongs to it, for encode_batch; its first item is the crossing_encoder. give_encoder takes it back."""
    try:
        return _take()
    except IndexError:
        return new_encoder()


give_encoder = _give


def encode_batch(tools: Any, messages: Sequence[Any], first: int = 0) -> None:
    """Encodes messages: then the encoder's payloads have an amqpc_bytes for each, until it is used again.

    At most 64 messages, and 64 KiB, at a time are fastest. Raises EncodeError with the message's index, counted from `first`.
    """
    try:
        items = [message._items for message in messages]
        if [None for fields in items if type(body := fields[BODY]) is bytes and len(body) >= _LARGE]:
            count = _encode_lent(tools[0], items)
        else:
            data = dumps(items, MANY)
            count = _encode_messages(tools[0], data, len(data), False)
    except (ValueError, AttributeError):
        count = -1
    if count != len(messages) and (count < 0 or any(_foreign(message) for message in messages)):
        encode_marked(tools, messages, first)


def _encode_lent(encoder: Any, items: list[list[Any]]) -> int:
    """Encodes messages some of whose bodies are large, and taken from where they lie."""
    large = [index for index, fields in enumerate(items) if type(fields[BODY]) is bytes and len(fields[BODY]) >= _LARGE]
    bodies = ffi.new("amqpc_bytes[]", len(large))
    pointers = [ffi.from_buffer(items[index][BODY]) for index in large]
    for number, index in enumerate(large):
        fields = items[index]
        bodies[number].data = pointers[number]
        bodies[number].size = len(fields[BODY])
        flags = KIND_DATA if fields[FLAGS] & KIND_BY_TYPE else fields[FLAGS]
        items[index] = [flags | _BORROWED, *fields[1:BODY], number, *fields[BODY + 1 :]]
    data = dumps(items, MANY)
    lib.crossing_encoder_lend(encoder, bodies, len(large))
    count: int = _encode_messages(encoder, data, len(data), False)
    lib.crossing_encoder_lend(encoder, ffi.NULL, 0)
    return count


def encode_marked(tools: Any, messages: Sequence[Any], first: int) -> None:
    """As encode_batch, of what was refused on the way that is usual."""
    encoder = tools[0]
    flat = []
    for index, message in enumerate(messages):
        try:
            flat.append(_to_marks.marked_message(message))
        except EncodeError as error:
            raise _batch_error(error, first + index) from error.__cause__
    data = dumps(flat, ONE)
    count = _encode_messages(encoder, data, len(data), True)
    if count < 0:
        index = encoder.count  # those before it are encoded
        fault = _to_marks.message_fault(messages[index], -1 - count, encoder.field)
        raise _batch_error(fault, first + index)


def _batch_error(error: EncodeError, index: int) -> EncodeError:
    """The same error, telling which message of several it was."""
    error.index = index
    error.args = (f"message {index}: {error}",)
    return error


def payloads_of(tools: Any) -> list[bytes]:
    """The messages that encode_batch has encoded, a bytes object each."""
    encoder, window = tools[:2]
    count = encoder.count
    ends = ffi.unpack(encoder.ends, count) if count else []
    if encoder.size > WINDOW:
        window = ffi.buffer(encoder.data, encoder.size)
    return [window[start:end] for start, end in zip([0, *ends], ends)]
