"""Sessions of a connection without I/O, and the numbers that its events and states are (AMQP 2.4.6, 2.5)."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from amqpcodec._composites import Begin, Error
from amqpcodec._crossing import ffi, lib
from amqpcodec._engine_calls import new_struct, read_struct
from amqpcodec._engine_deliveries import Receiver, Sender
from amqpcodec._errors import ClosedError, SessionError
from amqpcodec._library import address_of, bytes_argument

if TYPE_CHECKING:
    from collections.abc import Mapping

    from amqpcodec.engine import Connection


Made = TypeVar("Made", Sender, Receiver)


class EventType(enum.IntEnum):
    """What happened. Each stands at most once in the queue for its object.

    SASL               a question is open: ``connection.sasl.question()``
    SASL_OUTCOME       SASL is over, well
    CONNECTION_OPEN    the peer's open: `Connection.remote_open`; a server answers with `Connection.open`
    CONNECTION_CLOSE   the peer's close: `Connection.remote_error`; answer with `Connection.close`
    CONNECTION_FAILED  `Connection.failure`; send what output is left
    SESSION_BEGIN      the peer's begin; a server answers with `Session.begin`
    SESSION_WINDOW     the peer's window has opened after it was closed
    SESSION_END        the peer's end, or this end ended the session for a fault of the peer: `Session.error`
    LINK_ATTACH        the peer's attach; a server answers with `Link.attach` or `Link.refuse`
    LINK_FLOW          the peer's flow: `Link.flow`
    DELIVERIES         there is something to take by `Receiver.receive`
    UPDATES            there is something to take by `Link.updates`
    LINK_DETACH        the peer's detach, or this end detached the link for a fault of the peer: `Link.error`
    """

    SASL = 1
    SASL_OUTCOME = 2
    CONNECTION_OPEN = 3
    CONNECTION_CLOSE = 4
    CONNECTION_FAILED = 5
    SESSION_BEGIN = 6
    SESSION_WINDOW = 7
    SESSION_END = 8
    LINK_ATTACH = 9
    LINK_FLOW = 10
    DELIVERIES = 11
    UPDATES = 12
    LINK_DETACH = 13


class ConnectionState(enum.IntEnum):
    """The states of AMQP 2.4.6."""

    START = 0
    HEADER_RECEIVED = 1
    HEADER_SENT = 2
    HEADER_EXCHANGED = 3
    OPEN_PIPE = 4
    OPEN_CLOSE_PIPE = 5
    OPEN_RECEIVED = 6
    OPEN_SENT = 7
    CLOSE_PIPE = 8
    OPENED = 9
    CLOSE_RECEIVED = 10
    CLOSE_SENT = 11
    DISCARDING = 12
    END = 13


class SessionState(enum.IntEnum):
    """The states of AMQP 2.5.5."""

    UNMAPPED = 0
    BEGIN_SENT = 1
    BEGIN_RECEIVED = 2
    MAPPED = 3
    END_SENT = 4
    END_RECEIVED = 5
    DISCARDING = 6


class Session:
    """A session: flow control for the links that share one channel (AMQP 2.5). `Connection.session` makes one."""

    __slots__ = ("__weakref__", "_handle", "connection")

    def __init__(self, connection: Connection, handle: Any) -> None:
        self.connection = connection
        self._handle = handle

    def begin(
        self,
        *,
        incoming_window: int | None = None,
        outgoing_window: int | None = None,
        next_outgoing_id: int | None = None,
        offered_capabilities: Iterable[str] | None = None,
        desired_capabilities: Iterable[str] | None = None,
        properties: Mapping[Any, Any] | None = None,
    ) -> Session:
        """Sends begin (AMQP 2.7.2): the first, or the answer to the peer's. Returns the session.

        incoming_window   the window that is kept open, in transfer frames; default 2,048
        outgoing_window   advertised as given; default 2**31 - 1
        next_outgoing_id  the first transfer-id; default 0
        """
        begin = Begin(
            next_outgoing_id=0 if next_outgoing_id is None else next_outgoing_id,
            incoming_window=2048 if incoming_window is None else incoming_window,
            outgoing_window=2**31 - 1 if outgoing_window is None else outgoing_window,
            offered_capabilities=offered_capabilities,
            desired_capabilities=desired_capabilities,
            properties=properties,
        )
        struct, kept = new_struct(begin)
        self._check(lib.amqpc_session_begin(self._live(), struct), "begin")
        del kept
        return self

    def end(self, error: Error | None = None) -> None:
        """Sends end (AMQP 2.7.8), first or as the answer to the peer's; its links are suspended. A second time is harmless."""
        struct, kept = (ffi.NULL, None) if error is None else new_struct(error)
        self._check(lib.amqpc_session_end(self._live(), struct), "end")
        del kept

    def sender(self, name: str) -> Sender:
        """Makes a link that sends, which nobody but this end knows until it is attached.

        name  unique among the links of this role between two containers (AMQP 2.6.1)
        """
        return self._link(Sender, name)

    def receiver(self, name: str) -> Receiver:
        """Makes a link that receives; otherwise as `sender`."""
        return self._link(Receiver, name)

    def free(self) -> None:
        """The application is done with the session, and with its links: it is ended where it is not. Twice is harmless."""
        if self._handle is None or self.connection._handle is None:
            return
        handle = self._live()
        for link in self.links:
            self.connection._objects.pop(address_of(link._handle), None)
            link._handle = None
        self.connection._objects.pop(address_of(handle), None)
        self._handle = None
        lib.amqpc_session_free(handle)

    @property
    def state(self) -> SessionState:
        """The state (AMQP 2.5.5)."""
        return SessionState(lib.amqpc_session_get_state(self._live()))

    @property
    def remote_begin(self) -> Begin | None:
        """The peer's begin; None before it arrived."""
        return read_struct(Begin, lib.amqpc_session_remote_begin, self._live())

    @property
    def error(self) -> Error | None:
        """The error in the peer's end, or with which this end ended the session by itself; None where there is none."""
        return read_struct(Error, lib.amqpc_session_error, self._live())

    @property
    def incoming_window(self) -> int:
        """How many transfer frames may still arrive. Setting it changes the window that is kept open."""
        return int(lib.amqpc_session_incoming_window(self._live()))

    @incoming_window.setter
    def incoming_window(self, window: int) -> None:
        self._check(lib.amqpc_session_set_incoming_window(self._live(), window), "incoming_window")

    @property
    def outgoing_window(self) -> int:
        """How many transfer frames may still be sent."""
        return int(lib.amqpc_session_outgoing_window(self._live()))

    @property
    def links(self) -> list[Sender | Receiver]:
        """The links, in the order of their making."""
        found = self.connection._objects.values()
        return [link for link in found if isinstance(link, (Sender, Receiver)) and link.session is self]

    def __repr__(self) -> str:
        is_live = self._handle is not None and self.connection._handle is not None
        return f"<Session, {self.state.name if is_live else 'freed'}>"

    def _link(self, kind: type[Made], name: str) -> Made:
        made = ffi.new("amqpc_link **")
        given, kept = bytes_argument(name.encode())
        self._check(lib.amqpc_link_new(self._live(), kind._IS_RECEIVER, given, made), f"link {name!r}")
        del kept
        link = kind(self, made[0])
        self.connection._objects[address_of(made[0])] = link
        return link

    def _live(self) -> Any:
        """The library's session."""
        self.connection._live()
        if self._handle is None:
            raise ClosedError("the session was freed")
        return self._handle

    def _check(self, status: int, what: str) -> None:
        self.connection._check(status, what, SessionError)
