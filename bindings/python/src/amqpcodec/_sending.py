"""Senders, as flows."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from amqpcodec import _crossing_client as crossing
from amqpcodec._crossing_client import AGAIN, CONTEXT_SHIFT, NOT_FOUND, OK, PAYLOADS_MAX, TIMED_OUT, Outcomes, Payloads, SenderHandle
from amqpcodec._crossing_transaction import TransactionHandle
from amqpcodec._errors import AmqpError, ClosedError, EncodeError
from amqpcodec._flows import ConnectionCore, LinkCore
from amqpcodec._outcomes import OUTCOME_ACCEPTED, Bulk, Latch, Outcome, Owner, Ticket, TicketBatch, outcome_error, outcome_of, refused
from amqpcodec._status import Status
from amqpcodec._waits import Flow, Wait, pause_where_scarce

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_REFUSED = (int(Status.MESSAGE_TOO_LARGE), int(Status.INVALID_ARGUMENT))
_CONTEXT_MASK = PAYLOADS_MAX - 1

_AT_ONCE_MS = 500  # that send_at_once waits

# A batch that is being posted: the status of the last attempt, and what is needed for the next.
_Posting = tuple[int, SenderHandle, Payloads, int]


class SenderCore(LinkCore):
    """A sender: batches of messages go to C, and runs of outcomes come back, which belong to those by their contexts."""

    what = "sender"
    _event_open = crossing.SENDER_OPEN
    _event_closed = crossing.SENDER_CLOSED
    _event_detached = crossing.SENDER_DETACHED

    def __init__(self, connection: ConnectionCore, handle: SenderHandle, lives_on: bool) -> None:
        # First what there may be no memory for: afterwards the connection knows of the sender, and closes it.
        self._outcomes, self._leaders_outcomes = Outcomes(), Outcomes()
        self._leaders_payloads = Payloads()
        super().__init__(connection, handle)
        self.lives_on = lives_on
        self._batches: dict[int, Owner] = {}
        self._numbers = itertools.count()
        self._spare: list[Payloads] = []
        self._leading = threading.Lock()
        self._leader = 0  # the thread
        self._followers: dict[Latch, Owner] = {}
        # Of loops: messages that wait for the next turn, and the batch that waits for credit.
        self._outbox: deque[tuple[Any, Ticket]] = deque()
        self._stalled: tuple[Payloads, TicketBatch] | None = None

    # --- Posting.

    def _take_payloads(self) -> Payloads:
        try:
            return self._spare.pop()
        except IndexError:
            return Payloads()

    def _encode(self, payloads: Payloads, messages: Sequence[Any], first: int | None) -> None:
        try:
            payloads.encode(messages, first or 0)
        except BaseException as error:
            self._spare.append(payloads)
            if isinstance(error, EncodeError) and first is None:
                _leave_index_out(error)
            raise

    def _start(self, messages: Sequence[Any], owner: Owner, transaction: TransactionHandle | None, first: int | None) -> _Posting:
        """Encodes messages, and posts what can be at once. first: the index of the first message, where errors shall tell of it."""
        handle: SenderHandle = self.handle
        payloads = self._take_payloads()
        self._encode(payloads, messages, first)
        number = self._register(payloads, owner, transaction)
        status = handle.post(payloads, self.driver.moves)
        if status == OK:
            self._spare.append(payloads)
        return status, handle, payloads, number

    def _register(self, payloads: Payloads, owner: Owner, transaction: TransactionHandle | None = None) -> int:
        number = next(self._numbers)
        payloads.begin(number << CONTEXT_SHIFT, transaction)
        self._batches[number] = owner
        if not self.driver.moves:
            self.driver.watch(self)
        return number

    def _go_on(self, posting: _Posting, owner: Owner, count: int) -> Flow[None]:
        """Posts the rest of a batch, when there is room for it."""
        status, handle, payloads, number = posting
        try:
            while status != OK:
                if status in AGAIN:
                    wait = PostWait(handle, payloads)
                    yield wait
                    status = wait.status
                elif status in _REFUSED:
                    self._refuse(payloads, owner, status)
                    status = handle.post(payloads, self.driver.moves)
                else:
                    raise self.failure(status)
        except BaseException:
            self._withdraw(number, owner, count - payloads.posted)
            raise
        self._spare.append(payloads)

    def submit(self, messages: Sequence[Any], owner: Owner, transaction: TransactionHandle | None, first: int | None = None) -> Flow[None]:
        """Posts a batch, when there is room for it. first: as of _start."""
        posting = self._start(messages, owner, transaction, first)
        if posting[0] != OK:
            yield from self._go_on(posting, owner, len(messages))
        self.driver.kick()

    def _refuse(self, payloads: Payloads, owner: Owner, status: int) -> None:
        """The next message cannot be sent."""
        with self._lock:
            owner.complete(payloads.posted, 1, refused(Status(status)))
            payloads.skip()

    def _withdraw(self, number: int, owner: Owner, count: int) -> None:
        """The last ones of a batch were not sent, and have no outcome."""
        with self._lock:
            owner.left -= count
            if owner.left == 0:
                self._batches.pop(number, None)

    def post(self, message: Any, ticket: Ticket, transaction: TransactionHandle | None = None) -> Flow[None]:
        """Posts one message. By loops it goes with the others of the same turn."""
        if self.driver.moves or transaction is not None:
            yield from self.submit((message,), ticket, transaction)
            ticket.is_posted = True
            return
        if self._handle is None:
            raise self.failure(int(Status.CLOSED))
        self._outbox.append((message, ticket))
        self.driver.flush_later(self)

    def post_in_turn(self, message: Any, ticket: Ticket, transaction: TransactionHandle | None) -> Flow[None]:
        """As `post`, of callers that do not wait for the outcome: not while others wait for room."""
        while len(self._outbox) >= PAYLOADS_MAX:
            yield FlushWait(self)
        yield from self.post(message, ticket, transaction)

    def send(self, message: Any, transaction: TransactionHandle | None) -> Flow[Outcome]:
        """Sends a message, and waits for its outcome. Raises OutcomeError."""
        ticket = Ticket()
        try:
            if self.driver.moves:
                posting = self._start((message,), ticket, transaction, None)
                if posting[0] != OK:
                    yield from self._go_on(posting, ticket, 1)
                ticket.is_posted = True
            else:
                yield from self.post(message, ticket, transaction)
            if ticket.left:
                yield OutcomeWait(self, ticket)
        except BaseException as error:
            ticket.give_up(error)
            raise
        return OUTCOME_ACCEPTED if ticket.result is OUTCOME_ACCEPTED else self.result(ticket)

    def send_at_once(self, message: Any) -> Outcome | Flow[Outcome]:
        """Of threads, where nobody else waits for outcomes: sends a message, and waits for its outcome, for a while, in as few steps as can
        be. Gives the flow that goes on where that was not enough."""
        if not self._leading.acquire(False):
            return self.send(message, None)
        self._leader = threading.get_ident()
        ticket = Ticket()
        try:
            handle: SenderHandle = self.handle
            payloads = self._leaders_payloads
            _encode_one(payloads, message)
            number = next(self._numbers)
            self._batches[number] = ticket
            context = number << CONTEXT_SHIFT
            ticket.is_posted = True  # perhaps, until it is known
            result = handle.wait_send(payloads, self._leaders_outcomes, context, _AT_ONCE_MS)
            if result == -1 - context:
                del self._batches[number]
                return OUTCOME_ACCEPTED
            return self._after_send(ticket, handle, number, result)
        except BaseException as error:
            ticket.give_up(error)
            raise
        finally:
            self._stop_leading()

    def _after_send(self, ticket: Ticket, handle: SenderHandle, number: int, result: int) -> Flow[Outcome]:
        """What follows where send_at_once was not enough."""
        payloads = self._leaders_payloads
        if payloads.posted == 0:
            self._leaders_payloads = self._take_payloads()
            ticket.is_posted = False
            return self._rest_of_send(ticket, (result, handle, payloads, number))
        if result <= OK:
            self._tell(result, self._leaders_outcomes)
        else:
            self._check_wait(result, ticket)
        return self._rest_of_send(ticket, None)

    def _rest_of_send(self, ticket: Ticket, posting: _Posting | None) -> Flow[Outcome]:
        try:
            if posting is not None:
                yield from self._go_on(posting, ticket, 1)
                ticket.is_posted = True
            if ticket.left:
                yield OutcomeWait(self, ticket)
        except BaseException as error:
            ticket.give_up(error)
            raise
        return self.result(ticket)

    def result(self, ticket: Ticket) -> Outcome:
        """The outcome of a message that has one. Raises OutcomeError, and why there is none."""
        result = ticket.result
        if isinstance(result, Outcome):
            if result.is_accepted:
                return result
            handle = self._handle
            reason = handle.error() if result.state == "unknown" and handle is not None else None
            raise outcome_error(result, reason)
        assert result is not None
        raise result

    def send_many(self, messages: Iterable[Any], transaction: TransactionHandle | None) -> Flow[list[Outcome]]:
        """Sends messages, as many at a time as may be without an outcome. Their outcomes, in order."""
        bulk = Bulk()
        messages = iter(messages)
        while chunk := list(itertools.islice(messages, PAYLOADS_MAX)):
            first = len(bulk.outcomes)
            yield from self.submit(chunk, bulk.add(len(chunk)), transaction, first)
        if not bulk.is_done:
            self.collect(False)
        if not bulk.is_done:
            yield OutcomeWait(self, bulk)
        return bulk.outcomes

    def outcomes_of(self, tickets: list[Ticket]) -> Flow[list[Outcome]]:
        """The outcomes of messages that were posted, in order. Raises why one of them has none."""
        for ticket in tickets:
            if ticket.left:
                yield OutcomeWait(self, ticket)
        outcomes: list[Outcome] = []
        for ticket in tickets:
            ticket.check()
            assert isinstance(ticket.result, Outcome)
            outcomes.append(ticket.result)
        return outcomes

    @property
    def is_outbox_empty(self) -> bool:
        return self._handle is None or not (self._outbox or self._stalled is not None)

    def flush(self) -> None:
        """Of loops: gives C what waits for the turn."""
        while self._outbox and self._stalled is None and self._handle is not None:
            entries = [self._outbox.popleft() for _ in range(min(len(self._outbox), PAYLOADS_MAX))]
            self._begin([entry for entry in entries if not entry[1].is_given_up])

    def _begin(self, entries: list[tuple[Any, Ticket]]) -> None:
        payloads = self._take_payloads()
        try:
            self._encode(payloads, [message for message, _ in entries], None)
        except Exception as error:
            self._begin_one_by_one(entries, error)
            return
        if entries:
            batch = TicketBatch([ticket for _, ticket in entries])
            self._register(payloads, batch)
            self._stalled = payloads, batch
            self._push()

    def _begin_one_by_one(self, entries: list[tuple[Any, Ticket]], error: Exception) -> None:
        """One of them cannot be encoded: it alone fails."""
        if len(entries) == 1:
            ticket = entries[0][1]
            ticket.complete(0, 1, error)
            ticket.tell()
            return
        self._outbox.extendleft(reversed(entries[1:]))
        self._begin(entries[:1])

    def _push(self) -> None:
        """Posts what is left of the batch that waits."""
        assert self._stalled is not None
        payloads, batch = self._stalled
        before = payloads.posted
        status = self.handle.post(payloads, False)
        while status in _REFUSED:
            self._refuse(payloads, batch, status)
            status = self.handle.post(payloads, False)
        for ticket in batch.tickets[before : payloads.posted]:
            ticket.is_posted = True
        if status != OK and status not in AGAIN:
            count = len(batch.tickets) - payloads.posted
            batch.complete(payloads.posted, count, self.failure(status))
        if status not in AGAIN:
            self._stalled = None
            self._spare.append(payloads)
        batch.tell()

    def poll(self) -> None:
        """Of loops: something may have happened."""
        if self._handle is None:
            self.driver.forget(self)
            return
        self.collect(False)
        if self._stalled is not None:
            self._push()
            self.flush()
            self.driver.kick()
        if not self._batches and self._stalled is None:
            self.driver.forget(self)

    # --- Outcomes.

    def collect(self, moves: bool) -> None:
        """Takes outcomes that have come, and tells those who wait."""
        handle: SenderHandle = self.handle
        outcomes = self._outcomes
        told: list[Owner] = []
        with self._lock:
            while (result := handle.take_outcomes(outcomes, moves)) <= OK:
                self._dispatch(result, outcomes, told)
                if outcomes.are_all:
                    break
                moves = False
            self._call_followers()
        for owner in told:
            owner.tell()

    def _tell(self, result: int, outcomes: Outcomes) -> None:
        """Tells those who wait of what was taken."""
        told: list[Owner] = []
        with self._lock:
            self._dispatch(result, outcomes, told)
            self._call_followers()
        for owner in told:
            owner.tell()

    def _dispatch(self, result: int, outcomes: Outcomes, told: list[Owner]) -> None:
        if result < OK:
            self._complete(-1 - result, 1, OUTCOME_ACCEPTED, told)
            outcomes.forget_run()
            return
        while (run := outcomes.next_run()) is not None:
            context, count, state_type, is_unknown, detail = run
            said = outcomes.detail(detail) if detail else None
            self._complete(context, count, outcome_of(state_type, bool(is_unknown), said), told)

    def _complete(self, context: int, count: int, outcome: Outcome, told: list[Owner]) -> None:
        number = context >> CONTEXT_SHIFT
        owner = self._batches[number]
        owner.complete(context & _CONTEXT_MASK, count, outcome)
        told.append(owner)
        if owner.left == 0:
            del self._batches[number]

    # --- Threads that wait for outcomes: one of them, who leads, does within C, and tells the others.

    def await_outcomes(self, owner: Owner, timeout_ms: int) -> None:
        """Of threads: waits until the owner has all its outcomes, or the time is up."""
        if self._leading.acquire(False):
            self._lead(owner, timeout_ms)
            return
        if self._leader == threading.get_ident():  # the handler of a signal, or a finalizer, within the wait of its own thread
            self._wait(owner, timeout_ms, Outcomes())
            return
        latch = Latch()
        with self._lock:
            if owner.is_done:
                return
            self._followers[latch] = owner
        if self._leading.acquire(False):  # whoever led has left meanwhile
            self._followers.pop(latch, None)
            self._lead(owner, timeout_ms)
        else:
            self._follow(latch, timeout_ms)

    def _lead(self, owner: Owner, timeout_ms: int) -> None:
        self._leader = threading.get_ident()
        try:
            self._wait(owner, timeout_ms, self._leaders_outcomes)
        finally:
            self._stop_leading()

    def _stop_leading(self) -> None:
        self._leader = 0
        self._leading.release()
        if self._followers:
            self._call_one()

    def _wait(self, owner: Owner, timeout_ms: int, outcomes: Outcomes) -> None:
        handle: SenderHandle = self.handle
        deadline = time.monotonic() + timeout_ms / 1000
        while owner.left and timeout_ms > 0:
            result = handle.wait_outcomes(outcomes, timeout_ms)
            if result <= OK:
                self._tell(result, outcomes)
            else:
                self._check_wait(result, owner)
            if owner.left:
                timeout_ms = int((deadline - time.monotonic()) * 1000)

    def _check_wait(self, status: int, owner: Owner) -> None:
        """A wait has ended without an outcome."""
        pause_where_scarce(status)
        if status == NOT_FOUND:
            self.collect(False)  # whoever took the last ones tells of them before that
            if owner.left:
                raise ClosedError(f"the {self.what} was closed meanwhile")
        elif status not in AGAIN:
            raise self.failure(status)

    def _call_followers(self) -> None:
        """Calls those who have what they waited for."""
        for latch, owner in tuple(self._followers.items()):
            if owner.is_done:
                del self._followers[latch]
                latch.release()

    def _call_one(self) -> None:
        """One of those who follow is to lead."""
        with self._lock:
            for latch in self._followers:
                del self._followers[latch]
                latch.release()
                break

    def _follow(self, latch: Latch, timeout_ms: int) -> None:
        was_called = False
        try:
            was_called = latch.wait(timeout_ms / 1000)
        finally:
            if not was_called:
                with self._lock:
                    missed = self._followers.pop(latch, None) is None
                if missed:
                    self._call_one()  # it was perhaps this one's turn

    def flushed(self) -> Flow[None]:
        """Until all that was posted has an outcome."""
        if not self.is_outbox_empty:
            yield FlushWait(self)
        yield from self.event(crossing.SENDER_FLUSHED)
        self.collect(False)

    def flush_quietly(self) -> Flow[None]:
        if self._handle is not None:
            try:
                yield from self.flushed()
            except AmqpError as error:
                if isinstance(error, TimeoutError):
                    raise

    def drop(self) -> None:
        if self._handle is None:
            return
        self.collect(False)
        super().drop()
        self.driver.forget(self)
        with self._lock:
            told = list(self._batches.values())
            self._batches.clear()
        error = ClosedError(f"the {self.what} is closed")
        for _, ticket in self._outbox:
            ticket.complete(0, 1, error)
            ticket.tell()
        self._outbox.clear()
        for owner in told:
            owner.complete(0, owner.left, outcome_of(0, True, None))
            owner.tell()
        self._call_one()


def _leave_index_out(error: EncodeError) -> None:
    """Which of the messages it was goes without saying."""
    error.args = (str(error).partition(": ")[2],)


def _encode_one(payloads: Payloads, message: Any) -> None:
    try:
        payloads.encode((message,), 0)
    except EncodeError as error:
        _leave_index_out(error)
        raise


class PostWait(Wait):
    """Until the rest of a batch is posted, or never will be."""

    __slots__ = ("_handle", "_payloads", "status")

    def __init__(self, handle: SenderHandle, payloads: Payloads) -> None:
        super().__init__()
        self._handle = handle
        self._payloads = payloads
        self.status = TIMED_OUT

    def look(self) -> bool:
        self.status = self._handle.post(self._payloads, False)
        return self.status != TIMED_OUT

    def block(self, timeout_ms: int) -> None:
        self.status = self._handle.wait_post(self._payloads, timeout_ms)
        pause_where_scarce(self.status)
        self.done = self.status not in AGAIN


class OutcomeWait(Wait):
    """Until all outcomes of an owner are there."""

    __slots__ = ("_owner", "_sender")
    is_polled = False

    def __init__(self, sender: SenderCore, owner: Owner) -> None:
        self.wake = None
        self._sender = sender
        self._owner = owner
        self.done = owner.left == 0
        if not sender.driver.moves:
            owner.on_done(self.finish)

    def block(self, timeout_ms: int) -> None:
        self._sender.await_outcomes(self._owner, timeout_ms)
        self.done = self._owner.is_done


class FlushWait(Wait):
    """Of loops: until the outbox is empty."""

    __slots__ = ("_sender",)

    def __init__(self, sender: SenderCore) -> None:
        super().__init__()
        self._sender = sender

    def look(self) -> bool:
        return self._sender.is_outbox_empty
