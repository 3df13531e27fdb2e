"""AMQP 1.0 at the speed of C."""

from __future__ import annotations

from amqpcodec._codec import decode, decode_message, decode_messages, decode_prefix
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
from amqpcodec._received import ReceivedMessage
from amqpcodec._status import Status

__all__ = [
    "AmqpConnectionError",
    "AmqpError",
    "AmqpTimeoutError",
    "AuthenticationError",
    "ClosedError",
    "DecodeError",
    "EncodeError",
    "LinkDetachedError",
    "LinkError",
    "LinkRedirectError",
    "OutcomeError",
    "ReceivedMessage",
    "SessionError",
    "Status",
    "TransactionError",
    "UrlError",
    "__version__",
    "decode",
    "decode_message",
    "decode_messages",
    "decode_prefix",
]

__version__ = "0.1.0"
