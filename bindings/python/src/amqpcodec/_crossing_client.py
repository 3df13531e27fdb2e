"""The part of the crossing that the clients use: handles of C's objects, which _flows.py makes connections of.

A handle lives until the last reference to it goes, so whoever is within a call holds one: closing drops the reference of its owner,
and memory is freed when nobody is within a call any more. Functions that wait do so without the GIL, all others keep it.

What is asked for by `moves` is asked so: True, for threads, sends and receives what can be at once; False, for event loops, only looks
at what ClientHandle.process has brought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from amqpcodec._crossing import BATCH_MESSAGES, batch_failure, ffi, lib, new_batch, return_output, take_output
from amqpcodec._encode import encode_batch, take_encoder
from amqpcodec._errors import AmqpConnectionError, AmqpError, DecodeError, LinkRedirectError, error_class
from amqpcodec._received import messages_of
from amqpcodec._status import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from amqpcodec._crossing_transaction import TransactionHandle
    from amqpcodec._received import ReceivedMessage

OK = int(Status.OK)
TIMED_OUT = int(Status.TIMED_OUT)
NOT_FOUND = int(Status.NOT_FOUND)
# What a wait may end with, and is then made again.
AGAIN = frozenset({TIMED_OUT, int(Status.INTERRUPTED), int(Status.NO_DESCRIPTORS), int(Status.SYSTEM_ERROR)})

FOREVER = -1
PAYLOADS_MAX = 64
CONTEXT_SHIFT = 6  # a batch of payloads has PAYLOADS_MAX contexts
OUTCOMES_MAX = 256  # that are taken at once

# Looking a name up costs as much as a short call.
_begin_payloads = lib.crossing_begin_payloads
_post = lib.crossing_post
_take_outcomes = lib.crossing_take_outcomes
_wait_outcomes = lib.crossing_wait_outcomes
_wait_send = lib.crossing_wait_send
_settle = lib.amqpc_receiver_settle
_accept = lib.crossing_accept

CLIENT_OPEN = lib.CROSSING_CLIENT_OPEN
CLIENT_CLOSED = lib.CROSSING_CLIENT_CLOSED
SENDER_OPEN = lib.CROSSING_SENDER_OPEN
SENDER_FLUSHED = lib.CROSSING_SENDER_FLUSHED
SENDER_CLOSED = lib.CROSSING_SENDER_CLOSED
SENDER_DETACHED = lib.CROSSING_SENDER_DETACHED
RECEIVER_OPEN = lib.CROSSING_RECEIVER_OPEN
RECEIVER_DELIVERIES = lib.CROSSING_RECEIVER_DELIVERIES
RECEIVER_DRAINED = lib.CROSSING_RECEIVER_DRAINED
RECEIVER_CLOSED = lib.CROSSING_RECEIVER_CLOSED
RECEIVER_DETACHED = lib.CROSSING_RECEIVER_DETACHED
TRANSACTION_DECLARED = lib.CROSSING_TRANSACTION_DECLARED
TRANSACTION_COMMITTED = lib.CROSSING_TRANSACTION_COMMITTED
TRANSACTION_ROLLED_BACK = lib.CROSSING_TRANSACTION_ROLLED_BACK

CLIENT_STATES = ("connecting", "open", "waiting", "closing", "closed", "failed")
EVENT_TYPES = ("none", "connected", "disconnected", "failed", "link-failed")
STATISTICS = (
    "connects",
    "bytes_received",
    "bytes_sent",
    "frames_received",
    "frames_sent",
    "deliveries_received",
    "deliveries_sent",
    "reads",
    "writes",
    "waits",
)

ACCEPTED = lib.AMQPC_COMPOSITE_ACCEPTED
REJECTED = lib.AMQPC_COMPOSITE_REJECTED
RELEASED = lib.AMQPC_COMPOSITE_RELEASED
MODIFIED = lib.AMQPC_COMPOSITE_MODIFIED
NO_STATE = lib.AMQPC_COMPOSITE_NONE


def _text(data: Any) -> str:
    text: str = ffi.string(data).decode("utf-8", "replace")
    return text


def error_of(said: Any) -> AmqpError:
    """The exception of an amqpc_client_error."""
    kind = error_class(said.status)
    if issubclass(kind, DecodeError):
        kind = AmqpConnectionError  # of frames, which whoever connects has not asked for
    rest: dict[str, Any] = {"status": said.status, "condition": _text(said.condition) or None}
    if kind is LinkRedirectError:
        rest["host"] = _text(said.redirect_host) or None
        rest["port"] = said.redirect_port or None
        rest["address"] = _text(said.redirect_address) or None
    return kind(_text(said.text), **rest)


def failure(status: int, text: str = "") -> AmqpError:
    """The exception of a status of which nothing else is known."""
    return error_class(status)(text, status=status)


class Event(NamedTuple):
    """Something that has happened to a connection.

    kind      "connected", "disconnected", "failed", or "link-failed"
    name      the peer's address, or the link's name
    attempts  to connect, until then
    delay     seconds until the next one
    error     why, where something went wrong
    """

    kind: str
    name: str
    attempts: int
    delay: float
    error: AmqpError | None


class Detail(NamedTuple):
    """What the peer said of a message that it did not accept."""

    condition: str | None
    description: str | None
    delivery_failed: bool
    undeliverable_here: bool


class ClientHandle:
    """A client of the C library. options: members of amqpc_client_options; strings are bytes."""

    __slots__ = ("_c", "_deadline", "_events", "_owner")

    def __init__(self, url: bytes, options: dict[str, Any]) -> None:
        chosen = ffi.new("amqpc_client_options *")
        lib.amqpc_client_options_init(chosen, ffi.sizeof("amqpc_client_options"))
        kept = []
        for name, value in options.items():
            if isinstance(value, bytes):
                value = ffi.new("char[]", value)
                kept.append(value)
            setattr(chosen, name, value)
        said = ffi.new("amqpc_client_error *")
        made = lib.crossing_client_new(url, chosen, said)
        if made == ffi.NULL:
            raise error_of(said)
        self._owner: Any = ffi.gc(made, lib.crossing_client_drop)
        self._c: Any = lib.crossing_client_get(made)
        self._deadline = ffi.new("int64_t *")
        self._events: list[Any] = []

    @property
    def owner(self) -> Any:
        return self._owner

    def look(self, what: int, moves: bool) -> int:
        status: int = lib.crossing_look(what, self._c, moves)
        return status

    def wait_for(self, what: int, timeout_ms: int) -> int:
        status: int = lib.crossing_wait_for(what, self._c, timeout_ms)
        return status

    def descriptor(self) -> int:
        descriptor: int = lib.amqpc_client_descriptor(self._c)
        return descriptor

    def process(self) -> tuple[int, int]:
        """Moves bytes. Gives the status, and the milliseconds until the next call; FOREVER for none."""
        status = lib.amqpc_client_process(self._c, self._deadline)
        return status, self._deadline[0]

    def state(self) -> str:
        return CLIENT_STATES[lib.amqpc_client_get_state(self._c)]

    def error(self) -> AmqpError | None:
        """The last error of the connection."""
        said = ffi.new("amqpc_client_error *")
        return error_of(said) if lib.amqpc_client_get_error(self._c, said) == OK else None

    def next_event(self) -> Event | None:
        """It is asked often, and mostly there is none: the struct is kept, for one caller at a time."""
        try:
            event = self._events.pop()
        except IndexError:
            event = ffi.new("amqpc_client_event *")
        found = None
        if lib.amqpc_client_next_event(self._c, event):
            error = error_of(event.error) if event.error.status != OK else None
            found = Event(EVENT_TYPES[event.type], _text(event.name), event.attempts, event.delay_ms / 1000, error)
        self._events.append(event)
        return found

    def statistics(self) -> dict[str, int]:
        counts = ffi.new("amqpc_client_statistics *")
        counts.struct_size = ffi.sizeof("amqpc_client_statistics")
        lib.amqpc_client_get_statistics(self._c, counts)
        return {name: getattr(counts, name) for name in STATISTICS}

    def peer_offers(self, capability: bytes) -> bool:
        return bool(lib.amqpc_client_peer_offers(self._c, capability))

    def peer_property(self, key: bytes) -> str | None:
        return _text_of(lib.amqpc_client_peer_property, self._c, key)

    def read_trace(self) -> bytes:
        data = ffi.new("char[]", 65536)
        pieces = []
        while size := lib.amqpc_client_read_trace(self._c, data, 65536):
            pieces.append(bytes(ffi.buffer(data, size)))
        return b"".join(pieces)


def _undecodable(output: Any, batch: Any) -> DecodeError:
    """The exception of a message that does not decode; it tells which delivery it came by, so that that can be settled."""
    error, (number, _tag, settled) = batch_failure(output, batch)
    error.delivery_number = None if settled else number
    return error


class Terms(NamedTuple):
    """What a link is attached with, encoded; empty for none."""

    source: bytes = b""
    target: bytes = b""
    properties: bytes = b""


def _crossing_terms(terms: Terms) -> tuple[Any, list[Any]]:
    """The struct, and what has to be kept as long as it is used."""
    made = ffi.new("crossing_terms *")
    kept = []
    for name, data in zip(Terms._fields, terms):
        if data:
            view = ffi.from_buffer(data)
            kept.append(view)
            part = getattr(made, name)
            part.data = view
            part.size = len(data)
    return made, kept


def _options(kind: str, init: Any, values: dict[str, Any]) -> tuple[Any, list[Any]]:
    options = ffi.new(f"{kind} *")
    init(options, ffi.sizeof(kind))
    kept = []
    for name, value in values.items():
        if isinstance(value, bytes):
            value = ffi.new("char[]", value)
            kept.append(value)
        setattr(options, name, value)
    return options, kept


def _text_of(function: Any, *arguments: Any) -> str | None:
    """What a function of the library writes where its last two arguments say; None where there is none."""
    size = 1024
    while True:
        data = ffi.new("char[]", size)
        status = function(*arguments, data, size)
        if status != Status.BUFFER_FULL:
            return _text(data) if status == OK else None
        size *= 4


class _LinkHandle:
    """What handles of senders and receivers have in common: `_c` is the crossing's struct, `_link` the library's."""

    __slots__ = ("_c", "_link")
    _link: Any
    _address: Any
    _get_error: Any
    _new: Any
    _free: Any

    def _make(self, client: ClientHandle, address: bytes | None, options: Any, terms: Terms) -> Any:
        status = ffi.new("int *")
        made_terms, kept = _crossing_terms(terms)
        made = self._new(client.owner, ffi.NULL if address is None else address, options, made_terms, status)
        del kept
        if made == ffi.NULL:
            raise failure(status[0])
        self._c: Any = ffi.gc(made, self._free)
        return made

    def look(self, what: int, moves: bool) -> int:
        status: int = lib.crossing_look(what, self._link, moves)
        return status

    def wait_for(self, what: int, timeout_ms: int) -> int:
        status: int = lib.crossing_wait_for(what, self._link, timeout_ms)
        return status

    def address(self) -> str | None:
        """As the peer says it."""
        return _text_of(self._address, self._link)

    def error(self) -> AmqpError | None:
        """Why the link has ended; None where it has not."""
        said = ffi.new("amqpc_client_error *")
        return error_of(said) if self._get_error(self._link, said) == OK else None


class Payloads:
    """A batch of messages that are encoded, up to PAYLOADS_MAX. It has an encoder of its own."""

    __slots__ = ("_has_transaction", "_tools", "c", "encoder")

    def __init__(self) -> None:
        self.c: Any = ffi.new("crossing_payloads *")
        self._tools = take_encoder()
        self.encoder: Any = self._tools[0]
        self._has_transaction = False

    def encode(self, messages: Sequence[Any], first: int) -> None:
        """Raises EncodeError with the index of the message that cannot be encoded, counted from `first`."""
        encode_batch(self._tools, messages, first)

    def begin(self, context: int, transaction: TransactionHandle | None) -> None:
        """The context of the first; the others' count up. And the transaction to post them in."""
        _begin_payloads(self.c, self.encoder, context)
        if transaction is not None or self._has_transaction:
            self._has_transaction = transaction is not None
            self.c.transaction = ffi.NULL if transaction is None else transaction.c

    @property
    def posted(self) -> int:
        posted: int = self.c.posted
        return posted

    def skip(self) -> None:
        """Leaves out the next one, which cannot be sent."""
        self.c.posted += 1


class Outcomes:
    """Outcomes that were taken, of which one call at a time takes more."""

    __slots__ = ("_unread", "_words", "c")

    def __init__(self) -> None:
        made = lib.crossing_outcomes_new()
        if made == ffi.NULL:
            raise MemoryError
        self.c: Any = ffi.gc(made, lib.crossing_outcomes_free)
        self._words = memoryview(ffi.buffer(made.runs)).cast("B").cast("Q")
        self._unread: list[int] = []

    def next_run(self) -> list[int] | None:
        """The five numbers of a run (crossing_run); None for no more. One at a time: a handler of a signal may raise in between."""
        unread = self._unread
        if not unread:
            c = self.c
            if c.run_count == 0:
                return None
            unread[:] = self._words[: 5 * c.run_count].tolist()
            c.run_count = 0
        run = unread[-5:]
        del unread[-5:]
        return run

    def forget_run(self) -> None:
        """The one run was read from the result."""
        self.c.run_count = 0

    @property
    def are_all(self) -> bool:
        """Whether there were no more."""
        return bool(self.c.count < OUTCOMES_MAX)

    def detail(self, index: int) -> Detail:
        """What a run says by its detail."""
        said = self.c.details[index - 1]
        condition, description = _text(said.condition) or None, _text(said.description) or None
        return Detail(condition, description, said.delivery_failed, said.undeliverable_here)


class SenderHandle(_LinkHandle):
    """A sender of the C library. options: members of amqpc_sender_options."""

    __slots__ = ()
    _address = lib.amqpc_sender_address
    _get_error = lib.amqpc_sender_get_error
    _new = lib.crossing_sender_new
    _free = lib.crossing_sender_free

    def __init__(self, client: ClientHandle, address: bytes | None, options: dict[str, Any], terms: Terms) -> None:
        chosen, kept = _options("amqpc_sender_options", lib.amqpc_sender_options_init, options)
        made = self._make(client, address, chosen, terms)
        del kept
        self._link = lib.crossing_sender_get(made)

    def post(self, payloads: Payloads, moves: bool) -> int:
        status: int = _post(self._c, payloads.c, moves)
        return status

    def wait_post(self, payloads: Payloads, timeout_ms: int) -> int:
        status: int = lib.crossing_wait_post(self._c, payloads.c, timeout_ms)
        return status

    def wait_send(self, payloads: Payloads, outcomes: Outcomes, context: int, timeout_ms: int) -> int:
        """Posts a batch, and waits for outcomes: -1 minus the context of one message that is accepted; otherwise what is left to do
        tells `payloads.posted`, and a status of posting or what wait_outcomes gives."""
        result: int = _wait_send(self._c, payloads.c, payloads.encoder, outcomes.c, context, timeout_ms)
        return result

    def take_outcomes(self, outcomes: Outcomes, moves: bool) -> int:
        """A status; or -1 minus the context of the one message whose outcome, that it is accepted, was taken."""
        result: int = _take_outcomes(self._c, outcomes.c, moves)
        return result

    def wait_outcomes(self, outcomes: Outcomes, timeout_ms: int) -> int:
        """As take_outcomes."""
        result: int = _wait_outcomes(self._c, outcomes.c, timeout_ms)
        return result

    def credit(self) -> int:
        credit: int = lib.amqpc_sender_credit(self._link)
        return credit


class ReceiverHandle(_LinkHandle):
    """A receiver of the C library. options: members of amqpc_receiver_options; mode: CROSSING_ bits."""

    __slots__ = ("_batch", "_mode")
    _address = lib.amqpc_receiver_address
    _get_error = lib.amqpc_receiver_get_error
    _new = lib.crossing_receiver_new
    _free = lib.crossing_receiver_free

    def __init__(self, client: ClientHandle, address: bytes | None, options: dict[str, Any], terms: Terms, mode: int) -> None:
        chosen, kept = _options("amqpc_receiver_options", lib.amqpc_receiver_options_init, options)
        made = self._make(client, address, chosen, terms)
        del kept
        self._link = made.receiver
        self._mode = mode
        self._batch = new_batch(mode)

    def receive(self, count: int, moves: bool) -> tuple[int, list[ReceivedMessage], DecodeError | None]:
        """Takes messages, up to `count` and to BATCH_MESSAGES. The exception is of the next one, where there are none before it."""
        batch = self._batch
        batch.messages_max = min(count, BATCH_MESSAGES)
        output = take_output()
        try:
            status = lib.crossing_receive(self._c, output.handle, batch, moves)
            if status != OK:
                return status, [], None
            if batch.status != OK:
                return OK, [], _undecodable(output, batch)
            flags = batch.flags
            return OK, messages_of(output.read_messages(flags), flags, self._mode), None
        finally:
            return_output(output)

    def settle(self, first: int, last: int, state_type: int) -> int:
        status: int = _settle(self._link, first, last, state_type)
        return status

    def accepting(self, kick: Callable[[], None] | None) -> Callable[[Any], int]:
        """A function that accepts one message, which came by this handle, in as few steps as can be. It keeps the handle.

        NOT_FOUND: there is nothing to accept by its number, or it is no single message.
        """
        receiver = self._c

        def accept(message: Any) -> int:
            try:
                number = message.delivery_number
            except AttributeError:
                return NOT_FOUND
            if number is None:
                return NOT_FOUND
            status: int = _accept(receiver, number)
            if kick is not None:
                kick()
            return status

        return accept

    def settle_in(self, first: int, last: int, transaction: TransactionHandle, state_type: int) -> int:
        status: int = lib.amqpc_receiver_settle_in(self._link, first, last, transaction.c, state_type)
        return status

    def update_in(self, first: int, last: int, transaction: TransactionHandle, outcome: bytes) -> int:
        status: int = lib.crossing_update_in(self._link, first, last, transaction.c, outcome, len(outcome))
        return status

    def reject(self, first: int, last: int, condition: bytes, description: bytes | None, info: bytes) -> int:
        said = ffi.new("crossing_error *")
        kept = []
        for part, data in ((said.condition, condition), (said.description, description), (said.info, info)):
            if data is not None:
                kept.append(ffi.from_buffer(data))
                part.data = kept[-1]
                part.size = len(data)
        status: int = lib.crossing_reject(self._link, first, last, said)
        del kept
        return status

    def modify(self, first: int, last: int, delivery_failed: bool, undeliverable_here: bool, annotations: bytes) -> int:
        said = ffi.new("amqpc_bytes *")
        kept = ffi.from_buffer(annotations)
        said.data = kept
        said.size = len(annotations)
        status: int = lib.crossing_modify(self._link, first, last, delivery_failed, undeliverable_here, said)
        return status

    def add_credit(self, count: int) -> int:
        status: int = lib.amqpc_receiver_add_credit(self._link, count)
        return status

    def set_prefetch(self, count: int) -> int:
        status: int = lib.amqpc_receiver_set_prefetch(self._link, count)
        return status


class RequesterHandle:
    """A requester of the C library."""

    __slots__ = ("_batch", "_c", "_requester")

    def __init__(self, client: ClientHandle, address: bytes | None) -> None:
        status = ffi.new("int *")
        made = lib.crossing_requester_new(client.owner, ffi.NULL if address is None else address, status)
        if made == ffi.NULL:
            raise failure(status[0])
        self._batch = new_batch(0)
        self._c: Any = ffi.gc(made, lib.crossing_requester_free)
        self._requester: Any = made.requester

    def request(self, payload: bytes, moves: bool) -> tuple[int, int]:
        """Sends a request: a status, and what stands for it."""
        identity = ffi.new("uint64_t *")
        status = lib.crossing_request(self._c, payload, len(payload), moves, identity)
        return status, identity[0]

    def wait_request(self, payload: bytes, timeout_ms: int) -> tuple[int, int]:
        identity = ffi.new("uint64_t *")
        status = lib.crossing_wait_request(self._c, payload, len(payload), timeout_ms, identity)
        return status, identity[0]

    def reply(self, identity: int, moves: bool) -> tuple[int, Any]:
        """Takes a reply: a status, and the delivery."""
        delivery = ffi.new("amqpc_delivery *")
        return lib.crossing_reply(self._c, identity, moves, delivery), delivery

    def wait_reply(self, identity: int, timeout_ms: int) -> tuple[int, Any]:
        delivery = ffi.new("amqpc_delivery *")
        return lib.crossing_wait_reply(self._c, identity, timeout_ms, delivery), delivery

    def read(self, delivery: Any) -> ReceivedMessage:
        """The message of a reply, whose delivery is released. Raises DecodeError."""
        batch = self._batch
        try:
            output = take_output()
            try:
                lib.crossing_decode_deliveries(output.handle, delivery, 1, batch)
                if batch.status != OK:
                    raise _undecodable(output, batch)
                flags = batch.flags
                return messages_of(output.read_messages(flags), flags, 0)[0]
            finally:
                return_output(output)
        finally:
            lib.amqpc_delivery_release(delivery)

    def forget(self, identity: int) -> None:
        lib.amqpc_requester_forget(self._requester, identity)

    def error(self) -> AmqpError | None:
        said = ffi.new("amqpc_client_error *")
        return error_of(said) if lib.amqpc_requester_get_error(self._requester, said) == OK else None
