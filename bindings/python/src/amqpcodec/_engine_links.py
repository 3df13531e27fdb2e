"""Links of a connection without I/O: sending, receiving, settling, flow (AMQP 2.6, 3.4)."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from amqpcodec._codec import decode_message, encode
from amqpcodec._composite import mapping, with_symbol_keys
from amqpcodec._composites import Attach, Coordinator, Error, ReceiverSettleMode, Role, SenderSettleMode, Source, Target
from amqpcodec._crossing import ffi, lib
from amqpcodec._engine_calls import new_struct, read_state, read_struct, read_value, state_argument, value_of
from amqpcodec._errors import ClosedError, DecodeError, LinkError
from amqpcodec._library import Buffer, address_of, buffer_bytes, bytes_of, new_buffer, text_of
from amqpcodec._status import Status

if TYPE_CHECKING:
    from amqpcodec._received import ReceivedMessage
    from amqpcodec.engine import Connection, Session

BATCH = 64
Self = TypeVar("Self", bound="Link")


class LinkState(enum.IntEnum):
    """The states of a link endpoint (AMQP 2.6.3, 2.6.4)."""

    DETACHED = 0
    ATTACH_SENT = 1
    ATTACH_RECEIVED = 2
    ATTACHED = 3
    DETACH_SENT = 4
    DETACH_RECEIVED = 5
    DISCARDING = 6


class LinkFlow(NamedTuple):
    """How the flow of a link stands.

    credit          deliveries that may still be sent, or still arrive
    delivery_count  of the sender, as far as this end knows
    available       deliveries that the sender has waiting
    drain           the receiver wants the credit used up, or given back
    """

    credit: int
    delivery_count: int
    available: int
    drain: bool


class Update(NamedTuple):
    """What the peer said of a delivery.

    number   of the delivery, as `Sender.send` gave it
    state    a composite: `Accepted`, `Rejected`, ...; None where there is none
    settled  the delivery is done with: this is its last update
    unknown  the peer may or may not have had it
    """

    number: int
    state: Any
    settled: bool
    unknown: bool


class Delivery(NamedTuple):
    """A delivery as it arrived, its payload not decoded; or a piece of one.

    number          stands for the delivery in calls
    delivery_id     of the session
    tag             of the delivery
    message_format  of the payload: 0 is a message of AMQP 3.2
    settled         the sender has forgotten it: there is nothing to settle
    more            a piece, and others follow (`Receiver.set_streaming`)
    aborted         the sender gave it up
    resumed         the payload goes on where it ended before the link was suspended
    payload         all of it, or the piece
    state           the state at the sender, such as a `TransactionalState`; None for none
    """

    number: int
    delivery_id: int
    tag: bytes
    message_format: int
    settled: bool
    more: bool
    aborted: bool
    resumed: bool
    payload: bytes
    state: Any

    def message(self, *, typed: bool = False) -> ReceivedMessage:
        """The message that the payload is. Raises DecodeError where it is none."""
        return decode_message(self.payload, typed=typed)


class Unsettled(NamedTuple):
    """A delivery that is unsettled at this end; the states' numbers are descriptors, 0 where nothing was said."""

    number: int
    tag: bytes
    state_type: int
    remote_state_type: int


class Link:
    """One direction of messages between two nodes (AMQP 2.6): a `Sender` or a `Receiver`."""

    __slots__ = ("__weakref__", "_handle", "session")
    _IS_RECEIVER = False

    def __init__(self, session: Session, handle: Any) -> None:
        self.session = session
        self._handle = handle

    @property
    def connection(self) -> Connection:
        """The connection of its session."""
        return self.session.connection

    def attach(
        self: Self,
        *,
        source: Source | str | None = None,
        target: Target | Coordinator | str | None = None,
        snd_settle_mode: SenderSettleMode | None = None,
        rcv_settle_mode: ReceiverSettleMode | None = None,
        initial_delivery_count: int | None = None,
        max_message_size: int | None = None,
        offered_capabilities: Iterable[str] | None = None,
        desired_capabilities: Iterable[str] | None = None,
        properties: Mapping[Any, Any] | None = None,
    ) -> Self:
        """Sends attach (AMQP 2.7.3): the first, the answer to the peer's, or after a suspension the request to go on.

        source, target: where messages come from and go to; a str is an address. In an answer None stands for what the
            peer asked for, otherwise for a node without a name
        snd_settle_mode, rcv_settle_mode: how each end settles; in an answer None is what the peer asked for
        max_message_size: of this end, in bytes; it is enforced on what is received

        The rest is as in `performatives.Attach`. Returns the link.
        """
        is_first = self.remote_attach is None
        attach = Attach(
            self.name,
            handle=0,
            role=Role(self._IS_RECEIVER),
            source=terminus(Source, source, is_first),
            target=terminus(Target, target, is_first),
            snd_settle_mode=snd_settle_mode,
            rcv_settle_mode=rcv_settle_mode,
            initial_delivery_count=initial_delivery_count,
            max_message_size=max_message_size,
            offered_capabilities=offered_capabilities,
            desired_capabilities=desired_capabilities,
            properties=properties,
        )
        struct, kept = new_struct(attach)
        self._check(lib.amqpc_link_attach(self._live(), struct, ffi.NULL, ffi.NULL), "attach")
        del kept
        return self

    def refuse(self, error: Error) -> None:
        """Refuses the peer's attach: attach without the terminus that was asked for, then detach with the error."""
        struct, kept = new_struct(error)
        self._check(lib.amqpc_link_refuse(self._live(), struct), "refuse")
        del kept

    def detach(self, error: Error | None = None) -> None:
        """Suspends the link (AMQP 2.7.7): its unsettled deliveries stay, and it may be attached again."""
        self._detach(False, error)

    def close(self, error: Error | None = None) -> None:
        """Closes the link (AMQP 2.7.7), first or as the answer to the peer's detach; a second time is harmless."""
        self._detach(True, error)

    def _detach(self, closed: bool, error: Error | None) -> None:
        struct, kept = (ffi.NULL, None) if error is None else new_struct(error)
        self._check(lib.amqpc_link_detach(self._live(), closed, struct), "detach")
        del kept

    def free(self) -> None:
        """The application is done with the link: it is closed where it is attached. Twice is harmless."""
        if self._handle is None or self.connection._handle is None:
            return
        handle = self._live()
        self.connection._objects.pop(address_of(handle), None)
        self._handle = None
        lib.amqpc_link_free(handle)

    def move(self, session: Session) -> None:
        """Gives a detached link, whose session may have ended, to another session of the connection, to be attached there."""
        self._check(lib.amqpc_link_move(self._live(), session._live()), "move")
        self.session = session

    # --- What is known of the link.

    @property
    def name(self) -> str:
        """The name that both containers know it by (AMQP 2.6.1)."""
        return text_of(lib.amqpc_link_name(self._live()))

    @property
    def state(self) -> LinkState:
        """The state (AMQP 2.6.3, 2.6.4)."""
        return LinkState(lib.amqpc_link_get_state(self._live()))

    @property
    def is_closed(self) -> bool:
        """Whether a detach that closes has passed: it cannot be attached again."""
        return bool(lib.amqpc_link_is_closed(self._live()))

    @property
    def is_refused(self) -> bool:
        """The peer refused: its attach lacks the terminus; detach with the error follows (AMQP 2.6.3)."""
        return bool(lib.amqpc_link_is_refused(self._live()))

    @property
    def remote_attach(self) -> Attach | None:
        """The peer's attach, without its unsettled map; None before it arrived."""
        return read_struct(Attach, lib.amqpc_link_remote_attach, self._live())

    @property
    def error(self) -> Error | None:
        """The error in the peer's detach, or with which this end detached the link by itself; None where there is none."""
        return read_struct(Error, lib.amqpc_link_error, self._live())

    @property
    def flow(self) -> LinkFlow:
        """How the flow stands (AMQP 2.6.7)."""
        found = ffi.new("amqpc_link_flow *")
        lib.amqpc_link_get_flow(self._live(), found)
        return LinkFlow(int(found.credit), int(found.delivery_count), int(found.available), bool(found.drain))

    @property
    def remote_flow_properties(self) -> Any:
        """The properties of the peer's last flow that had any; None where there was none (AMQP 2.7.4)."""
        found = ffi.new("amqpc_value *")
        status = lib.amqpc_link_remote_flow_properties(self._live(), found)
        return None if status else read_value(found[0])

    @property
    def unsettled_count(self) -> int:
        """How many deliveries are unsettled at this end."""
        return int(lib.amqpc_link_unsettled_count(self._live()))

    def unsettled(self) -> Iterator[Unsettled]:
        """The deliveries that are unsettled at this end, in the order of their numbers."""
        found = ffi.new("amqpc_unsettled *")
        while not lib.amqpc_link_next_unsettled(self._live(), found.number, found):
            yield Unsettled(int(found.number), bytes_of(found.tag), int(found.state_type), int(found.remote_state_type))

    # --- Settling, flow and recovery.

    def updates(self) -> list[Update]:
        """Takes what the peer said of deliveries since the last call, in no certain order.

        Of a sender the outcomes; of a receiver that the sender has settled what it had not. An update of a sender's delivery
        that does not say `settled` is for you to settle: ``link.settle(update.number)``.
        """
        handle = self._live()
        found = ffi.new("amqpc_update[]", BATCH)
        count = ffi.new("size_t *", BATCH)
        updates: list[Update] = []
        while count[0] == BATCH:
            self._check(lib.amqpc_link_updates(handle, found, BATCH, count), "updates")
            for i in range(count[0]):
                one = found[i]
                state = read_state(one.state_type, one.state)
                updates.append(Update(int(one.number), state, bool(one.settled), bool(one.unknown)))
        return updates

    def settle(self, first: int, last: int | None = None, state: Any = None, *, settled: bool = True) -> None:
        """Tells the peer the state of all deliveries of the link from number `first` to `last`, and settles them.

        last     None for `first` alone. Those between that are settled, or of another link, are passed over
        state    a composite: `Accepted`, `TransactionalState`, ...; None for none
        settled  False to tell the state only

        In receiver-settle-mode second a receiver settles when the sender has: an update tells (AMQP 2.6.12). Raises
        LinkError where none of them is unsettled.
        """
        value, kept = state_argument(state)
        last = first if last is None else last
        self._check(lib.amqpc_link_update(self._live(), first, last, value, settled), "settle")
        del kept

    def send_flow(self, *, echo: bool = False, properties: Mapping[Any, Any] | None = None) -> None:
        """Sends the link's flow now; echo asks the peer to answer with its own."""
        value, kept = (ffi.NULL, None) if properties is None else value_of(encode(with_symbol_keys(mapping(properties))))
        self._check(lib.amqpc_link_send_flow(self._live(), echo, value), "send_flow")
        del kept

    def export(self) -> bytes:
        """The unsettled deliveries as bytes for `restore`, in another connection or after a restart (AMQP 2.6.13)."""
        buffer = new_buffer()
        self._check(lib.amqpc_link_export(self._live(), buffer), "export")
        return buffer_bytes(buffer)

    def restore(self, data: Buffer) -> None:
        """Reads what `export` wrote, into a link of the same role and name that is not attached yet.

        Raises DecodeError for bytes that no export wrote.
        """
        status = lib.amqpc_link_import(self._live(), ffi.from_buffer(data), len(data))
        if 100 <= status < 400:
            raise DecodeError(f"restore: {Status.of(status).text}", status=status, data=bytes(data))
        self._check(status, "restore")

    def __repr__(self) -> str:
        is_live = self._handle is not None and self.connection._handle is not None
        return f"<{type(self).__name__} {self.name!r}, {self.state.name}>" if is_live else f"<{type(self).__name__}, freed>"

    def _live(self) -> Any:
        """The library's link."""
        self.connection._live()
        if self._handle is None:
            raise ClosedError("the link was freed")
        return self._handle

    def _check(self, status: int, what: str) -> None:
        if status:
            self.connection._check(status, f"link {self.name!r}, {what}", LinkError)


def terminus(kind: Any, given: Any, is_first: bool) -> Any:
    """A source or a target: a str is an address; none of an answer is what the peer asked for."""
    if given is None:
        return kind() if is_first else None
    return kind(given) if isinstance(given, str) else given
