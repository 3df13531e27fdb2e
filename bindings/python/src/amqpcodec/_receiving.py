"""Receivers and requesters, as flows."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, Union

from amqpcodec import _crossing_client as crossing
from amqpcodec._crossing_client import AGAIN, OK, TIMED_OUT, ReceiverHandle, RequesterHandle
from amqpcodec._crossing_transaction import TransactionHandle
from amqpcodec._encode import encode_value
from amqpcodec._errors import AmqpError, DecodeError, EncodeError
from amqpcodec._flows import ConnectionCore, LinkCore
from amqpcodec._received import ReceivedMessage
from amqpcodec._status import Status
from amqpcodec._types import Described, Symbol, ULong
from amqpcodec._waits import Flow, Wait, pause_where_scarce

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BATCH = 64
_NOT_FOUND = int(Status.NOT_FOUND)
_CLOSED = int(Status.CLOSED)

_ERROR, _REJECTED, _MODIFIED = ULong(0x1D), ULong(0x25), ULong(0x27)

# What can be settled: a message, one that did not decode, or several.
Settleable = Union[ReceivedMessage, DecodeError, "Iterable[ReceivedMessage | DecodeError]"]


class ReceiverCore(LinkCore):
    """A receiver: messages are taken in batches, and those that nobody has asked for yet wait in `ready`."""

    what = "receiver"
    _event_open = crossing.RECEIVER_OPEN
    _event_closed = crossing.RECEIVER_CLOSED
    _event_detached = crossing.RECEIVER_DETACHED

    def __init__(self, connection: ConnectionCore, handle: ReceiverHandle, credit: int, lives_on: bool) -> None:
        super().__init__(connection, handle)
        self.lives_on = lives_on
        self.ready: deque[ReceivedMessage] = deque()
        # Accepts a message: 0, or a status that `settle` explains.
        self.accept = handle.accepting(None if self.driver.moves else self.driver.kick)
        self._faults: deque[DecodeError] = deque()
        # What is taken ahead is unsettled at the peer, beside the credit: not more of it than that.
        self._batch = BATCH if credit == 0 else min(credit, BATCH)

    # --- Receiving.

    def take(self, count: int) -> list[ReceivedMessage]:
        """Up to so many messages of those that are there. Raises DecodeError, and why the link has ended, where there are none."""
        found: list[ReceivedMessage] = []
        with self._lock:
            ready = self.ready
            while ready and len(found) < count:
                found.append(ready.popleft())
            try:
                while len(found) < count and not self._faults:
                    more = self._take_more(count - len(found), bool(found))
                    if not more:
                        break
                    found += more
            except BaseException:  # there was no memory for more
                ready.extendleft(reversed(found))
                raise
        if not found and self._faults:
            raise self._faults.popleft()
        return found

    def _take_more(self, count: int, is_more: bool) -> list[ReceivedMessage]:
        status, messages, fault = self.handle.receive(count, self.driver.moves and not is_more)
        if fault is not None:
            self._faults.append(fault)
        if status != OK and status not in AGAIN and not is_more:
            raise self.failure(status)
        taken: list[ReceivedMessage] = messages
        return taken

    def fill(self) -> bool:
        """Takes a batch to `ready`, where that is empty. Whether something is there now. Raises as `take`."""
        if not self.ready:
            with self._lock:
                if not self.ready:
                    self.ready.extend(self.take(self._batch))
        return bool(self.ready)

    def filled(self) -> Flow[None]:
        """Until a message is there."""
        while not self.fill():
            try:
                yield ReceiveWait(self)
            except TimeoutError as error:
                error.args = ("no message came in time",)
                raise

    def receive(self) -> Flow[ReceivedMessage]:
        """The next message."""
        while True:
            yield from self.filled()
            try:
                return self.ready.popleft()
            except IndexError:
                pass  # another thread was faster

    def receive_batch(self, count: int) -> Flow[list[ReceivedMessage]]:
        """Up to so many messages: waits for the first, and gives what is there then. None where the time is up."""
        while not (found := self.take(count)):
            try:
                yield ReceiveWait(self)
            except TimeoutError:
                return []
        return found

    def has_news(self) -> bool:
        """Of loops: whether whoever waits for a message can go on."""
        if self.ready or self._faults or self._handle is None:
            return True
        return bool(self._handle.look(crossing.RECEIVER_DELIVERIES, False) != TIMED_OUT)

    def drop(self) -> None:
        super().drop()
        self.accept = _accept_nothing

    # --- Settling.

    def settle(self, what: Settleable, state_type: int, transaction: TransactionHandle | None = None) -> bool:
        """Whether the peer can be told of all of them."""
        handle = self.handle
        status = OK
        if transaction is None:
            for first, last in _ranges(what):
                status = handle.settle(first, last, state_type) or status
        else:
            for first, last in _ranges(what):
                status = handle.settle_in(first, last, transaction, state_type) or status
        return self._settled(status)

    def reject(self, what: Settleable, condition: str | None, description: str | None, info: Any, transaction: TransactionHandle | None = None) -> bool:
        handle = self.handle
        status = OK
        symbol = Symbol(condition or "")
        said = None if description is None else description.encode()
        outcome = b"" if transaction is None else _rejected(symbol, description, info)
        for first, last in _ranges(what):
            if transaction is not None:
                status = handle.update_in(first, last, transaction, outcome) or status
            else:
                status = handle.reject(first, last, symbol.encode(), said, encoded_map(info)) or status
        return self._settled(status)

    def modify(
        self,
        what: Settleable,
        delivery_failed: bool,
        undeliverable_here: bool,
        annotations: Any,
        transaction: TransactionHandle | None = None,
    ) -> bool:
        handle = self.handle
        status = OK
        outcome = b""
        if transaction is not None:
            outcome = encode_value(Described(_MODIFIED, [delivery_failed, undeliverable_here, symbol_keys(annotations)]))
        for first, last in _ranges(what):
            if transaction is not None:
                status = handle.update_in(first, last, transaction, outcome) or status
            else:
                status = handle.modify(first, last, delivery_failed, undeliverable_here, encoded_map(annotations)) or status
        return self._settled(status)

    def _settled(self, status: int) -> bool:
        self.driver.kick()
        if status not in (OK, _NOT_FOUND):
            raise self.failure(status)
        return status == OK

    # --- Credit.

    def add_credit(self, count: int) -> None:
        self._check(self.handle.add_credit(count))

    def set_prefetch(self, count: int) -> None:
        self._check(self.handle.set_prefetch(count))

    def _check(self, status: int) -> None:
        self.driver.kick()
        if status == Status.INVALID_ARGUMENT:
            raise ValueError("credit is 0 to 2147483647")
        if status != OK:
            raise self.failure(status)

    def drain(self) -> Flow[None]:
        """Until the peer has used its credit up or given it back."""
        return self.event(crossing.RECEIVER_DRAINED)


def _accept_nothing(_message: Any) -> int:
    """Of a receiver that is closed."""
    return int(Status.CLOSED)


def symbol_keys(items: Mapping[Any, Any] | None) -> dict[Any, Any] | None:
    """A map whose keys are symbols."""
    if items is None:
        return None
    return {Symbol(key) if isinstance(key, str) else key: value for key, value in items.items()}


def encoded_map(items: Mapping[Any, Any] | None) -> bytes:
    """Of such a map; empty for none."""
    return b"" if items is None else encode_value(symbol_keys(items))


def _rejected(condition: Symbol, description: str | None, info: Any) -> bytes:
    error = Described(_ERROR, [condition, description, symbol_keys(info)]) if condition else None
    return encode_value(Described(_REJECTED, [error]))


def _ranges(what: Settleable) -> list[tuple[int, int]]:
    """The numbers of unsettled deliveries, as ranges."""
    if isinstance(what, (ReceivedMessage, DecodeError)):
        what = (what,)
    elif not hasattr(what, "__iter__"):
        raise TypeError(f"what was received can be settled, one or several, not {type(what).__name__}")
    numbers = [number for one in what if (number := _number(one)) is not None]
    if not numbers:
        return []
    if numbers == list(range(numbers[0], numbers[0] + len(numbers))):
        return [(numbers[0], numbers[-1])]
    numbers.sort()
    ranges = [(numbers[0], numbers[0])]
    for number in numbers[1:]:
        first, last = ranges[-1]
        if number <= last + 1:
            ranges[-1] = (first, number)
        else:
            ranges.append((number, number))
    return ranges


def _number(one: ReceivedMessage | DecodeError) -> int | None:
    """None where there is nothing to settle."""
    if isinstance(one, ReceivedMessage):
        number = one.delivery_number
        if number is None:
            raise ValueError("only messages that were received can be settled")
        return None if one.settled else number
    if isinstance(one, DecodeError):
        return one.delivery_number
    raise TypeError(f"what was received can be settled, not {type(one).__name__}")


class ReceiveWait(Wait):
    """Until a message is there."""

    __slots__ = ("_receiver",)

    def __init__(self, receiver: ReceiverCore) -> None:
        super().__init__()
        self._receiver = receiver

    def look(self) -> bool:
        return self._receiver.has_news()

    def block(self, timeout_ms: int) -> None:
        status = self._receiver.handle.wait_for(crossing.RECEIVER_DELIVERIES, timeout_ms)
        pause_where_scarce(status)
        self.done = status not in AGAIN


# --- Requesters.


class RequesterCore(LinkCore):
    """A requester: requests go to an address, and replies come to a node of its own."""

    what = "requester"

    def __init__(self, connection: ConnectionCore, handle: RequesterHandle) -> None:
        super().__init__(connection, handle)
        self._requests: set[int] = set()  # that wait for their replies

    def call(self, payload: bytes) -> Flow[ReceivedMessage]:
        """Sends a request that is encoded, and waits for the reply."""
        handle: RequesterHandle = self.handle
        status, identity = handle.request(payload, self.driver.moves)
        if status in AGAIN:
            wait = RequestWait(self, payload)
            try:
                yield wait
            except TimeoutError as error:
                error.args = ("the request could not be sent in time",)
                raise
            status, identity = wait.status, wait.identity
        if status != OK:
            raise self._failure(status)
        reply = ReplyWait(handle, identity)
        self._requests.add(identity)
        try:
            self.driver.kick()
            if self._handle is None:
                raise self.failure(_CLOSED)
            yield reply
        except BaseException as error:
            handle.forget(identity)
            if isinstance(error, TimeoutError):
                error.args = ("no reply came in time",)
            raise
        finally:
            self._requests.discard(identity)
        if reply.status != OK:
            raise self._failure(reply.status)
        with self._lock:
            return handle.read(reply.delivery)

    def _failure(self, status: int) -> AmqpError:
        if status == Status.INVALID_ARGUMENT:
            return EncodeError("the request cannot be encoded", status=status)
        if status in (Status.REQUEST_REFUSED, Status.DISCONNECTED):
            return crossing.failure(status)
        return self.failure(status)

    def close(self) -> Flow[None]:
        self.drop()
        self.driver.kick()
        yield from ()

    def drop(self) -> None:
        handle: RequesterHandle | None = self._handle
        super().drop()
        if handle is not None:
            for identity in tuple(self._requests):
                handle.forget(identity)  # which ends the wait for its reply


class RequestWait(Wait):
    """Until a request is sent, or never will be."""

    __slots__ = ("_payload", "_requester", "identity", "status")

    def __init__(self, requester: RequesterCore, payload: bytes) -> None:
        super().__init__()
        self._requester = requester
        self._payload = payload
        self.status = TIMED_OUT
        self.identity = 0

    def look(self) -> bool:
        if self._requester.is_closed:
            self.status = _CLOSED
        else:
            self.status, self.identity = self._requester.handle.request(self._payload, False)
        return self.status != TIMED_OUT

    def block(self, timeout_ms: int) -> None:
        self.status, self.identity = self._requester.handle.wait_request(self._payload, timeout_ms)
        pause_where_scarce(self.status)
        self.done = self.status not in AGAIN


class ReplyWait(Wait):
    """Until the reply is there, or never will be."""

    __slots__ = ("_handle", "_identity", "delivery", "status")

    def __init__(self, handle: RequesterHandle, identity: int) -> None:
        super().__init__()
        self._handle = handle
        self._identity = identity
        self.status = TIMED_OUT
        self.delivery: Any = None

    def look(self) -> bool:
        self.status, self.delivery = self._handle.reply(self._identity, False)
        return self.status != TIMED_OUT

    def block(self, timeout_ms: int) -> None:
        self.status, self.delivery = self._handle.wait_reply(self._identity, timeout_ms)
        pause_where_scarce(self.status)
        self.done = self.status not in AGAIN
