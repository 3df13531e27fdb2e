"""A connection without I/O, either end of it, for people with a loop of their own (AMQP 2).

`Connection` takes bytes, calls and the time, and gives bytes and events; it owns no socket, no thread and no clock. Each
round of a loop does the same things, in any order that suits it::

    connection.tick(time.monotonic())        # the time; gives the deadline for the next tick
    sock.sendall(connection.data_to_send())  # what is to be sent
    connection.receive_data(sock.recv(65536))
    for event in connection.events():
        ...                                  # what happened

Sessions and links belong to their connection, and live as long as it, or until they are freed. One connection, with all that
belongs to it, is used by one thread at a time. docs/guide-engine.md tells how the calls fit together; what it says of C holds
here, name by name.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from amqpcodec._composites import Error, Open, ReceiverSettleMode, SaslCode, SenderSettleMode
from amqpcodec._crossing import decode_error, ffi, lib
from amqpcodec._engine_calls import failure, new_struct, read_struct
from amqpcodec._engine_deliveries import Receiver, Sender
from amqpcodec._engine_links import Delivery, Link, LinkFlow, LinkState, Unsettled, Update
from amqpcodec._engine_sasl import Sasl, SaslLayer, SaslQuestion, SaslQuestionType, ScramVerifier, sasl_options
from amqpcodec._engine_session import ConnectionState, EventType, Session, SessionState
from amqpcodec._errors import AmqpConnectionError, AmqpError, AuthenticationError, ClosedError, EncodeError
from amqpcodec._library import INPUTS, Buffer, address_of, bytes_argument, bytes_of
from amqpcodec._status import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Connection",
    "ConnectionState",
    "Delivery",
    "Error",
    "Event",
    "EventType",
    "Link",
    "LinkFlow",
    "LinkState",
    "Receiver",
    "ReceiverSettleMode",
    "Sasl",
    "SaslCode",
    "SaslLayer",
    "SaslQuestion",
    "SaslQuestionType",
    "ScramVerifier",
    "Sender",
    "SenderSettleMode",
    "Session",
    "SessionState",
    "Statistics",
    "Unsettled",
    "Update",
]

NEVER = 2**64 - 1
PIECES = 16
TRACE_SIZE = 8192
CLOSING = tuple(state for state in ConnectionState if "CLOSE" in state.name or state.name in ("DISCARDING", "END"))


class Event(NamedTuple):
    """One event: that there is something; calls give what.

    session  of session and link events, otherwise None
    link     of link events, otherwise None
    """

    type: EventType
    connection: Connection
    session: Session | None
    link: Sender | Receiver | None

    def __repr__(self) -> str:
        about = self.link or self.session or self.connection
        return f"Event({self.type.name}, {about!r})"


class Statistics(NamedTuple):
    """Counts since the connection was made; frames include empty ones.

    retained_size  bytes of input kept by deliveries that are not yet received
    output_size    bytes that wait to be sent, the deliveries that wait for a window included
    """

    bytes_received: int
    bytes_sent: int
    frames_received: int
    frames_sent: int
    deliveries_received: int
    deliveries_sent: int
    retained_size: int
    output_size: int


class Connection:
    """One end of an AMQP connection.

    is_server          this is the end that was connected to: it answers the protocol header, and asks for SASL
    sasl               what this end brings to SASL; None for no SASL layer
    is_protected       the transport is encrypted: SASL may send passwords
    idle_timeout       silence of the peer, in seconds, after which the connection fails; half of it is advertised
                       (AMQP 2.4.5). 0 for none
    handshake_timeout  time, in seconds, from the first tick until both opens have crossed; 0 for no limit
    max_frame_size     the largest frame that is received, in bytes; at least 512
    channels           how many channels, and so sessions, at most
    handles            links of one session, at most
    unsettled          unsettled deliveries of one link, each direction, at most
    message_size       most bytes of one delivery that is received where the link sets no max-message-size of its own
    partial_size       bytes of all deliveries that have arrived in part, at most
    retained_size      bytes of input that deliveries keep until they are received; at the limit the peer has to wait
    output_size        bytes of output that wait to be sent, at which sending says LIMIT_REACHED
    trace_size         bytes of the frame trace that `read_trace` reads; 0 for no trace
    random             at least 32 bytes that nobody can predict, for nonces; for tests that are to be repeated

    Raises EncodeError: an argument is out of its range.
    """

    def __init__(
        self,
        *,
        is_server: bool = False,
        sasl: Sasl | None = None,
        is_protected: bool = False,
        idle_timeout: float = 0,
        handshake_timeout: float = 30,
        max_frame_size: int = 65536,
        channels: int = 256,
        handles: int = 1024,
        unsettled: int = 10_000,
        message_size: int = 1 << 20,
        partial_size: int = 4 << 20,
        retained_size: int = 64 << 20,
        output_size: int = 1 << 20,
        trace_size: int = 0,
        random: bytes | None = None,
    ) -> None:
        options, kept = connection_options(
            role=lib.AMQPC_SERVER if is_server else lib.AMQPC_CLIENT,
            is_protected=is_protected,
            idle_timeout_ms=round(idle_timeout * 1000),
            handshake_timeout_ms=round(handshake_timeout * 1000),
            handles_max=handles,
            unsettled_max=unsettled,
            message_size=message_size,
            partial_size=partial_size,
            retained_size=retained_size,
            output_size=output_size,
            trace_size=trace_size,
            sizes=(max_frame_size, channels),
            random=os.urandom(64) if random is None else random,
            sasl=sasl,
        )
        made = ffi.new("amqpc_connection **")
        status = lib.amqpc_connection_new(ffi.NULL, options, made)
        del kept
        if status:
            raise failure(AmqpConnectionError, status, "Connection")
        self.is_server = is_server
        self.sasl = SaslLayer(self)
        self._handle: Any = ffi.gc(made[0], lib.amqpc_connection_free)
        # The sessions and links that the application has, by the address of the library's.
        self._objects: dict[int, Session | Link] = {}
        self._event = ffi.new("amqpc_connection_event *")
        self._pieces = ffi.new("amqpc_bytes[]", PIECES)
        self._size = ffi.new("size_t *")
        # Bytes that were received when there was no memory; None where none wait, neither here nor in the library.
        self._waiting: bytes | None = None

    # --- Bytes and time.

    def receive_data(self, data: Buffer) -> None:
        """Takes bytes from the peer; none mean that the peer, or the network, has ended the stream.

        What the peer does wrong is no exception here but an event, CONNECTION_FAILED, and `failure`. Bytes that come after
        that, or after close, are dropped.

        Raises MemoryError: the bytes are taken all the same, and wait for the next call of this one or of `tick`.
        """
        handle = self._live()
        if self._waiting is None:
            self._take(handle, data)
        else:
            self._waiting += bytes(data)
            self._take_waiting(handle)
        if not len(data):
            lib.amqpc_connection_input_end(handle)

    def _take_waiting(self, handle: Any) -> None:
        waiting = self._waiting
        if waiting is not None:
            if lib.amqpc_connection_input(handle, 0) == Status.NO_MEMORY:
                raise MemoryError("receive_data")
            self._waiting = None
            self._take(handle, waiting)

    def _take(self, handle: Any, data: Buffer) -> None:
        """Where there is no memory the rest waits."""
        if not len(data):
            return
        source = ffi.from_buffer(data)
        place = ffi.new("void **")
        position, end = 0, len(source)
        while position < end:
            status = lib.amqpc_connection_input_buffer(handle, place, self._size)
            if status not in (Status.OK, Status.NO_MEMORY):
                return
            if status == Status.OK:
                size = min(end - position, self._size[0])
                ffi.memmove(place[0], source + position, size)
                position += size
                status = lib.amqpc_connection_input(handle, size)
            if status == Status.NO_MEMORY:
                self._waiting = bytes(ffi.buffer(source)[position:])
                raise MemoryError("receive_data")

    def data_to_send(self, size: int | None = None) -> bytes:
        """The bytes to be sent to the peer, which count as sent by that; empty where there is nothing to send.

        size  how many at most; all where it is None
        """
        handle = self._live()
        parts: list[bytes] = []
        left = NEVER if size is None else size
        while left > 0:
            status = lib.amqpc_connection_output(handle, self._pieces, PIECES, self._size)
            found = [bytes_of(self._pieces[i]) for i in range(self._size[0])]
            given = b"".join(found)[:left]
            lib.amqpc_connection_output_done(handle, len(given))
            parts.append(given)
            left -= len(given)
            if status == Status.NO_MEMORY and not given:
                raise MemoryError("data_to_send")
            if not given:
                break
        return b"".join(parts)

    def tick(self, now: float) -> float | None:
        """Tells the time: answers what is due, and fails the connection where the peer was silent for too long.

        Call it after each round of input and output, and at the deadline.

        now  seconds of any clock that does not go back, such as ``time.monotonic()``

        Returns when to call again at the latest, of the same clock; None for never.
        """
        now_ms = int(now * 1000)
        deadline = ffi.new("uint64_t *")
        self._take_waiting(self._live())
        if lib.amqpc_connection_tick(self._live(), now_ms, deadline) == Status.NO_MEMORY:
            raise MemoryError("tick")
        return None if deadline[0] == NEVER else deadline[0] / 1000

    # --- Events.

    def next_event(self) -> Event | None:
        """Takes the next event; None where there is none."""
        handle = self._live()
        while lib.amqpc_connection_next_event(handle, self._event):
            kind = EventType(self._event.type)
            session, link = self._event.session, self._event.link
            if link != ffi.NULL:
                about = self._link_of(link, kind)
                if about is not None:
                    return Event(kind, self, about.session, about)
            elif session != ffi.NULL:
                found = self._session_of(session, kind)
                if found is not None:
                    return Event(kind, self, found, None)
            else:
                return Event(kind, self, None, None)
        return None

    def events(self) -> Iterator[Event]:
        """The events, until there are no more for now. Any call may be made between two of them."""
        while True:
            event = self.next_event()
            if event is None:
                return
            yield event

    # --- Opening and closing.

    def open(
        self,
        container_id: str,
        *,
        hostname: str | None = None,
        outgoing_locales: Iterable[str] | None = None,
        incoming_locales: Iterable[str] | None = None,
        offered_capabilities: Iterable[str] | None = None,
        desired_capabilities: Iterable[str] | None = None,
        properties: Mapping[Any, Any] | None = None,
    ) -> None:
        """Sends open (AMQP 2.7.1). A client may call it at once, and go on with sessions and links without waiting.

        container_id  the name of this container
        hostname      the host, or virtual host, that the connection is meant for

        The rest is as in `performatives.Open`. Raises ClosedError where the connection has failed, AmqpConnectionError
        where open was sent before.
        """
        opening = Open(
            container_id,
            hostname=hostname,
            outgoing_locales=outgoing_locales,
            incoming_locales=incoming_locales,
            offered_capabilities=offered_capabilities,
            desired_capabilities=desired_capabilities,
            properties=properties,
        )
        struct, kept = new_struct(opening)
        self._check(lib.amqpc_connection_open(self._live(), struct), "open")
        del kept

    def close(self, error: Error | None = None) -> None:
        """Sends close (AMQP 2.7.9), first or as the answer to the peer's; a second time is harmless."""
        struct, kept = (ffi.NULL, None) if error is None else new_struct(error)
        status = lib.amqpc_connection_close(self._live(), struct)
        del kept
        if status and not (status == Status.INVALID_STATE and self.failure is not None):
            self._check(status, "close")

    def session(self) -> Session:
        """Makes a session, which nobody but this end knows until it is begun."""
        made = ffi.new("amqpc_session **")
        self._check(lib.amqpc_session_new(self._live(), made), "session")
        session = Session(self, made[0])
        self._objects[address_of(made[0])] = session
        return session

    def release(self) -> None:
        """Frees the connection at once, without a word to the peer. What belongs to it raises ClosedError from then on.

        Nobody has to: what is no longer used is freed anyway.
        """
        if self._handle is not None:
            handle, self._handle = self._handle, None
            self._objects.clear()
            ffi.release(handle)

    # --- What is known of the connection.

    @property
    def state(self) -> ConnectionState:
        """The state (AMQP 2.4.6)."""
        return ConnectionState(lib.amqpc_connection_get_state(self._live()))

    @property
    def is_finished(self) -> bool:
        """There is no more to come and no more to send: the transport may be shut."""
        return self._handle is None or bool(lib.amqpc_connection_is_finished(self._handle))

    @property
    def remote_open(self) -> Open | None:
        """The peer's open; None before it arrived."""
        return read_struct(Open, lib.amqpc_connection_remote_open, self._live())

    @property
    def remote_error(self) -> Error | None:
        """The error in the peer's close; None where there is none."""
        return read_struct(Error, lib.amqpc_connection_remote_error, self._live())

    @property
    def failure(self) -> AmqpConnectionError | None:
        """Why the connection has failed, as an exception that may be raised; None where it has not.

        Where a frame is at fault, its cause is a DecodeError with the bytes, which `explain` takes.
        """
        found = ffi.new("amqpc_connection_failure *")
        if lib.amqpc_connection_get_failure(self._live(), found):
            return None
        status = Status.of(found.status)
        kind = AuthenticationError if 600 <= status < 700 else AmqpConnectionError
        data = bytes_of(found.bytes)
        where = f", in a frame on channel {found.channel}, at byte {found.position} of the input" if data else ""
        error = kind(f"the connection has failed: {status.text}{where}", status=status)
        if data:
            error.__cause__ = decode_error(status, int(found.offset), data, INPUTS[found.input])
        return error

    def statistics(self) -> Statistics:
        """Counts of bytes, frames and deliveries since the connection was made."""
        found = ffi.new("amqpc_connection_statistics *")
        found.struct_size = ffi.sizeof("amqpc_connection_statistics")
        lib.amqpc_connection_get_statistics(self._live(), found)
        return Statistics(*(int(getattr(found, name)) for name in Statistics._fields))

    @property
    def sessions(self) -> list[Session]:
        """The sessions, in the order of their making."""
        return [found for found in self._objects.values() if isinstance(found, Session)]

    def read_trace(self) -> list[str]:
        """The lines of the frame trace since the last call: ``->`` before what was sent, ``<-`` before what was received."""
        lines: list[str] = []
        data = ffi.new("char[]", TRACE_SIZE)
        while True:
            size = lib.amqpc_connection_read_trace(self._live(), data, TRACE_SIZE)
            if not size:
                return lines
            lines += bytes(ffi.buffer(data, size)).decode("utf-8", "replace").splitlines()

    def __repr__(self) -> str:
        end = "server" if self.is_server else "client"
        return f"<Connection, {end}, {self.state.name if self._handle is not None else 'released'}>"

    # --- For the objects of the connection.

    def _live(self) -> Any:
        """The library's connection."""
        if self._handle is None:
            raise ClosedError("the connection was released")
        return self._handle

    def _check(self, status: int, what: str, kind: type[AmqpError] = AmqpConnectionError) -> None:
        """Raises what a status of a call is."""
        if not status:
            return
        if status == Status.INVALID_STATE:
            cause = self.failure
            if cause is not None or self.state in CLOSING:
                raise ClosedError(f"{what}: the connection {'has failed' if cause else 'is closed'}") from cause
        raise failure(kind, status, what)

    def _session_of(self, handle: Any, kind: EventType) -> Session | None:
        """The session of an event; one that the peer has begun is new."""
        found = self._objects.get(address_of(handle))
        if found is None and kind == EventType.SESSION_BEGIN:
            found = self._objects[address_of(handle)] = Session(self, handle)
        return found if isinstance(found, Session) else None

    def _link_of(self, handle: Any, kind: EventType) -> Sender | Receiver | None:
        """The link of an event; one that the peer has attached is new."""
        found = self._objects.get(address_of(handle))
        if found is None and kind == EventType.LINK_ATTACH:
            session = self._objects.get(address_of(lib.amqpc_link_session(handle)))
            if isinstance(session, Session):
                role = Receiver if lib.amqpc_link_role(handle) else Sender
                found = self._objects[address_of(handle)] = role(session, handle)
        return found if isinstance(found, (Sender, Receiver)) else None


def connection_options(*, sizes: tuple[int, int], random: Buffer, sasl: Sasl | None, **members: Any) -> tuple[Any, Any]:
    """The library's struct, and what is to be kept as long. `sizes`: of frames, and of the table of channels."""
    limits = ffi.new("amqpc_limits *")
    lib.amqpc_limits_init(limits, ffi.sizeof("amqpc_limits"))
    options = ffi.new("amqpc_connection_options *")
    lib.amqpc_connection_options_init(options, ffi.sizeof("amqpc_connection_options"))
    try:
        limits.frame_size, limits.channels = sizes
        for name, value in members.items():
            setattr(options, name, value)
    except OverflowError as error:
        raise EncodeError(f"Connection: an argument is out of its range: {error}") from error
    options.limits = limits
    options.input_slab_size = max(options.input_slab_size, limits.frame_size)
    options.random, kept_random = bytes_argument(random)
    kept_sasl = None if sasl is None else sasl_options(sasl)
    options.sasl = ffi.NULL if kept_sasl is None else kept_sasl[0]
    return options, (limits, kept_random, kept_sasl)
