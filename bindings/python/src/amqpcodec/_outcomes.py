"""What became of messages that were sent: outcomes, and those who wait for them."""

from __future__ import annotations

import threading
from typing import Any, Callable, NamedTuple

from amqpcodec._crossing_client import ACCEPTED, MODIFIED, NO_STATE, REJECTED, RELEASED, Detail
from amqpcodec._errors import AmqpError, AmqpTimeoutError, OutcomeError
from amqpcodec._status import Status

_STATES = {ACCEPTED: "accepted", REJECTED: "rejected", RELEASED: "released", MODIFIED: "modified"}


class Outcome(NamedTuple):
    """What became of a message that was sent (AMQP 3.4).

    state               "accepted", "rejected", "released" or "modified"; "settled" where it was sent without asking for an outcome;
                        "unknown": the connection was lost, and it may or may not have arrived
    condition           of a rejected one, the peer's error condition, or None
    description         the peer's text for people, or None
    delivery_failed     of a modified one: the attempt to deliver it counts as failed
    undeliverable_here  of a modified one: it shall not come to this link again
    """

    state: str
    condition: str | None = None
    description: str | None = None
    delivery_failed: bool = False
    undeliverable_here: bool = False

    def __repr__(self) -> str:
        shown = {name: value for name, value in self._asdict().items() if value != self._field_defaults.get(name)}
        return f"Outcome({', '.join(f'{name}={value!r}' for name, value in shown.items())})"

    @property
    def is_accepted(self) -> bool:
        """Whether the message has arrived, as far as anybody asked."""
        return self.state in ("accepted", "settled")


OUTCOME_ACCEPTED = Outcome("accepted")
OUTCOME_RELEASED = Outcome("released")
OUTCOME_SETTLED = Outcome("settled")
OUTCOME_UNKNOWN = Outcome("unknown")
_PLAIN = {ACCEPTED: OUTCOME_ACCEPTED, RELEASED: OUTCOME_RELEASED, NO_STATE: OUTCOME_SETTLED}


def outcome_of(state_type: int, is_unknown: bool, detail: Detail | None) -> Outcome:
    if is_unknown:
        return OUTCOME_UNKNOWN
    if detail is not None:
        return Outcome(_STATES[state_type], *detail)
    return _PLAIN.get(state_type) or Outcome(_STATES.get(state_type, "modified"))


def refused(status: Status) -> Outcome:
    """The outcome of a message that was refused at this end already, such as one that is larger than the peer takes."""
    return Outcome("rejected", status.condition, status.text)


def outcome_error(outcome: Outcome, reason: AmqpError | None = None) -> OutcomeError:
    """The exception of an outcome. reason: why it is unknown."""
    said = ": ".join(filter(None, (outcome.condition, outcome.description)))
    if outcome.state == "unknown":
        text = "nobody knows whether the message has arrived" + (f": {reason}" if reason is not None else "")
    else:
        text = f"the message was {outcome.state}" + (f": {said}" if said else "")
    rest: dict[str, Any] = {} if reason is None else {"status": reason.status}
    error = OutcomeError(text, outcome=outcome.state, condition=outcome.condition, description=outcome.description, **rest)
    error.__cause__ = reason
    return error


class Owner:
    """Who is told of the outcomes of a batch of messages, some of which may be alike.

    left   how many have none yet
    """

    __slots__ = ("_callbacks", "left")

    def __init__(self, left: int) -> None:
        self.left = left
        self._callbacks: list[Callable[[], object]] | None = None

    @property
    def is_done(self) -> bool:
        return self.left == 0

    def complete(self, index: int, count: int, outcome: Outcome | Exception) -> None:
        """The messages from the index on have an outcome, or none and never will."""
        raise NotImplementedError

    def on_done(self, callback: Callable[[], object]) -> None:
        """Calls back when all is there: once, at once where it is already."""
        if self.is_done:
            callback()
        elif self._callbacks is None:
            self._callbacks = [callback]
        else:
            self._callbacks.append(callback)

    def off_done(self, callback: Callable[[], object]) -> None:
        if self._callbacks is not None and callback in self._callbacks:
            self._callbacks.remove(callback)

    def tell(self) -> None:
        """Calls back those who asked."""
        callbacks, self._callbacks = self._callbacks, None
        for callback in callbacks or ():
            callback()


class Ticket(Owner):
    """One message on its way.

    result     its outcome, or why it has none
    is_posted  it was given to the library: it may have been sent
    is_given_up  nobody waits any more
    """

    __slots__ = ("is_given_up", "is_posted", "result")

    def __init__(self) -> None:
        self.left = 1
        self._callbacks = None
        self.result: Outcome | Exception | None = None
        self.is_posted = False
        self.is_given_up = False

    def complete(self, index: int, count: int, outcome: Outcome | Exception) -> None:  # noqa: ARG002
        self.result = outcome
        self.left = 0

    def check(self) -> None:
        """Raises why there is no outcome, and never will be."""
        if isinstance(self.result, Exception):
            raise self.result

    def give_up(self, error: BaseException) -> None:
        """Whoever waited does not any more, for that reason, which says then what became of the message."""
        self.is_given_up = True
        text = "the message may have been sent, and its outcome is unknown" if self.is_posted else "the message was not sent"
        if isinstance(error, AmqpTimeoutError) or not error.args:
            error.args = (text,)


class TicketBatch(Owner):
    """Messages of several callers, in one batch."""

    __slots__ = ("tickets", "told")

    def __init__(self, tickets: list[Ticket]) -> None:
        super().__init__(len(tickets))
        self.tickets = tickets
        self.told: list[Ticket] = []

    def complete(self, index: int, count: int, outcome: Outcome | Exception) -> None:
        self.left -= count
        for ticket in self.tickets[index : index + count]:
            ticket.result = outcome
            ticket.left = 0
            self.told.append(ticket)

    def tell(self) -> None:
        told, self.told = self.told, []
        for ticket in told:
            ticket.tell()


class Bulk(Owner):
    """Messages of one caller, of many batches. outcomes: as they were given, accepted until it is known better."""

    __slots__ = ("outcomes",)

    def __init__(self) -> None:
        super().__init__(0)
        self.outcomes: list[Outcome] = []

    def add(self, count: int) -> BulkPart:
        part = BulkPart(self, len(self.outcomes), count)
        self.outcomes += [OUTCOME_ACCEPTED] * count
        self.left += count
        return part


class BulkPart(Owner):
    """One batch of them."""

    __slots__ = ("_bulk", "base")

    def __init__(self, bulk: Bulk, base: int, count: int) -> None:
        super().__init__(count)
        self._bulk = bulk
        self.base = base

    def complete(self, index: int, count: int, outcome: Outcome | Exception) -> None:
        self.left -= count
        self._bulk.left -= count
        if outcome is not OUTCOME_ACCEPTED:
            first = self.base + index
            said = outcome if isinstance(outcome, Outcome) else Outcome("rejected", getattr(outcome, "condition", None), str(outcome))
            self._bulk.outcomes[first : first + count] = [said] * count

    def tell(self) -> None:
        if self._bulk.left == 0:
            self._bulk.tell()


def call_back(function: Callable[[Any], object], argument: Any) -> None:
    """Calls what a program gave us to call: its failure is the program's, and stops nothing here."""
    try:
        function(argument)
    except Exception:
        import logging  # takes a while

        logging.getLogger("amqpcodec").exception("a callback of a posted message failed")


class Latch:
    """A thread that waits until it is let go."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def release(self) -> None:
        self._lock.release()

    def wait(self, seconds: float) -> bool:
        """Whether it was let go."""
        return self._lock.acquire(timeout=seconds)
