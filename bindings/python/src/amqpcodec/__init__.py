"""AMQP 1.0 at the speed of C."""

from __future__ import annotations

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

__all__ = [
    "AmqpConnectionError",
    "AmqpError",
    "AmqpTimeoutError",
    "AuthenticationError",
    "ClosedError",
    "Data",
    "DecodeError",
    "EncodeError",
    "LinkDetachedError",
    "LinkError",
    "LinkRedirectError",
    "Message",
    "OutcomeError",
    "ReceivedMessage",
    "Sequence",
    "SessionError",
    "Status",
    "TransactionError",
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
