"""The client for asyncio: the same names as amqpcodec, awaited. Works on uvloop, too.

    async with await amqpcodec.aio.connect("amqp://localhost") as connection:
        sender = connection.sender("queue")
        await sender.send("hello")
        receiver = connection.receiver("queue")
        async for message in receiver:
            receiver.accept(message)

Nothing here blocks the loop. Any number of tasks may share a connection, and what it has; all of them run on the loop that made it. A call
may be cancelled at any time, and what was called goes on: the exception of a cancelled `send` tells whether the message may have been sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Coroutine, Generator, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from amqpcodec._client import (
    UNSET,
    AnyTransaction,
    ConnectionInformation,
    ReceiverCalls,
    Sendable,
    Timeout,
    Unset,
    handle_of,
    message_of,
    messages_of,
)
from amqpcodec._crossing_client import ClientHandle, ReceiverHandle, RequesterHandle, SenderHandle
from amqpcodec._encode import encode_message
from amqpcodec._errors import AmqpError, AmqpTimeoutError, ClosedError
from amqpcodec._flows import ConnectionCore, LinkCore, TransactionCore
from amqpcodec._logging import prepare
from amqpcodec._message import Message
from amqpcodec._options import address_of, client_options, lives_on, receiver_options, sender_options, url_of
from amqpcodec._outcomes import Outcome, Ticket
from amqpcodec._received import ReceivedMessage
from amqpcodec._receiving import ReceiverCore, RequesterCore
from amqpcodec._sending import SenderCore
from amqpcodec._waits import Flow, LoopDriver, Timer, Wait

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack

    from amqpcodec._options import ConnectionOptions, ReceiverOptions, SenderOptions

__all__ = ["Connection", "Receiver", "Requester", "Sender", "Transaction", "connect"]

T = TypeVar("T")


class AsyncioDriver(LoopDriver):
    """Tasks wait; the loop moves the bytes."""

    def __init__(self, handle: ClientHandle) -> None:
        super().__init__(handle)
        self._loop = asyncio.get_running_loop()
        self._descriptor = handle.descriptor()
        self._limits: dict[Wait, float] = {}
        self._limit_timer: asyncio.TimerHandle | None = None
        self._loop.add_reader(self._descriptor, self.turn)

    def _now(self) -> float:
        return self._loop.time()

    def _soon(self, call: Callable[[], object]) -> None:
        self._loop.call_soon(call)

    def _at(self, when: float, call: Callable[[], object]) -> Timer:
        return self._loop.call_at(when, call)

    def abandon(self, drop: Callable[[], object]) -> None:
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(drop)

    def _stop_watching(self) -> None:
        if not self._loop.is_closed():
            self._loop.remove_reader(self._descriptor)

    async def run(self, flow: Flow[T], timeout: float | None) -> T:
        """Runs a flow to its end, as BlockingDriver.run."""
        try:
            wait = next(flow)
        except StopIteration as stop:
            return stop.value  # type: ignore[no-any-return]
        deadline = None if timeout is None else self._loop.time() + timeout
        while True:
            error: BaseException | None = None
            try:
                self.begin(wait)
                if not wait.done:
                    await self._future_of(wait, deadline)
                if not wait.done:
                    error = AmqpTimeoutError()
            except BaseException as raised:
                error = raised
            if wait.wake is not None:
                self._end(wait)
            try:
                wait = flow.send(None) if error is None else flow.throw(error)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]

    def _future_of(self, wait: Wait, deadline: float | None) -> asyncio.Future[None]:
        """What is there when the wait is done, or its time is up."""
        future: asyncio.Future[None] = self._loop.create_future()

        def wake() -> None:
            if not future.done():
                future.set_result(None)

        wait.wake = wake
        if deadline is not None:
            self._limit(wait, deadline)
        return future

    def _end(self, wait: Wait) -> None:
        wait.wake = None
        self._limits.pop(wait, None)
        if wait.is_polled:
            self.forget(wait)

    # --- Time-outs. One timer for all: mostly nothing times out, and then it costs little to have had a time-out.

    def _limit(self, wait: Wait, deadline: float) -> None:
        self._limits[wait] = deadline
        if self._limit_timer is None or deadline < self._limit_timer.when():
            self._set_limit_timer(deadline)

    def _set_limit_timer(self, when: float | None) -> None:
        if self._limit_timer is not None:
            self._limit_timer.cancel()
        self._limit_timer = None if when is None else self._loop.call_at(when, self._on_limit)

    def _on_limit(self) -> None:
        now = self._loop.time()
        for wait, deadline in tuple(self._limits.items()):
            if deadline <= now:
                del self._limits[wait]
                if wait.wake is not None:
                    wait.wake()
        self._limit_timer = None
        self._set_limit_timer(min(self._limits.values(), default=None))

    def close(self) -> None:
        super().close()
        self._set_limit_timer(None)


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

    async def close(self, *, timeout: Timeout = UNSET) -> None:
        """As the `close` without asyncio."""
        await self._run(self._core.close(), timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._run(self._core.leave(), UNSET)

    def __repr__(self) -> str:
        return f"<{type(self).__module__}.{type(self).__name__} {'closed' if self.is_closed else 'open'}>"


class Sender(Link):
    """As amqpcodec.Sender; any number of tasks may use it at once, and what they send in one turn of the loop goes out together."""

    _core: SenderCore

    @property
    def address(self) -> str | None:
        """As amqpcodec.Sender.address. `wait_open` makes sure that it is known."""
        return self._core.address()

    async def detach(self, *, timeout: Timeout = UNSET) -> None:
        """As amqpcodec.Sender.detach."""
        await self._run(self._core.detach(), timeout)

    async def wait_open(self, *, timeout: Timeout = UNSET) -> None:
        """As amqpcodec.Sender.wait_open."""
        await self._run(self._core.open(), timeout)

    async def send(self, message: Sendable, *, timeout: Timeout = UNSET, transaction: Transaction | None = None) -> Outcome:
        """As amqpcodec.Sender.send. Where it is cancelled, the CancelledError's text tells whether the message may have been sent."""
        return await self._run(self._core.send(_snapshot(message), handle_of(transaction)), timeout)

    async def send_many(
        self, messages: Iterable[Sendable] | AsyncIterable[Sendable], *, timeout: Timeout = None, transaction: Transaction | None = None
    ) -> list[Outcome]:
        """As amqpcodec.Sender.send_many. The messages may also come from an async iterable: they are sent as they come; where one of them
        cannot be encoded, some behind it are sent, too."""
        if isinstance(messages, AsyncIterable):
            seconds = self._connection._seconds_of(timeout)
            return await self._send_stream(messages, _Limit(seconds), transaction)
        return await self._run(self._core.send_many(messages_of(messages), handle_of(transaction)), timeout)

    async def _send_stream(self, messages: AsyncIterable[Sendable], limit: _Limit, transaction: Transaction | None) -> list[Outcome]:
        core = self._core
        source = messages.__aiter__()
        tickets: list[Ticket] = []
        checked = 0
        while True:
            try:
                message = await limit.wait(source.__anext__())
            except StopAsyncIteration:
                break
            tickets.append(Ticket())
            await self._run(core.post_in_turn(_snapshot(message), tickets[-1], handle_of(transaction)), limit.left())
            while checked < len(tickets) and tickets[checked].is_done:
                tickets[checked].check()
                checked += 1
        return await self._run(core.outcomes_of(tickets), limit.left())

    async def post(self, message: Sendable, *, timeout: Timeout = UNSET, transaction: Transaction | None = None) -> asyncio.Future[Outcome]:
        """As amqpcodec.Sender.post: gives a future of the outcome, with OutcomeError as its exception where the message is not accepted."""
        ticket = Ticket()
        await self._run(self._core.post_in_turn(_snapshot(message), ticket, handle_of(transaction)), timeout)
        future: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        ticket.on_done(lambda: _resolve(self._core, ticket, future))
        return future

    async def flush(self, *, timeout: Timeout = UNSET) -> None:
        """As amqpcodec.Sender.flush."""
        await self._run(self._core.flushed(), timeout)

    @property
    def credit(self) -> int:
        """As amqpcodec.Sender.credit."""
        credit: int = self._core.handle.credit()
        return credit


class _Limit:
    """The time that several things may take together. seconds: None for no end."""

    def __init__(self, seconds: float | None) -> None:
        self._now = asyncio.get_running_loop().time
        self._end = None if seconds is None else self._now() + seconds

    def left(self) -> float | None:
        return None if self._end is None else max(self._end - self._now(), 0.0)

    async def wait(self, awaitable: Awaitable[T]) -> T:
        """What is awaited. Raises AmqpTimeoutError."""
        left = self.left()
        if left is None:
            return await awaitable
        try:
            return await asyncio.wait_for(awaitable, left)
        except asyncio.TimeoutError as error:
            if self.left() or isinstance(error, AmqpTimeoutError):
                raise  # somebody else's
            raise AmqpTimeoutError from None


def _snapshot(sendable: Sendable) -> Any:
    """The message as it is now: it goes out later."""
    return sendable.copy() if isinstance(sendable, Message) else message_of(sendable)


def _resolve(core: SenderCore, ticket: Ticket, future: asyncio.Future[Outcome]) -> None:
    if future.done():
        return
    try:
        future.set_result(core.result(ticket))
    except AmqpError as error:
        future.set_exception(error)
        future.exception()  # whoever does not look at it does not want to know


class Receiver(ReceiverCalls, Link):
    """As amqpcodec.Receiver. Any number of tasks may take messages from it.

    What does not wait is not awaited: accept, release, reject, modify, add_credit and set_credit.
    """

    _core: ReceiverCore

    async def detach(self, *, timeout: Timeout = UNSET) -> None:
        """As amqpcodec.Receiver.detach."""
        await self._run(self._core.detach(), timeout)

    async def wait_open(self, *, timeout: Timeout = UNSET) -> None:
        """As amqpcodec.Receiver.wait_open."""
        await self._run(self._core.open(), timeout)

    async def receive(self, *, timeout: Timeout = None) -> ReceivedMessage:
        """As amqpcodec.Receiver.receive."""
        try:
            return self._core.ready.popleft()
        except IndexError:
            pass
        return await self._run(self._core.receive(), timeout)

    async def receive_batch(self, count: int, *, timeout: Timeout = None) -> list[ReceivedMessage]:
        """As amqpcodec.Receiver.receive_batch."""
        return await self._run(self._core.receive_batch(count), timeout)

    async def __aiter__(self) -> AsyncIterator[ReceivedMessage]:
        core = self._core
        ready = core.ready
        while True:
            while ready:
                yield ready.popleft()
            try:
                await self._run(core.filled(), None)
            except ClosedError:
                return
            await asyncio.sleep(0)  # others have a turn, too, however fast messages come

    async def drain(self, *, timeout: Timeout = UNSET) -> None:
        """As amqpcodec.Receiver.drain."""
        await self._run(self._core.drain(), timeout)


class Requester(Link):
    """As amqpcodec.Requester. Any number of tasks may call at once."""

    _core: RequesterCore

    async def call(self, message: Sendable, *, timeout: Timeout = UNSET) -> ReceivedMessage:
        """As amqpcodec.Requester.call."""
        return await self._run(self._core.call(encode_message(message_of(message))), timeout)


class Transaction(AnyTransaction):
    """As amqpcodec.Transaction: an async context manager."""

    def __init__(self, connection: Connection, core: TransactionCore) -> None:
        self._connection = connection
        self._core = core

    async def declare(self, *, timeout: Timeout = UNSET) -> None:
        """As amqpcodec.Transaction.declare."""
        await self._connection._run(self._core.declared(), timeout)

    async def commit(self, *, timeout: Timeout = UNSET) -> None:
        """As amqpcodec.Transaction.commit."""
        await self._connection._run(self._core.discharge(False), timeout)

    async def rollback(self, *, timeout: Timeout = UNSET) -> None:
        """As amqpcodec.Transaction.rollback."""
        await self._connection._run(self._core.discharge(True), timeout)

    async def __aenter__(self) -> Self:
        await self.declare()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.is_ended:
            return
        if kind is None:
            await self.commit()
            return
        try:
            await self.rollback()
        except AmqpError:
            self._core.drop()  # which rolls back, too; what went wrong first is what matters


class Connection(ConnectionInformation):
    """As amqpcodec.Connection: `connect` makes it, on the running loop."""

    def __init__(self, core: ConnectionCore, driver: AsyncioDriver, timeout: float | None) -> None:
        self._core = core
        self._driver = driver
        self._timeout = timeout

    def _seconds_of(self, timeout: Timeout) -> float | None:
        return self._timeout if isinstance(timeout, Unset) else timeout

    def _run(self, flow: Flow[T], timeout: Timeout) -> Coroutine[Any, Any, T]:
        return self._driver.run(flow, self._timeout if isinstance(timeout, Unset) else timeout)

    def sender(self, address: str | None = None, **options: Unpack[SenderOptions]) -> Sender:
        """As amqpcodec.Connection.sender; not awaited."""
        members, terms = sender_options(options)
        handle = SenderHandle(self._core.handle, address_of(address), members, terms)
        return Sender(self, SenderCore(self._core, handle, lives_on(options.get("target"))))

    def receiver(self, address: str | None = None, **options: Unpack[ReceiverOptions]) -> Receiver:
        """As amqpcodec.Connection.receiver; not awaited."""
        members, terms, mode = receiver_options(options)
        handle = ReceiverHandle(self._core.handle, address_of(address), members, terms, mode)
        return Receiver(self, ReceiverCore(self._core, handle, members["prefetch"], lives_on(options.get("source"))))

    def requester(self, address: str | None = None) -> Requester:
        """As amqpcodec.Connection.requester; not awaited."""
        return Requester(self, RequesterCore(self._core, RequesterHandle(self._core.handle, address_of(address))))

    def transaction(self) -> Transaction:
        """As amqpcodec.Connection.transaction; not awaited."""
        return Transaction(self, TransactionCore(self._core))

    async def wait_open(self, *, timeout: Timeout = UNSET) -> None:
        """As amqpcodec.Connection.wait_open."""
        await self._run(self._core.open(), timeout)

    async def close(self, *, timeout: Timeout = UNSET) -> None:
        """As amqpcodec.Connection.close."""
        await self._run(self._core.close(), timeout)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()


class _Connecting:
    """What `connect` gives: it can be awaited, or entered at once."""

    def __init__(self, url: str, timeout: float | None, options: ConnectionOptions) -> None:
        self._url = url
        self._connection_timeout = timeout
        self._options = options
        self._connection: Connection | None = None

    async def _connect(self) -> Connection:
        members = client_options(self._options)
        members["background"] = False
        logs_frames = prepare(members)
        handle = ClientHandle(url_of(self._url), members)
        driver = AsyncioDriver(handle)
        core = ConnectionCore(handle, driver, logs_frames)
        connection = Connection(core, driver, self._connection_timeout)
        try:
            await connection.wait_open()
        except BaseException:
            core.drop()
            raise
        return connection

    def __await__(self) -> Generator[Any, None, Connection]:
        return self._connect().__await__()

    async def __aenter__(self) -> Connection:
        self._connection = await self._connect()
        return self._connection

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._connection is not None:
            await self._connection.close()


def connect(url: str = "amqp://localhost", *, timeout: float | None = 30.0, **options: Unpack[ConnectionOptions]) -> _Connecting:
    """As amqpcodec.connect: `connection = await connect(...)`, or `async with connect(...) as connection`.

    The option `background` does not matter: it is the loop that looks after the connection.
    """
    return _Connecting(url, timeout, options)
