"""AMQP 1.0 at the speed of C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amqpcodec._codec import decode, decode_message, decode_messages, decode_prefix, encode, encode_message, encode_messages
from amqpcodec._errors import (
    AmqpConnectionError,
    AmqpError,
    AmqpTimeoutError,
    AuthenticationError,
    ClosedError,
    DecodeError,
    EncodeError,
    LinkDetachedError,
    LinkError,
    LinkRedirectError,
    OutcomeError,
    SessionError,
    TransactionError,
    UrlError,
)
from amqpcodec._message import Data, Message, Sequence, Value
from amqpcodec._received import ReceivedMessage
from amqpcodec._status import Status
from amqpcodec._types import (
    Array,
    Byte,
    Char,
    Described,
    Float,
    Int,
    Long,
    Pairs,
    Short,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
)

if TYPE_CHECKING:
    from amqpcodec._decimals import Decimal32, Decimal64, Decimal128

__all__ = [
    "AmqpConnectionError",
    "AmqpError",
    "AmqpTimeoutError",
    "Array",
    "AuthenticationError",
    "Byte",
    "Char",
    "ClosedError",
    "Data",
    "Decimal32",
    "Decimal64",
    "Decimal128",
    "DecodeError",
    "Described",
    "EncodeError",
    "Float",
    "Int",
    "LinkDetachedError",
    "LinkError",
    "LinkRedirectError",
    "Long",
    "Message",
    "OutcomeError",
    "Pairs",
    "ReceivedMessage",
    "Sequence",
    "SessionError",
    "Short",
    "Status",
    "Symbol",
    "Timestamp",
    "TransactionError",
    "UByte",
    "UInt",
    "ULong",
    "UShort",
    "UrlError",
    "Value",
    "__version__",
    "decode",
    "decode_message",
    "decode_messages",
    "decode_prefix",
    "encode",
    "encode_message",
    "encode_messages",
]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Decimals are imported when they are asked for: `decimal` takes a while."""
    if name not in ("Decimal32", "Decimal64", "Decimal128"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from amqpcodec import _decimals

    return getattr(_decimals, name)
