"""The exceptions: one tree, below AmqpError, each also of the built-in kind that fits."""

from __future__ import annotations

from amqpcodec._status import Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class AmqpError(Exception):
    """Whatever goes wrong here. Its text is a line for people.

    status       what it was, as the library says it
    condition    the AMQP error condition (AMQP 2.8.15 to 2.8.18, 3.5.10), the peer's where it sent one; or None
    description  the peer's text for people, or None
    info         the peer's map of details, or None
    """

    def __init__(
        self,
        text: str = "",
        *,
        status: int = Status.INVALID_STATE,
        condition: str | None = None,
        description: str | None = None,
        info: dict[Any, Any] | None = None,
    ) -> None:
        self.status = Status.of(status)
        self.condition = condition or self.status.condition
        self.description = description
        self.info = info
        super().__init__(text or description or self.status.text)

    def __reduce__(self) -> tuple[Any, ...]:
        return _remade, (type(self), self.args), self.__dict__


class DecodeError(AmqpError, ValueError):
    """Bytes that are not what they should be.

    offset  of the first byte at fault
    data    the bytes, so that it can be seen again: amqpcodec.explain(error) tells what is wrong with them
    kind    what they should have been: "value", "message", "frame", or "performative" and "sasl", the bodies of frames
    delivery_number  of the delivery that they came by, which may be rejected; or None
    """

    delivery_number: int | None = None

    def __init__(
        self, text: str = "", *, offset: int = 0, data: bytes = b"", kind: str = "value", status: int = Status.TRUNCATED, **rest: Any
    ) -> None:
        super().__init__(text, status=status, **rest)
        self.offset = offset
        self.data = data
        self.kind = kind


class EncodeError(AmqpError, ValueError):
    """A value that AMQP cannot hold, or not in this place.

    field  the name of the message's field, or None
    index  which message of several it was, or None
    """

    def __init__(
        self, text: str = "", *, field: str | None = None, index: int | None = None, status: int = Status.INVALID_ARGUMENT, **rest: Any
    ) -> None:
        super().__init__(text, status=status, **rest)
        self.field = field
        self.index = index


class UrlError(AmqpError, ValueError):
    """A URL, or one of its options, that is not valid."""

    def __init__(self, text: str = "", *, status: int = Status.BAD_URL, **rest: Any) -> None:
        super().__init__(text, status=status, **rest)


class AmqpConnectionError(AmqpError, ConnectionError):
    """The connection could not be made, or is lost and will not be made again."""

    def __init__(self, text: str = "", *, status: int = Status.DISCONNECTED, **rest: Any) -> None:
        super().__init__(text, status=status, **rest)


class AuthenticationError(AmqpConnectionError):
    """The server refused the credentials, or did not prove that it knows them, or they would go over clear text."""

    def __init__(self, text: str = "", *, status: int = Status.SASL_REFUSED, **rest: Any) -> None:
        super().__init__(text, status=status, **rest)


class SessionError(AmqpError):
    """The session has ended."""

    def __init__(self, text: str = "", *, status: int = Status.SESSION_ENDED, **rest: Any) -> None:
        super().__init__(text, status=status, **rest)


class LinkError(AmqpError):
    """The link to or from an address could not be made, or has ended."""

    def __init__(self, text: str = "", *, status: int = Status.LINK_REFUSED, **rest: Any) -> None:
        super().__init__(text, status=status, **rest)


class LinkDetachedError(LinkError):
    """The peer has detached the link."""

    def __init__(self, text: str = "", *, status: int = Status.LINK_ENDED, **rest: Any) -> None:
        super().__init__(text, status=status, **rest)


class LinkRedirectError(LinkError):
    """The peer wants another host or address to be used: `host`, `port` and `address`, each None where it did not say."""

    def __init__(
        self,
        text: str = "",
        *,
        host: str | None = None,
        port: int | None = None,
        address: str | None = None,
        status: int = Status.REDIRECTED,
        **rest: Any,
    ) -> None:
        super().__init__(text, status=status, **rest)
        self.host = host
        self.port = port
        self.address = address


class AmqpTimeoutError(AmqpError, TimeoutError):
    """The time is up. What was waited for may still happen."""

    def __init__(self, text: str = "", *, status: int = Status.TIMED_OUT, **rest: Any) -> None:
        super().__init__(text, status=status, **rest)


class AmqpMemoryError(AmqpError, MemoryError):
    """There was no memory for what a client was asked for. What encodes and decodes raises MemoryError itself."""

    def __init__(self, text: str = "", *, status: int = Status.NO_MEMORY, **rest: Any) -> None:
        super().__init__(text, status=status, **rest)


class OutcomeError(AmqpError):
    """A message was not accepted.

    outcome  "rejected", "released", "modified", or "unknown": the connection was lost, and the message may or may not have arrived
    """

    def __init__(self, text: str = "", *, outcome: str = "unknown", status: int = Status.PEER_ERROR, **rest: Any) -> None:
        super().__init__(text or f"the message was not accepted: its outcome is {outcome}", status=status, **rest)
        self.outcome = outcome


class TransactionError(AmqpError):
    """The transaction was rolled back, or is not known."""

    def __init__(self, text: str = "", *, status: int = Status.TRANSACTION_ROLLBACK, **rest: Any) -> None:
        super().__init__(text, status=status, **rest)


class ClosedError(AmqpError):
    """The connection, sender or receiver was closed at this end."""

    def __init__(self, text: str = "", *, status: int = Status.CLOSED, **rest: Any) -> None:
        super().__init__(text, status=status, **rest)


def _remade(kind: type[AmqpError], arguments: tuple[Any, ...]) -> AmqpError:
    """For pickle and copy: the constructors take by keyword what __dict__ brings back."""
    return kind(*arguments)


_BY_STATUS: dict[int, type[AmqpError]] = {
    Status.NO_MEMORY: AmqpMemoryError,
    Status.TIMED_OUT: AmqpTimeoutError,
    Status.CLOSED: ClosedError,
    Status.INVALID_ARGUMENT: EncodeError,
    Status.BAD_URL: UrlError,
    Status.BAD_OPTION: UrlError,
    Status.LINK_REFUSED: LinkError,
    Status.LINK_ENDED: LinkDetachedError,
    Status.LINK_STOLEN: LinkDetachedError,
    Status.REDIRECTED: LinkRedirectError,
    Status.SESSION_ENDED: SessionError,
    Status.TRANSACTION_UNKNOWN_ID: TransactionError,
    Status.TRANSACTION_ROLLBACK: TransactionError,
    Status.TRANSACTION_TIMEOUT: TransactionError,
    Status.TLS_BAD_CREDENTIALS: UrlError,
}


def error_class(status: int) -> type[AmqpError]:
    """Which exception a status of the library is, where nothing else is known of the call."""
    found = _BY_STATUS.get(status)
    if found is not None:
        return found
    if 100 <= status < 500:
        return DecodeError
    if 600 <= status < 700:
        return AuthenticationError
    if 500 <= status < 800 or status == Status.DISCONNECTED:
        return AmqpConnectionError
    return AmqpError
