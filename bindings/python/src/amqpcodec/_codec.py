"""Values and messages to bytes and back (AMQP 1.2 to 1.6, 3.2)."""

from __future__ import annotations

from itertools import islice

from amqpcodec import _crossing, _received
from amqpcodec._crossing import LAZY, MARKS, TYPED
from amqpcodec._encode import encode_batch, encode_message, encode_value, give_encoder, payloads_of, take_encoder
from amqpcodec._marks import without_marks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from amqpcodec._received import ReceivedMessage

__all__ = ["decode", "decode_message", "decode_messages", "decode_prefix", "encode", "encode_message", "encode_messages"]

_BATCH = 64  # messages that are encoded at a time


def encode(value: Any) -> bytes:
    """The bytes of a value.

    int -> long (ulong above 2**63 - 1), float -> double, str -> string, bytes, bytearray, memoryview -> binary, list, tuple and
    what else can be iterated -> list, dict and other mappings -> map, aware datetime -> timestamp, UUID -> uuid, Decimal ->
    decimal128. The other types of AMQP have classes of their own: UInt, Symbol, ...

    Raises EncodeError for what AMQP does not have.

    >>> encode({"k": 7}).hex()
    'c10602a1016b5507'
    """
    return encode_value(value)


def encode_messages(messages: Iterable[Any]) -> list[bytes]:
    """The bytes of each message, as `encode_message` gives them: faster than one by one.

    Raises EncodeError, whose `index` tells which message it was.
    """
    encoded: list[bytes] = []
    source = iter(messages)
    while batch := list(islice(source, _BATCH)):
        tools = take_encoder()
        encode_batch(tools, batch, len(encoded))
        encoded += payloads_of(tools)
        give_encoder(tools)
    return encoded


def _decoded(data: Any, typed: bool, whole: bool) -> tuple[Any, int]:
    value, flags, size = _crossing.decode_value(data, TYPED if typed else 0, whole)
    return without_marks(value, typed) if flags & MARKS else value, size


def decode(data: Any, *, typed: bool = False) -> Any:
    """The value that bytes encode.

    data   bytes, or anything that has a buffer
    typed  integers and floats come as `UByte` ... `Long` and `Float`, and not as `int` and `float`

    Raises DecodeError where they are not the encoding of one value.

    >>> decode(bytes.fromhex("c10602a1016b5407"))
    {'k': 7}
    """
    return _decoded(data, typed, True)[0]


def decode_prefix(data: Any, *, typed: bool = False) -> tuple[Any, int]:
    """The value at the start of bytes, and how many bytes it has. Arguments and exceptions are those of `decode`.

    >>> decode_prefix(bytes.fromhex("a1026162a10163"))
    ('ab', 4)
    """
    return _decoded(data, typed, False)


def decode_message(data: Any, *, typed: bool = False, lazy: bool = False) -> ReceivedMessage:
    """The message that bytes encode (AMQP 3.2).

    data   bytes, or anything that has a buffer
    typed  as of `decode`
    lazy   decode sections when they are first asked for, but for a body of one data section. All of them are checked at once.

    Raises DecodeError.
    """
    return _received.decoded_message(data, (TYPED if typed else 0) | (LAZY if lazy else 0))


def decode_messages(data: Iterable[Any], *, typed: bool = False, lazy: bool = False) -> list[ReceivedMessage]:
    """As `decode_message`, for many: faster than one by one. Raises DecodeError for the first that does not decode."""
    return _received.decoded_messages(data, (TYPED if typed else 0) | (LAZY if lazy else 0))
