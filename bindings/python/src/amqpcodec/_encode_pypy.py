"""From Python to AMQP, on PyPy, where storing a number into C's memory costs next to nothing, and marshal a lot.

Values are told by numbers (native/crossing.h, crossing_encode_operations), with all texts behind one another, in one call for a batch. The functions
are those of _encode_marshal.py, which does all that is rare, and all that fails.

Loops over a few items are written out, for the sake of PyPy's compiler, which compiles a loop by itself, the call of which takes longer than all
that it does for them: messages with four application properties take a quarter more in batches with one. It also gives up on what is long
(6000 of its operations, of which a call takes 50).
"""

from __future__ import annotations

from amqpcodec import _encode_marshal
from amqpcodec._crossing import ffi, lib
from amqpcodec._encode_marshal import WINDOW
from amqpcodec._message import Message
from amqpcodec._types import (
    TYPE_BINARY,
    TYPE_BOOLEAN,
    TYPE_DOUBLE,
    TYPE_LIST,
    TYPE_LONG,
    TYPE_MAP,
    TYPE_NULL,
    TYPE_STRING,
    TYPE_ULONG,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    # An encoder with its window, the operations, and the same memory for floats.
    _Tools = tuple[Any, Any, Any, Any]

_run = lib.crossing_encode_operations
_MESSAGE = lib.CROSSING_OPERATION_MESSAGE
_KEYED = lib.CROSSING_OPERATION_KEYED << 8
_KEYED_TEXT = _KEYED | TYPE_STRING
_CAPACITY = 16384  # operations
_LAST = _CAPACITY - 128  # from here on there is no room for what is put without looking
_DEPTH_MAX = 100  # of values; deeper ones are rare
_LONG_MAX = 2**63 - 1

_free: list[_Tools] = []


class _RefusedError(Exception):
    """A value that _encode_marshal has to see to."""


def _new_tools() -> _Tools:
    encoder, window = _encode_marshal.new_encoder()
    operations = ffi.new("int64_t[]", _CAPACITY)
    return encoder, window, operations, ffi.cast("double *", operations)


def take_encoder() -> _Tools:
    """An encoder, with what belongs to it, for encode_batch; give_encoder takes it back."""
    return _free.pop() if _free else _new_tools()


def give_encoder(tools: _Tools) -> None:
    _free.append(tools)


# Each of these puts operations from `at` on, and returns where the next one goes. `place`: the second byte of the operation.


def _put(operations: Any, reals: Any, texts: list[str], blobs: list[bytes], at: int, place: int, value: Any, depth: int) -> int:
    """A value of exactly one of the plain types."""
    kind = type(value)
    if kind is str:
        texts.append(value)
        operations[at] = TYPE_STRING | place
        return at + 1
    if kind is int:
        if -_LONG_MAX - 1 <= value <= _LONG_MAX:
            operations[at] = TYPE_LONG | place
            operations[at + 1] = value
            return at + 2
        return _put_large(operations, at, place, value)
    if kind is bool:
        operations[at] = TYPE_BOOLEAN | place | value << 16
        return at + 1
    if kind is float:
        operations[at] = TYPE_DOUBLE | place
        reals[at + 1] = value
        return at + 2
    if kind is bytes:
        blobs.append(value)
        operations[at] = TYPE_BINARY | place | len(value) << 16
        return at + 1
    if value is None:
        operations[at] = TYPE_NULL | place
        return at + 1
    return _put_compound(operations, reals, texts, blobs, at, place, value, depth + 1)


def _put_large(operations: Any, at: int, place: int, value: int) -> int:
    if not 0 < value < 2**64:
        raise _RefusedError
    operations[at] = TYPE_ULONG | place
    operations[at + 1] = value - 2**64
    return at + 2


def _put_compound(operations: Any, reals: Any, texts: list[str], blobs: list[bytes], at: int, place: int, value: Any, depth: int) -> int:
    kind = type(value)
    if place == _KEYED:
        # The key comes before all that is in it.
        operations[at] = TYPE_STRING
        at += 1
        place = 0
    if depth > _DEPTH_MAX or at > _LAST:
        raise _RefusedError
    if kind is dict:
        at = _put_items(operations, reals, texts, blobs, at, value, depth)
        operations[at] = TYPE_MAP | place | len(value) << 17
        return at + 1
    if kind is not list and kind is not tuple:
        raise _RefusedError
    for item in value:
        if at > _LAST:
            raise _RefusedError
        at = _put(operations, reals, texts, blobs, at, 0, item, depth)
    operations[at] = TYPE_LIST | place | len(value) << 16
    return at + 1


def _put_item(operations: Any, reals: Any, texts: list[str], blobs: list[bytes], at: int, item: tuple[Any, Any], depth: int) -> int:
    """A key, which is a string, and its value."""
    key, value = item
    if type(key) is not str:
        raise _RefusedError
    texts.append(key)
    if type(value) is str:
        texts.append(value)
        operations[at] = _KEYED_TEXT
        return at + 1
    return _put(operations, reals, texts, blobs, at, _KEYED, value, depth)


def _put_items(operations: Any, reals: Any, texts: list[str], blobs: list[bytes], at: int, value: dict[Any, Any], depth: int) -> int:
    """The keys and values of a map; the first ones without a loop."""
    count = len(value)
    items = iter(value.items())
    if count > 0:
        at = _put_item(operations, reals, texts, blobs, at, next(items), depth)
    if count > 1:
        at = _put_item(operations, reals, texts, blobs, at, next(items), depth)
    if count > 2:
        at = _put_item(operations, reals, texts, blobs, at, next(items), depth)
    if count > 3:
        at = _put_item(operations, reals, texts, blobs, at, next(items), depth)
    if count > 4:
        at = _put_item(operations, reals, texts, blobs, at, next(items), depth)
    if count > 5:
        at = _put_item(operations, reals, texts, blobs, at, next(items), depth)
    if count > 6:
        at = _put_item(operations, reals, texts, blobs, at, next(items), depth)
    if count > 7:
        at = _put_item(operations, reals, texts, blobs, at, next(items), depth)
    if count > 8:
        for item in items:
            if at > _LAST:
                raise _RefusedError
            at = _put_item(operations, reals, texts, blobs, at, item, depth)
    return at


def _put_message(operations: Any, reals: Any, texts: list[str], blobs: list[bytes], start: int, fields: list[Any]) -> int:
    (
        flags, durable, priority, ttl, first_acquirer, delivery_count, delivery_annotations, message_annotations,
        message_id, user_id, to, subject, reply_to, correlation_id, content_type, content_encoding,
        absolute_expiry_time, creation_time, group_id, group_sequence, reply_to_group_id, application_properties, body, footer,
    ) = fields  # fmt: skip
    if start > _LAST:
        raise _RefusedError
    # Texts, and what is true, have a bit each. That they are texts is found when they are joined.
    present = 0
    at = start + 1
    if durable is True:
        present |= 2
    elif durable is not None:
        at = _put(operations, reals, texts, blobs, at, 1 << 8, durable, 0)
    if first_acquirer is True:
        present |= 16
    elif first_acquirer is not None:
        at = _put(operations, reals, texts, blobs, at, 4 << 8, first_acquirer, 0)
    if type(message_id) is str:
        texts.append(message_id)
        present |= 256
    if to is not None:
        texts.append(to)
        present |= 1024
    if subject is not None:
        texts.append(subject)
        present |= 2048
    if reply_to is not None:
        texts.append(reply_to)
        present |= 4096
    if type(correlation_id) is str:
        texts.append(correlation_id)
        present |= 8192
    if content_type is not None:
        texts.append(content_type)
        present |= 16384
    if content_encoding is not None:
        texts.append(content_encoding)
        present |= 32768
    if group_id is not None:
        texts.append(group_id)
        present |= 262144
    if reply_to_group_id is not None:
        texts.append(reply_to_group_id)
        present |= 1048576
    operations[start] = _MESSAGE | flags << 8 | present << 24
    if type(body) is bytes:
        blobs.append(body)
        operations[at] = TYPE_BINARY | 22 << 8 | len(body) << 16
        at += 1
    elif body is not None:
        at = _put(operations, reals, texts, blobs, at, 22 << 8, body, 0)
    if type(application_properties) is dict:
        at = _put_items(operations, reals, texts, blobs, at, application_properties, 1)
        operations[at] = TYPE_MAP | 21 << 8 | len(application_properties) << 17
        at += 1
    elif application_properties is not None:
        at = _put(operations, reals, texts, blobs, at, 21 << 8, application_properties, 0)
    if priority is not None:
        at = _put(operations, reals, texts, blobs, at, 2 << 8, priority, 0)
    if ttl is not None:
        at = _put(operations, reals, texts, blobs, at, 3 << 8, ttl, 0)
    if delivery_count is not None:
        at = _put(operations, reals, texts, blobs, at, 5 << 8, delivery_count, 0)
    if delivery_annotations is not None:
        at = _put(operations, reals, texts, blobs, at, 6 << 8, delivery_annotations, 0)
    if message_annotations is not None:
        at = _put(operations, reals, texts, blobs, at, 7 << 8, message_annotations, 0)
    if message_id is not None and type(message_id) is not str:
        at = _put(operations, reals, texts, blobs, at, 8 << 8, message_id, 0)
    if user_id is not None:
        at = _put(operations, reals, texts, blobs, at, 9 << 8, user_id, 0)
    if correlation_id is not None and type(correlation_id) is not str:
        at = _put(operations, reals, texts, blobs, at, 13 << 8, correlation_id, 0)
    if absolute_expiry_time is not None:
        at = _put(operations, reals, texts, blobs, at, 16 << 8, absolute_expiry_time, 0)
    if creation_time is not None:
        at = _put(operations, reals, texts, blobs, at, 17 << 8, creation_time, 0)
    if group_sequence is not None:
        at = _put(operations, reals, texts, blobs, at, 19 << 8, group_sequence, 0)
    if footer is not None:
        at = _put(operations, reals, texts, blobs, at, 23 << 8, footer, 0)
    return at


def encode_value(value: Any) -> bytes:
    """The AMQP bytes of a value. Raises EncodeError."""
    tools = _free.pop() if _free else _new_tools()
    encoder, window, operations, reals = tools
    texts: list[str] = []
    blobs: list[bytes] = []
    try:
        at = _put(operations, reals, texts, blobs, 0, 0, value, 0)
        text = "\0".join(texts).encode()
        blob = b"".join(blobs)
        size = _run(encoder, operations, at, text, len(text), len(texts), blob, len(blob))
    except (_RefusedError, UnicodeEncodeError, TypeError):
        size = -1
    if 0 < size <= WINDOW:
        encoded: bytes = window[:size]
        _free.append(tools)
        return encoded
    return _encode_marshal.encode_value(value)


def encode_message(message: Any) -> bytes:
    """The AMQP bytes of a message. Raises EncodeError."""
    tools = _free.pop() if _free else _new_tools()
    encoder, window, operations, reals = tools
    texts: list[str] = []
    blobs: list[bytes] = []
    size = -1
    if type(message) is Message:
        try:
            at = _put_message(operations, reals, texts, blobs, 0, message._items)
            text = "\0".join(texts).encode()
            blob = b"".join(blobs)
            size = _run(encoder, operations, at, text, len(text), len(texts), blob, len(blob))
        except (_RefusedError, UnicodeEncodeError, TypeError):
            size = -1
    if 0 < size <= WINDOW:
        encoded: bytes = window[:size]
        _free.append(tools)
        return encoded
    return _encode_marshal.encode_message(message)


def encode_batch(tools: _Tools, messages: Sequence[Any], first: int = 0) -> None:
    """Encodes messages: then the encoder's payloads have an amqpc_bytes for each, until it is used again.

    Raises EncodeError with the message's index, counted from `first`.
    """
    encoder, _, operations, reals = tools
    texts: list[str] = []
    blobs: list[bytes] = []
    at = 0
    try:
        for message in messages:
            if type(message) is not Message:
                raise _RefusedError
            at = _put_message(operations, reals, texts, blobs, at, message._items)
        text = "\0".join(texts).encode()
        blob = b"".join(blobs)
        size = _run(encoder, operations, at, text, len(text), len(texts), blob, len(blob))
    except (_RefusedError, UnicodeEncodeError, TypeError):
        size = -1
    if size < 0:
        _encode_marshal.encode_marked(tools, messages, first)


payloads_of = _encode_marshal.payloads_of
