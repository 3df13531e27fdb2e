"""AMQP 1.0 at the speed of C.

    with amqpcodec.connect("amqp://localhost") as connection:
        connection.sender("queue").send("hello")
        for message in connection.receiver("queue"):
            print(message.body)

connect         the client for programs that wait, and with it Connection, Sender, Receiver, Requester, Transaction
ConnectionOptions, SenderOptions, ReceiverOptions
                what can be said of these by keyword
aio             the same for asyncio
Message         what is sent; ReceivedMessage is what comes; Data, Sequence and Value are bodies that say what they are
encode, decode  values to bytes and back; encode_message, decode_message and the like for messages
Symbol, UInt ...
                types of AMQP that Python does not have
filters         which messages a receiver takes; Source and Target, all else that can be said of a node
AmqpError       of which all exceptions are; explain tells what is wrong with bytes that a DecodeError has
dump, to_text, to_json
                bytes and values for people
engine          a connection without I/O, for programs with a loop of their own
performatives   frames and all composite types, for those who write tools
testing         a broker for tests, and with pytest the fixture amqp_broker
TRACE           the level of logging at which frames are written
"""

from __future__ import annotations

from amqpcodec._codec import decode, decode_message, decode_messages, decode_prefix, encode, encode_message, encode_messages
from amqpcodec._errors import (
    AmqpConnectionError,
    AmqpError,
    AmqpMemoryError,
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

# As typing's, which would take as long to import as a third of what is imported here; checkers of types know the name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from amqpcodec import aio, filters
    from amqpcodec._client import Connection, Posted, Receiver, Requester, Sender, Transaction, connect
    from amqpcodec._composites import Source, Target
    from amqpcodec._decimals import Decimal32, Decimal64, Decimal128
    from amqpcodec._logging import TRACE
    from amqpcodec._options import ConnectionOptions, ReceiverOptions, SenderOptions
    from amqpcodec._outcomes import Outcome
    from amqpcodec._text import dump, explain, to_json, to_text

__all__ = [
    "TRACE",
    "AmqpConnectionError",
    "AmqpError",
    "AmqpMemoryError",
    "AmqpTimeoutError",
    "Array",
    "AuthenticationError",
    "Byte",
    "Char",
    "ClosedError",
    "Connection",
    "ConnectionOptions",
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
    "ReceiverOptions",
    "Requester",
    "Sender",
    "SenderOptions",
    "Sequence",
    "SessionError",
    "Short",
    "Source",
    "Status",
    "Symbol",
    "Target",
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

# Whoever meets one, in a traceback say, is told where it is public.
for _public in __all__:
    if isinstance(globals().get(_public), type):
        globals()[_public].__module__ = __name__

# What not every program needs is imported when it is first asked for: names, and the modules that have them.
_LATE = {
    **dict.fromkeys(("Connection", "Posted", "Receiver", "Requester", "Sender", "Transaction", "connect"), "_client"),
    "TRACE": "_logging",
    "Outcome": "_outcomes",
    **dict.fromkeys(("Decimal32", "Decimal64", "Decimal128"), "_decimals"),
    **dict.fromkeys(("Source", "Target"), "_composites"),
    **dict.fromkeys(("ConnectionOptions", "ReceiverOptions", "SenderOptions"), "_options"),
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
