"""Senders, as flows."""

from __future__ import annotations

import itertools
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from amqpcodec import _crossing_client as crossing
from amqpcodec._crossing_client import AGAIN, CONTEXT_SHIFT, NOT_FOUND, OK, PAYLOADS_MAX, TIMED_OUT, Outcomes, Payloads, SenderHandle, TransactionHandle
from amqpcodec._errors import AmqpError, ClosedError, EncodeError
from amqpcodec._flows import ConnectionCore, LinkCore
from amqpcodec._outcomes import Bulk, Latch, Outcome, Owner, Ticket, TicketBatch, outcome_error, outcome_of, refused
from amqpcodec._status import Status
from amqpcodec._waits import Flow, Wait, pause_where_scarce

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_REFUSED = (int(Status.MESSAGE_TOO_LARGE), int(Status.INVALID_ARGUMENT))
_CONTEXT_MASK = PAYLOADS_MAX - 1


class SenderCore(LinkCore):
    """A sender: batches of messages go to C, and runs of outcomes come back, which belong to those by their contexts."""

    what = "sender"
    _event_open = crossing.SENDER_OPEN
    _event_closed = crossing.SENDER_CLOSED

    def __init__(self, connection: ConnectionCore, handle: SenderHandle) -> None:
        super().__init__(connection, handle)
        self._batches: dict[int, Owner] = {}
        self._numbers = itertools.count()
        self._spare: list[Payloads] = []
        self._outcomes, self._leaders_outcomes = Outcomes(), Outcomes()
        # Of threads that wait for outcomes one does within C, and tells the others.
        self._has_leader = False
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
                error.args = (str(error).partition(": ")[2],)  # which of the messages goes without saying
            raise

    def _register(self, payloads: Payloads, owner: Owner, transaction: TransactionHandle | None = None) -> int:
        number = next(self._numbers)
        payloads.begin(number << CONTEXT_SHIFT, transaction)
        self._batches[number] = owner
        self.driver.watch(self)
        return number

    def submit(self, messages: Sequence[Any], owner: Owner, transaction: TransactionHandle | None = None, first: int | None = None) -> Flow[None]:
        """Posts a batch, when there is room for it. first: the index of the first message, where errors shall tell of it."""
        handle = self.handle
        payloads = self._take_payloads()
        self._encode(payloads, messages, first)
        number = self._register(payloads, owner, transaction)
        try:
            status = handle.post(payloads, self.driver.moves)
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
            self._withdraw(number, owner, len(messages) - payloads.posted)
            raise
        self.driver.kick()
        self._spare.append(payloads)

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
            yield from self.post(message, ticket, transaction)
            if not ticket.is_done:
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
        told: list[Owner] = []
        handle: SenderHandle = self.handle
        outcomes = self._outcomes
        with self._lock:
            while handle.take_outcomes(outcomes, moves) == OK:
                self._dispatch(outcomes, told)
                if outcomes.are_all:
                    break
                moves = False
            self._call_followers()
        for owner in told:
            owner.tell()

    def _collected(self, outcomes: Outcomes) -> None:
        """Tells those who wait of what was taken for that."""
        told: list[Owner] = []
        with self._lock:
            self._dispatch(outcomes, told)
            self._call_followers()
        for owner in told:
            owner.tell()

    def _call_followers(self) -> None:
        for latch, owner in tuple(self._followers.items()):
            if owner.is_done:
                del self._followers[latch]
                latch.release()

    def _dispatch(self, outcomes: Outcomes, told: list[Owner]) -> None:
        batches = self._batches
        while (run := outcomes.next_run()) is not None:
            context, count, state_type, is_unknown, detail = run
            number = context >> CONTEXT_SHIFT
            owner = batches[number]
            said = outcomes.detail(detail) if detail else None
            owner.complete(context & _CONTEXT_MASK, count, outcome_of(state_type, bool(is_unknown), said))
            told.append(owner)
            if owner.left == 0:
                del batches[number]

    def await_outcomes(self, owner: Owner, timeout_ms: int) -> None:
        """Of threads: waits until the owner has all its outcomes, or the time is up."""
        latch = None
        with self._lock:
            if owner.is_done:
                return
            if self._has_leader:
                latch = Latch()
                self._followers[latch] = owner
            self._has_leader = True
        if latch is None:
            self._lead(owner, timeout_ms)
        else:
            self._follow(latch, timeout_ms)

    def _lead(self, owner: Owner, timeout_ms: int) -> None:
        handle: SenderHandle = self.handle
        outcomes = self._leaders_outcomes
        deadline = time.monotonic() + timeout_ms / 1000
        try:
            while not owner.is_done and (left_ms := int((deadline - time.monotonic()) * 1000)) > 0:
                status = handle.wait_outcomes(outcomes, left_ms)
                if status == OK:
                    self._collected(outcomes)
                    continue
                pause_where_scarce(status)
                if status == NOT_FOUND:
                    self.collect(False)  # whoever took them tells of them before that
                elif status not in AGAIN:
                    raise self.failure(status)
                if status == NOT_FOUND and not owner.is_done:
                    raise ClosedError(f"the {self.what} was closed meanwhile")
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        """The next of those who follow leads."""
        with self._lock:
            self._has_leader = False
            for latch in self._followers:
                del self._followers[latch]
                latch.release()
                break

    def _follow(self, latch: Latch, timeout_ms: int) -> None:
        was_called = False
        try:
            was_called = latch.wait(timeout_ms / 1000)
        finally:
            with self._lock:
                missed = not was_called and self._followers.pop(latch, None) is None
                if missed and not self._has_leader:
                    self._pass_on()

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
        self._pass_on()


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
        super().__init__()
        self._sender = sender
        self._owner = owner
        self.done = owner.is_done
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
