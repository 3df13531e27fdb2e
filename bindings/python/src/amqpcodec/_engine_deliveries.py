"""The two kinds of links of a connection without I/O: senders and receivers (AMQP 2.6.12, 3.4, part 4)."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, Union

from amqpcodec._codec import encode_message, encode_messages
from amqpcodec._composite import Composite
from amqpcodec._composites import Accepted, Declare, Discharge, Error, Modified, Rejected, Released
from amqpcodec._crossing import LAZY, TYPED, batch_failure, ffi, lib, new_batch, return_output, take_output
from amqpcodec._engine_calls import copy_struct, new_struct, read_encoded, state_argument
from amqpcodec._engine_links import BATCH, Delivery, Link
from amqpcodec._errors import DecodeError
from amqpcodec._library import Buffer, bytes_argument, bytes_of
from amqpcodec._message import Message
from amqpcodec._received import ReceivedMessage, messages_of
from amqpcodec._status import Status

# What a receiver settles: a message, one that did not decode, or a number.
One = Union[ReceivedMessage, Delivery, DecodeError, int]


class Sender(Link):
    """A link that sends. `Session.sender` makes one, or the peer's attach, `EventType.LINK_ATTACH`."""

    __slots__ = ()

    @property
    def credit(self) -> int:
        """How many deliveries the receiver still takes."""
        return self.flow.credit

    def send(self, message: Any, *, settled: bool = False, tag: bytes = b"", state: Any = None, batchable: bool = False) -> int:
        """Sends one message (AMQP 2.7.5). Returns the number that stands for the delivery in updates and calls.

        message    a Message, a ReceivedMessage, or what may be the body of one
        settled    the delivery is forgotten when it is sent; must agree with the link's snd_settle_mode
        tag        1 to 32 bytes, unique among the link's unsettled deliveries; empty: one is made
        state      at the sender, a `TransactionalState` to post in a transaction; None for none
        batchable  the receiver may wait and tell the states of several deliveries at once

        Raises LinkError, with status NO_CREDIT where the receiver wants no more for now: go on at LINK_FLOW; LIMIT_REACHED where too
        much waits: go on at UPDATES, or when output has gone; MESSAGE_TOO_LARGE for the peer; INVALID_STATE where the link is not
        attached. Raises EncodeError for a message that cannot be encoded.
        """
        payload = encode_message(message_of(message))
        return self.send_payload(payload, settled=settled, tag=tag, state=state, batchable=batchable)

    def send_payload(
        self,
        payload: Buffer,
        *,
        settled: bool = False,
        tag: bytes = b"",
        state: Any = None,
        batchable: bool = False,
        message_format: int = 0,
    ) -> int:
        """Sends bytes that are encoded already, of whatever message-format; otherwise as `send`."""
        options, kept = self._options(settled, tag, state, message_format, batchable)
        given, kept_payload = bytes_argument(payload)
        number = ffi.new("uint64_t *")
        self._check(lib.amqpc_link_send(self._live(), given, options, number), "send")
        del kept, kept_payload
        return int(number[0])

    def send_batch(self, messages: Iterable[Any], *, settled: bool = False, batchable: bool = True) -> list[int]:
        """Sends messages one after the other, as many as `send` would take now; a message may be whatever `send` takes.

        Returns their numbers: fewer than there are messages where credit has run out, or too much waits. Raises LinkError where
        none was sent for another reason than these.
        """
        return self.send_payloads(encode_messages(map(message_of, messages)), settled=settled, batchable=batchable)

    def send_payloads(self, payloads: Iterable[Buffer], *, settled: bool = False, batchable: bool = True) -> list[int]:
        """Sends deliveries that are encoded already; otherwise as `send_batch`."""
        sources = [ffi.from_buffer(payload) for payload in payloads]
        views = ffi.new("amqpc_bytes[]", len(sources))
        for view, source in zip(views, sources):
            view.data, view.size = source, len(source)
        options, kept = self._options(settled, b"", None, 0, batchable)
        sent, first = ffi.new("size_t *"), ffi.new("uint64_t *")
        status = lib.amqpc_link_send_batch(self._live(), views, len(sources), options, sent, first)
        del kept, sources
        if status not in (Status.NO_CREDIT, Status.LIMIT_REACHED) and not sent[0]:
            self._check(status, "send_batch")
        # The low 32 bits count up, and wrap.
        high, low = int(first[0]) >> 32 << 32, int(first[0])
        return [high | (low + i & 0xFFFFFFFF) for i in range(sent[0])]

    def send_start(self, *, settled: bool = False, tag: bytes = b"", state: Any = None, message_format: int = 0) -> int:
        """Begins a delivery that is sent in pieces, by `send_chunk`; otherwise as `send`."""
        options, kept = self._options(settled, tag, state, message_format, False)
        number = ffi.new("uint64_t *")
        self._check(lib.amqpc_link_send_start(self._live(), options, number), "send_start")
        del kept
        return int(number[0])

    def send_chunk(self, chunk: Buffer) -> None:
        """Sends a piece. Where it raises LinkError with LIMIT_REACHED nothing was taken: later again."""
        given, kept = bytes_argument(chunk)
        self._check(lib.amqpc_link_send_chunk(self._live(), given), "send_chunk")
        del kept

    def send_finish(self) -> None:
        """Ends the delivery that `send_start` began."""
        self._check(lib.amqpc_link_send_finish(self._live()), "send_finish")

    def send_abort(self) -> None:
        """Gives the delivery up (AMQP 2.7.5). It is settled; no update comes."""
        self._check(lib.amqpc_link_send_abort(self._live()), "send_abort")

    def set_available(self, count: int) -> None:
        """How many deliveries it would send if it could; told by the next flow."""
        self._check(lib.amqpc_link_set_available(self._live(), count), "set_available")

    def drained(self) -> None:
        """Answers drain: there is nothing more to send; the credit that is left is given back."""
        self._check(lib.amqpc_link_drained(self._live()), "drained")

    def declare(self, global_id: Any = None) -> int:
        """Begins a transaction (AMQP 4.2), on a link attached with ``target=Coordinator()``.

        Returns the delivery's number; its update brings the state `Declared` with the ``txn_id``.
        """
        number = ffi.new("uint64_t *")
        struct, kept = new_struct(Declare(global_id))
        self._check(lib.amqpc_link_declare(self._live(), struct, ffi.NULL, number), "declare")
        del kept
        return int(number[0])

    def discharge(self, txn_id: bytes, *, fail: bool = False) -> int:
        """Ends a transaction (AMQP 4.3): commits it, or rolls it back with ``fail=True``.

        Returns the delivery's number; its update says how it went: `Accepted`, or `Rejected` with the error.
        """
        number = ffi.new("uint64_t *")
        given, kept = bytes_argument(txn_id)
        self._check(lib.amqpc_link_discharge(self._live(), given, fail, ffi.NULL, number), "discharge")
        del kept
        return int(number[0])

    def _options(self, settled: bool, tag: bytes, state: Any, message_format: int, batchable: bool) -> tuple[Any, Any]:
        options = ffi.new("amqpc_send_options *")
        lib.amqpc_send_options_init(options, ffi.sizeof("amqpc_send_options"))
        options.settled = settled
        options.batchable = batchable
        options.message_format = message_format
        options.tag, kept_tag = bytes_argument(tag)
        value, kept_state = state_argument(state)
        options.state = value
        return options, (kept_tag, value, kept_state)


class Receiver(Link):
    """A link that receives. `Session.receiver` makes one, or the peer's attach, `EventType.LINK_ATTACH`.

    Nothing arrives without credit: `set_prefetch` keeps it topped up, `add_credit` gives exactly as much as it says.
    """

    __slots__ = ("_waiting",)
    _IS_RECEIVER = True

    def __init__(self, session: Any, handle: Any) -> None:
        super().__init__(session, handle)
        # Deliveries behind one that did not decode.
        self._waiting: deque[Delivery] = deque()

    def receive(self, count: int = BATCH, *, typed: bool = False, lazy: bool = False) -> list[ReceivedMessage]:
        """Takes up to `count` messages that have arrived, in order; none where there are none.

        typed, lazy: as of `amqpcodec.decode_message`

        Raises DecodeError: the next message is malformed. The exception may be given to `reject`; receiving goes on
        behind it.
        """
        mode = (TYPED if typed else 0) | (LAZY if lazy else 0)
        if self._waiting:
            return self._receive_waiting(count, mode)
        found, given = self._take(count)
        messages, taken, error = decoded(found, given, mode)
        try:
            self._waiting.extend(delivery_of(found[i]) for i in range(taken, given))
        finally:
            lib.amqpc_deliveries_release(found, given)
        if error is not None and not messages:
            self._waiting.popleft()
            raise error
        return messages

    def receive_deliveries(self, count: int = BATCH) -> list[Delivery]:
        """Takes up to `count` deliveries that have arrived, in order, as they are: their payloads are not decoded."""
        deliveries = [self._waiting.popleft() for _ in range(min(count, len(self._waiting)))]
        found, given = self._take(count - len(deliveries))
        try:
            deliveries += [delivery_of(found[i]) for i in range(given)]
        finally:
            lib.amqpc_deliveries_release(found, given)
        return deliveries

    def _take(self, count: int) -> tuple[Any, int]:
        """Deliveries that the caller has to release, and how many."""
        found = ffi.new("amqpc_delivery[]", max(count, 0))
        given = ffi.new("size_t *")
        if count > 0:
            self._check(lib.amqpc_link_receive(self._live(), found, count, given), "receive")
        return found, int(given[0])

    def _receive_waiting(self, count: int, mode: int) -> list[ReceivedMessage]:
        """The messages behind one that was malformed, from the copies that were kept of them."""
        waiting = [self._waiting[i] for i in range(min(count, len(self._waiting)))]
        found, kept = ffi.new("amqpc_delivery[]", len(waiting)), []
        for struct, delivery in zip(found, waiting):
            struct.number, struct.settled = delivery.number, delivery.settled
            struct.payload, kept_payload = bytes_argument(delivery.payload)
            struct.tag, kept_tag = bytes_argument(delivery.tag)
            kept += [kept_payload, kept_tag]
        messages, taken, error = decoded(found, len(waiting), mode)
        for _ in range(taken if messages else 1):
            self._waiting.popleft()
        if error is not None and not messages:
            raise error
        return messages

    def add_credit(self, count: int) -> None:
        """Lets the sender send `count` more deliveries. Legal before the link is attached."""
        self._check(lib.amqpc_link_add_credit(self._live(), count), "add_credit")

    def set_prefetch(self, count: int) -> None:
        """Keeps credit and deliveries that were not taken yet at `count` together; 0 ends that, without taking credit back."""
        self._check(lib.amqpc_link_set_prefetch(self._live(), count), "set_prefetch")

    def drain(self) -> None:
        """Asks the sender to use the credit up or give it back; LINK_FLOW tells when it is gone. Ends the prefetch.

        Some peers never answer: wait for a while, not for ever.
        """
        self._check(lib.amqpc_link_drain(self._live()), "drain")

    def withdraw_credit(self) -> None:
        """Takes back all credit that is not used yet, without waiting for the sender. Ends the prefetch."""
        self._check(lib.amqpc_link_withdraw_credit(self._live()), "withdraw_credit")

    def set_streaming(self, streaming: bool) -> None:
        """Takes deliveries piece by piece, by `receive_deliveries`; to be set before the first arrives."""
        self._check(lib.amqpc_link_set_streaming(self._live(), streaming), "set_streaming")

    # --- Settling.

    def accept(self, messages: One | Iterable[One]) -> None:
        """Settles a message, or several, or their numbers, as accepted. What is settled already is passed over."""
        self._settle_all(messages, Accepted())

    def release(self, messages: One | Iterable[One]) -> None:
        """Settles messages as released: they were not, and will not be, acted upon."""
        self._settle_all(messages, Released())

    def reject(self, messages: One | Iterable[One], error: Error | None = None) -> None:
        """Settles messages as rejected: they are invalid."""
        self._settle_all(messages, Rejected(error))

    def modify(
        self,
        messages: One | Iterable[One],
        *,
        delivery_failed: bool | None = None,
        undeliverable_here: bool | None = None,
        message_annotations: Mapping[Any, Any] | None = None,
    ) -> None:
        """Settles messages as modified: they are to be delivered again, changed (AMQP 3.4.5)."""
        state = Modified(delivery_failed, undeliverable_here=undeliverable_here, message_annotations=message_annotations)
        self._settle_all(messages, state)

    def _settle_all(self, messages: One | Iterable[One], state: Composite) -> None:
        value, kept = state_argument(state)
        handle = self._live()
        for first, last in runs(numbers_of(messages)):
            status = lib.amqpc_link_update(handle, first, last, value, True)
            if status != Status.NOT_FOUND:
                self._check(status, "settle")
        del kept

    # --- Transactions: the resource's end of a link to a coordinator.

    def transaction_request(self, delivery: Delivery) -> Declare | Discharge:
        """What a controller asks (AMQP 4.2, 4.3). A declare is answered by ``settle(number, state=Declared(txn_id))``, a
        discharge by `accept`.

        Raises DecodeError: it asks for neither; `refuse_request` answers it with the error's status.
        """
        found = ffi.new("amqpc_delivery *")
        given, kept = bytes_argument(delivery.payload)
        found.number, found.message_format, found.settled = delivery.number, delivery.message_format, delivery.settled
        found.more, found.aborted, found.payload = delivery.more, delivery.aborted, given
        request = ffi.new("amqpc_transaction_request *")
        status = lib.amqpc_link_transaction_request(self._live(), found, request)
        if 100 <= status < 500:
            text = f"no request to a coordinator: {Status.of(status).text}"
            raise DecodeError(text, status=status, data=delivery.payload, kind="message")
        self._check(status, "transaction_request")
        del kept
        kind: type[Declare | Discharge] = Declare if request.type == lib.AMQPC_COMPOSITE_DECLARE else Discharge
        return copy_struct(kind, ffi.addressof(getattr(request, "as"), kind.NAME))

    def refuse_request(self, number: int, status: int) -> None:
        """Refuses a declare or a discharge: rejects it, or closes the link, with the status's condition."""
        self._check(lib.amqpc_link_refuse_request(self._live(), number, int(status)), "refuse_request")


def message_of(sendable: Any) -> Any:
    """The message that is sent for something."""
    return sendable if isinstance(sendable, (Message, ReceivedMessage)) else Message(sendable)


def decoded(found: Any, count: int, mode: int) -> tuple[list[ReceivedMessage], int, DecodeError | None]:
    """The messages of deliveries, up to the first that is malformed; how many there are; and what is wrong with that one."""
    batch = new_batch(mode)
    messages: list[ReceivedMessage] = []
    while len(messages) < count:
        output = take_output()
        try:
            lib.crossing_decode_deliveries(output.handle, found + len(messages), count - len(messages), batch)
            if batch.status:
                return messages, len(messages), batch_failure(output, batch)[0]
            tuples = output.read_messages(batch.flags)
        finally:
            return_output(output)
        messages += messages_of(tuples, batch.flags, mode)
    return messages, len(messages), None


def delivery_of(found: Any) -> Delivery:
    """A copy of an amqpc_delivery."""
    return Delivery(
        int(found.number),
        int(found.delivery_id),
        bytes_of(found.tag),
        int(found.message_format),
        bool(found.settled),
        bool(found.more),
        bool(found.aborted),
        bool(found.resumed),
        bytes_of(found.payload),
        read_encoded(found.state),
    )


def numbers_of(messages: One | Iterable[One]) -> list[int]:
    """The numbers of deliveries."""
    if isinstance(messages, (ReceivedMessage, Delivery, DecodeError, int)):
        return [number_of(messages)]
    return [number_of(one) for one in messages]


def number_of(one: One) -> int:
    """The number of a delivery."""
    number: int | None = None
    if isinstance(one, int):
        number = one
    elif isinstance(one, Delivery):
        number = one.number
    elif isinstance(one, (ReceivedMessage, DecodeError)):
        number = one.delivery_number
    else:
        raise TypeError(f"what was received can be settled, not {type(one).__name__}")
    if number is None:
        raise ValueError("only messages that were received can be settled")
    return number


def runs(numbers: list[int]) -> list[tuple[int, int]]:
    """Numbers as ranges: a thousand that follow each other are settled by one call."""
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
