"""The client for programs that wait: with threads, and under gevent. amqpcodec.aio is the same for asyncio."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterable, Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, TypeVar, Union

from amqpcodec._crossing_client import ACCEPTED, RELEASED, ClientHandle, Event, ReceiverHandle, RequesterHandle, SenderHandle
from amqpcodec._crossing_transaction import TransactionHandle
from amqpcodec._encode import encode_message
from amqpcodec._errors import AmqpError, AmqpTimeoutError, ClosedError
from amqpcodec._flows import ConnectionCore, LinkCore, TransactionCore
from amqpcodec._logging import prepare
from amqpcodec._message import Message
from amqpcodec._options import address_of, client_options, lives_on, receiver_options, sender_options, url_of
from amqpcodec._outcomes import Outcome, Ticket, call_back
from amqpcodec._received import ReceivedMessage
from amqpcodec._receiving import ReceiverCore, RequesterCore, Settleable
from amqpcodec._sending import OutcomeWait, SenderCore
from amqpcodec._waits import BlockingDriver, Flow, GeventDriver, ThreadDriver, is_patched_by_gevent

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from amqpcodec._options import ConnectionOptions, ReceiverOptions, SenderOptions

T = TypeVar("T")
# A message, or what becomes the body of one.
Sendable = Any


# Time-outs that are shorter are kept to more exactly than SenderCore.send_at_once does.
_AT_ONCE_S = 1.0


class Unset:
    """Stands for the time-out of the connection."""

    def __repr__(self) -> str:
        return "<the connection's>"


UNSET = Unset()
Timeout = Union[float, None, Unset]


def message_of(sendable: Sendable) -> Any:
    """The message that is sent for something."""
    return sendable if isinstance(sendable, (Message, ReceivedMessage)) else Message(sendable)


def messages_of(sendables: Iterable[Sendable]) -> Iterator[Any]:
    return map(message_of, sendables)


class AnyTransaction:
    """What transactions with and without asyncio have in common."""

    _core: TransactionCore

    @property
    def is_ended(self) -> bool:
        """Whether it was committed or rolled back at this end."""
        return self._core.is_closed


def handle_of(transaction: AnyTransaction | None) -> TransactionHandle | None:
    return None if transaction is None else transaction._core.handle


class ConnectionInformation:
    """What is known of a connection, with and without asyncio."""

    _core: ConnectionCore

    @property
    def is_open(self) -> bool:
        """Whether it is open now: neither closed nor lost."""
        return not self._core.is_closed and self._core.handle.state() == "open"

    @property
    def state(self) -> str:
        """ "connecting", "open", "waiting" for the next attempt, "closing", "closed", or "failed" for good."""
        return "closed" if self._core.is_closed else self._core.handle.state()

    @property
    def last_error(self) -> AmqpError | None:
        """What ended the connection last, or ended it for good."""
        return self._core.handle.error()

    @property
    def peer(self) -> dict[str, str]:
        """What the peer says of itself: "product", "version" and "platform", where it does."""
        handle = self._core.handle
        found = {name: handle.peer_property(name.encode()) for name in ("product", "version", "platform")}
        return {name: value for name, value in found.items() if value is not None}

    def peer_property(self, name: str) -> str | None:
        """One of the properties of the peer's open that is a text; None where there is none."""
        return self._core.handle.peer_property(name.encode())

    def peer_offers(self, capability: str) -> bool:
        """Whether the peer offers a capability, such as "ANONYMOUS-RELAY"."""
        return self._core.handle.peer_offers(capability.encode())

    def statistics(self) -> dict[str, int]:
        """Counts since the connection was made, over all that came after one another: connects, bytes_received, bytes_sent,
        frames_received, frames_sent, deliveries_received, deliveries_sent, reads, writes, waits."""
        return self._core.handle.statistics()

    def events(self) -> Iterator[Event]:
        """What has happened since this was called last, the last 64 at most. It does not wait."""
        return self._core.log.events()

    def read_trace(self) -> list[str]:
        """The lines that the frame trace (option trace_size) has since this was called last: none where frames are logged.

        They begin with "->" for what was sent, and "<-" for what was received.
        """
        return self._core.handle.read_trace().decode("utf-8", "replace").splitlines()

    def __del__(self) -> None:
        """Warns as the standard library does of files and sockets (ResourceWarning); nothing depends on it."""
        core: ConnectionCore | None = getattr(self, "_core", None)
        if core is not None:
            core.abandon()

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__} {self.state}>"


class Posted:
    """A message on its way."""

    __slots__ = ("_sender", "_ticket")

    def __init__(self, sender: Sender, ticket: Ticket) -> None:
        self._sender = sender
        self._ticket = ticket

    def done(self) -> bool:
        """Whether its outcome is there. It does not wait."""
        if not self._ticket.is_done:
            self._sender._look()
        return self._ticket.is_done

    def result(self, timeout: Timeout = UNSET) -> Outcome:
        """Waits for its outcome.

        timeout  in seconds; None waits for ever

        Raises OutcomeError where it is not accepted, AmqpTimeoutError.
        """
        return self._sender._result(self._ticket, timeout)

    def add_done_callback(self, callback: Callable[[Posted], object]) -> None:
        """Has the callback called with this object when the outcome is there: by the thread that takes it, which is one that sends,
        waits for outcomes, or asks for them, or flushes the sender. At once where it is there already. What it raises is logged."""
        self._ticket.on_done(lambda: call_back(callback, self))

    def __repr__(self) -> str:
        return f"<amqpcodec.Posted {self._ticket.result if self._ticket.is_done else 'on its way'}>"


class Link:
    """What senders, receivers and requesters have in common."""

    _core: Any

    def __init__(self, connection: Connection, core: LinkCore) -> None:
        self._connection = connection
        self._core = core
        self._run = connection._run

    @property
    def is_closed(self) -> bool:
        """Whether it was closed at this end."""
        return bool(self._core.is_closed)

    def close(self, *, timeout: Timeout = UNSET) -> None:
        """Closes the link, and waits for the peer's answer; of a sender, for outstanding outcomes first. Closing twice is harmless.

        timeout  in seconds; when it is up the link is closed without an answer
        """
        self._run(self._core.close(), timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._run(self._core.leave(), UNSET)

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__} {'closed' if self.is_closed else 'open'}>"


class Sender(Link):
    """A link by which messages are sent to an address. connection.sender makes it; any number of threads may use it at once."""

    _core: SenderCore

    @property
    def address(self) -> str | None:
        """The address of the target, as the peer says it: that of a dynamic node. None where there is none."""
        return self._core.address()

    def detach(self, *, timeout: Timeout = UNSET) -> None:
        """Detaches the link without closing it (AMQP 2.6.4); outstanding outcomes are waited for first. What the target was asked to
        keep, by its expiry policy or time-out, is there for the next sender of the same `name` and container-id. At the end of a
        `with`, links with such a target are detached, others closed.

        timeout  in seconds; when it is up the link is detached without an answer
        """
        self._run(self._core.detach(), timeout)

    def wait_open(self, *, timeout: Timeout = UNSET) -> None:
        """Waits until the link is attached. Every call waits for it by itself. Raises LinkError where the peer refuses it."""
        self._run(self._core.open(), timeout)

    def send(self, message: Sendable, *, timeout: Timeout = UNSET, transaction: Transaction | None = None) -> Outcome:
        """Sends a message, and waits for its outcome.

        message  a Message, a ReceivedMessage, or what becomes the body of one: bytes, str, dict, list ...
        timeout  in seconds; None waits for ever

        Raises OutcomeError where it is not accepted; AmqpTimeoutError, whose text tells whether it may have been sent; EncodeError;
        LinkError and AmqpConnectionError where the link or the connection has ended.
        """
        sent = message if type(message) is Message else message_of(message)
        if transaction is not None or not self._core.driver.moves:
            return self._run(self._core.send(sent, handle_of(transaction)), timeout)
        return self._connection._send_at_once(self._core, sent, timeout)

    def send_many(self, messages: Iterable[Sendable], *, timeout: Timeout = None, transaction: Transaction | None = None) -> list[Outcome]:
        """Sends messages, without waiting for the outcome of one before the next is sent.

        messages  any number; they are taken as they are sent
        timeout   in seconds, for all; None waits for ever

        Returns the outcomes in order, whatever they are: it does not raise OutcomeError. Raises AmqpTimeoutError, EncodeError for a
        message that cannot be encoded, those before it having been sent; LinkError and AmqpConnectionError.
        """
        return self._run(self._core.send_many(messages_of(messages), handle_of(transaction)), timeout)

    def post(self, message: Sendable, *, timeout: Timeout = UNSET, transaction: Transaction | None = None) -> Posted:
        """Sends a message without waiting for its outcome.

        timeout  in seconds, to wait until it may be sent: the link is attached and has credit, and `window` leaves room

        Raises as `send`, but for OutcomeError.
        """
        ticket = Ticket()
        self._run(self._core.post(message_of(message), ticket, handle_of(transaction)), timeout)
        return Posted(self, ticket)

    def flush(self, *, timeout: Timeout = UNSET) -> None:
        """Waits until all that was posted has an outcome, or, where it is sent settled, is sent. Raises as `send`, but for OutcomeError."""
        self._run(self._core.flushed(), timeout)

    @property
    def credit(self) -> int:
        """How many messages could be sent now without waiting."""
        credit: int = self._core.handle.credit()
        return credit

    def _look(self) -> None:
        if not self._core.is_closed:
            self._core.collect(self._core.driver.moves)

    def _result(self, ticket: Ticket, timeout: Timeout) -> Outcome:
        return self._run(_result(self._core, ticket), timeout)


def _result(core: SenderCore, ticket: Ticket) -> Flow[Outcome]:
    if not ticket.is_done:
        yield OutcomeWait(core, ticket)
    return core.result(ticket)


class ReceiverCalls:
    """What receivers do without waiting: the same with asyncio, where it is not awaited."""

    _core: ReceiverCore

    @property
    def address(self) -> str | None:
        """The address of the source, as the peer says it: that of a dynamic node. None where there is none."""
        return self._core.address()

    def accept(self, messages: Settleable, *, transaction: AnyTransaction | None = None) -> bool:
        """Tells the peer that messages are taken care of (AMQP 3.4.2).

        messages  one, or any number, in any order; those that came settled are passed over. A DecodeError stands for its message.

        Returns False where the peer has forgotten some, as after a reconnection, and sends them again. Raises ClosedError.
        """
        if transaction is None and self._core.accept(messages) == 0:
            return True
        return self._core.settle(messages, ACCEPTED, handle_of(transaction))

    def release(self, messages: Settleable, *, transaction: AnyTransaction | None = None) -> bool:
        """Gives messages back, as if they had not been delivered (AMQP 3.4.4). As `accept`."""
        return self._core.settle(messages, RELEASED, handle_of(transaction))

    def reject(
        self,
        messages: Settleable,
        condition: str | None = None,
        description: str | None = None,
        info: Mapping[str, Any] | None = None,
        *,
        transaction: AnyTransaction | None = None,
    ) -> bool:
        """Tells the peer that messages are invalid (AMQP 3.4.3). As `accept`.

        condition    a symbol that says why, such as "amqp:decode-error"; None for none
        description  the same for people
        info         more of it
        """
        return self._core.reject(messages, condition, description, info, handle_of(transaction))

    def modify(
        self,
        messages: Settleable,
        *,
        delivery_failed: bool = False,
        undeliverable_here: bool = False,
        message_annotations: Mapping[str, Any] | None = None,
        transaction: AnyTransaction | None = None,
    ) -> bool:
        """Gives messages back, changed (AMQP 3.4.5). As `accept`.

        delivery_failed      the attempt counts in delivery_count
        undeliverable_here   they shall not come to this link again
        message_annotations  put into those of the message
        """
        return self._core.modify(messages, delivery_failed, undeliverable_here, message_annotations, handle_of(transaction))

    def add_credit(self, count: int) -> None:
        """Lets so many more messages come, of a receiver with credit=0."""
        self._core.add_credit(count)

    def set_credit(self, count: int) -> None:
        """Changes the credit that is kept topped up; 0 ends it."""
        self._core.set_prefetch(count)


class Receiver(ReceiverCalls, Link):
    """A link by which messages come from an address. connection.receiver makes it; any number of threads may use it at once.

    Iterating over it gives messages as they come, and ends when it, or the connection, is closed at this end.
    """

    _core: ReceiverCore

    def detach(self, *, timeout: Timeout = UNSET) -> None:
        """Detaches the link without closing it (AMQP 2.6.4). What the source was asked to keep, by its expiry policy or time-out, as
        a durable subscription, is there for the next receiver of the same `name` and container-id. At the end of a `with`, links
        with such a source are detached, others closed.

        timeout  in seconds; when it is up the link is detached without an answer
        """
        self._run(self._core.detach(), timeout)

    def wait_open(self, *, timeout: Timeout = UNSET) -> None:
        """Waits until the link is attached. Every call waits for it by itself. Raises LinkError where the peer refuses it."""
        self._run(self._core.open(), timeout)

    def receive(self, *, timeout: Timeout = None) -> ReceivedMessage:
        """The next message.

        timeout  in seconds; None waits for ever

        Raises AmqpTimeoutError; DecodeError for one that cannot be decoded, which can be rejected by the exception, and the next call
        goes on; LinkError and AmqpConnectionError where the link or the connection has ended.
        """
        try:
            return self._core.ready.popleft()
        except IndexError:
            pass
        return self._run(self._core.receive(), timeout)

    def receive_batch(self, count: int, *, timeout: Timeout = None) -> list[ReceivedMessage]:
        """Waits for a message, and gives all that are there then.

        count    how many at most
        timeout  in seconds, for the first; None waits for ever

        Returns an empty list where none came in time. Raises as `receive`, but for AmqpTimeoutError.
        """
        return self._run(self._core.receive_batch(count), timeout)

    def __iter__(self) -> Generator[ReceivedMessage, None, None]:
        core = self._core
        ready = core.ready
        while True:
            try:
                while ready:
                    yield ready.popleft()
            except IndexError:
                pass  # another thread was faster
            try:
                self._run(core.filled(), None)
            except ClosedError:
                return

    def drain(self, *, timeout: Timeout = UNSET) -> None:
        """Waits until the peer has used its credit up or given it back (AMQP 2.6.7): what there was is there then. Ends the prefetch.

        timeout  in seconds; None waits for ever

        Raises AmqpTimeoutError, LinkError, AmqpConnectionError.
        """
        self._run(self._core.drain(), timeout)


class Requester(Link):
    """Requests to an address, and the replies to them. connection.requester makes it; any number of threads may use it at once."""

    _core: RequesterCore

    def call(self, message: Sendable, *, timeout: Timeout = UNSET) -> ReceivedMessage:
        """Sends a request, and waits for its reply.

        message  as in Sender.send; its reply_to, and its message_id where it has none, are filled in in what is sent
        timeout  in seconds; None waits for ever

        Raises AmqpTimeoutError, where a reply that comes later is dropped; AmqpError with status REQUEST_REFUSED where the request was not
        accepted; AmqpConnectionError where the connection was lost meanwhile: the request may have been served. Otherwise as Sender.send.
        """
        return self._run(self._core.call(encode_message(message_of(message))), timeout)


class Transaction(AnyTransaction):
    """A transaction: what is sent and settled in it is done together, or not at all (AMQP part 4). connection.transaction makes it.

    A context manager: entering waits until the peer has begun it; at the end it is committed, or, after an exception, rolled back. A
    transaction goes with its connection: when that is lost, it is rolled back.
    """

    def __init__(self, connection: Connection, core: TransactionCore) -> None:
        self._connection = connection
        self._core = core

    def declare(self, *, timeout: Timeout = UNSET) -> None:
        """Waits until the peer has begun it. Raises LinkError where the peer has no transactions, TransactionError, AmqpTimeoutError."""
        self._connection._run(self._core.declared(), timeout)

    def commit(self, *, timeout: Timeout = UNSET) -> None:
        """Ends it: all of it is done. Raises TransactionError where it was rolled back, AmqpConnectionError where nobody knows, AmqpTimeoutError."""
        self._connection._run(self._core.discharge(False), timeout)

    def rollback(self, *, timeout: Timeout = UNSET) -> None:
        """Ends it: nothing of it has happened."""
        self._connection._run(self._core.discharge(True), timeout)

    def __enter__(self) -> Self:
        self.declare()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.is_ended:
            return
        if kind is None:
            self.commit()
            return
        try:
            self.rollback()
        except AmqpError:
            self._core.drop()  # which rolls back, too; what went wrong first is what matters


class Connection(ConnectionInformation):
    """A connection that keeps itself alive: `connect` makes it. Any number of threads may use it at once."""

    def __init__(self, core: ConnectionCore, driver: BlockingDriver, timeout: float | None) -> None:
        self._core = core
        self._driver = driver
        self._timeout = timeout

    def _run(self, flow: Flow[T], timeout: Timeout) -> T:
        return self._driver.run(flow, self._timeout if isinstance(timeout, Unset) else timeout)

    def _send_at_once(self, core: SenderCore, message: Any, timeout: Timeout) -> Outcome:
        """Of threads. Mostly the outcome is there soon."""
        seconds = self._timeout if isinstance(timeout, Unset) else timeout
        started = 0.0
        if seconds is not None:
            if seconds < _AT_ONCE_S:
                return self._driver.run(core.send(message, None), seconds)
            started = time.monotonic()
        sent = core.send_at_once(message)
        self._driver.report()
        if isinstance(sent, Outcome):
            return sent
        return self._driver.run(sent, None if seconds is None else max(seconds - (time.monotonic() - started), 0))

    def sender(self, address: str | None = None, **options: Unpack[SenderOptions]) -> Sender:
        """Makes a sender; it is attached while one goes on.

        address  of the target; None for the anonymous relay, where each message's `to` says it, and for a dynamic node
        options  see amqpcodec.SenderOptions

        Raises ClosedError.
        """
        members, terms = sender_options(options)
        handle = SenderHandle(self._core.handle, address_of(address), members, terms)
        return Sender(self, SenderCore(self._core, handle, lives_on(options.get("target"))))

    def receiver(self, address: str | None = None, **options: Unpack[ReceiverOptions]) -> Receiver:
        """Makes a receiver; it is attached while one goes on.

        address  of the source; None for that of options["source"], and for a dynamic node
        options  see amqpcodec.ReceiverOptions

        Raises ClosedError.
        """
        members, terms, mode = receiver_options(options)
        handle = ReceiverHandle(self._core.handle, address_of(address), members, terms, mode)
        return Receiver(self, ReceiverCore(self._core, handle, members["prefetch"], lives_on(options.get("source"))))

    def requester(self, address: str | None = None) -> Requester:
        """Makes a requester.

        address  None: each request's `to` says it, over the anonymous relay

        Raises ClosedError.
        """
        handle = RequesterHandle(self._core.handle, address_of(address))
        return Requester(self, RequesterCore(self._core, handle))

    def transaction(self) -> Transaction:
        """Makes a transaction.

            with connection.transaction() as transaction:
                sender.send(message, transaction=transaction)
                receiver.accept(received, transaction=transaction)

        Raises ClosedError.
        """
        return Transaction(self, TransactionCore(self._core))

    def wait_open(self, *, timeout: Timeout = UNSET) -> None:
        """Waits until the connection is open, again where it was lost. Raises AmqpTimeoutError, AmqpConnectionError."""
        self._run(self._core.open(), timeout)

    def close(self, *, timeout: Timeout = UNSET) -> None:
        """Sends what was posted, waits for its outcomes, and closes. Closing twice is harmless.

        timeout  in seconds; when it is up, the outcomes that have not come are unknown
        """
        self._run(self._core.close(), timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def connect(url: str = "amqp://localhost", *, timeout: float | None = 30.0, **options: Unpack[ConnectionOptions]) -> Connection:
    """Connects, and waits until the connection is open.

    url      amqp://user:password@host:port/?option=value&..., amqps://..., amqp+unix:///path, or several separated by commas
             (docs/client-options.md)
    timeout  in seconds, of this call and, where they say nothing else, of those of senders and receivers that wait for the peer; None
             waits for ever
    options  see amqpcodec.ConnectionOptions

    The connection comes back when it is lost, and so do its links; calls wait meanwhile. Where gevent has patched the standard library,
    greenlets wait, and nothing of C runs in the background.

    Raises AmqpConnectionError, AuthenticationError, AmqpTimeoutError with what was tried; UrlError.
    """
    members = client_options(options)
    logs_frames = prepare(members)
    is_gevent = is_patched_by_gevent()
    if is_gevent:
        members["background"] = False
    handle = ClientHandle(url_of(url), members)
    driver: BlockingDriver = GeventDriver(handle) if is_gevent else ThreadDriver()
    core = ConnectionCore(handle, driver, logs_frames)
    connection = Connection(core, driver, timeout)
    try:
        connection.wait_open()
    except BaseException:
        core.drop()
        raise
    return connection


__all__ = ["AmqpTimeoutError", "Connection", "Posted", "Receiver", "Requester", "Sender", "connect"]

# Whoever meets one is told where it is public.
for _public in (Connection, Posted, Receiver, Requester, Sender, Transaction, Outcome):
    _public.__module__ = "amqpcodec"
