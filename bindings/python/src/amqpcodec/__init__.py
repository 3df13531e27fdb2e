"""AMQP 1.0 at the speed of C."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from amqpcodec._client import Connection, Posted, Receiver, Requester, Sender, Transaction, connect
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
from amqpcodec._outcomes import Outcome
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
    from amqpcodec import aio, filters
    from amqpcodec._decimals import Decimal32, Decimal64, Decimal128
    from amqpcodec._text import dump, explain, to_json, to_text

__all__ = [
    "AmqpConnectionError",
    "AmqpError",
    "AmqpTimeoutError",
    "Array",
    "AuthenticationError",
    "Byte",
    "Char",
    "ClosedError",
    "Connection",
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
    "Outcome",
    "OutcomeError",
    "Pairs",
    "Posted",
    "ReceivedMessage",
    "Receiver",
    "Requester",
    "Sender",
    "Sequence",
    "SessionError",
    "Short",
    "Status",
    "Symbol",
    "Timestamp",
    "Transaction",
    "TransactionError",
    "UByte",
    "UInt",
    "ULong",
    "UShort",
    "UrlError",
    "Value",
    "__version__",
    "aio",
    "connect",
    "decode",
    "decode_message",
    "decode_messages",
    "decode_prefix",
    "dump",
    "encode",
    "encode_message",
    "encode_messages",
    "explain",
    "filters",
    "to_json",
    "to_text",
]

__version__ = "0.1.0"

# What few programs need is imported when it is first asked for: names, and the modules that have them.
_LATE = {
    **dict.fromkeys(("Decimal32", "Decimal64", "Decimal128"), "_decimals"),
    **dict.fromkeys(("dump", "explain", "to_json", "to_text"), "_text"),
}
_MODULES = ("aio", "engine", "filters", "performatives", "testing")


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in _MODULES:
        return import_module(f"amqpcodec.{name}")
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"amqpcodec.{_LATE[name]}"), name)
    globals()[name] = found
    return found
