"""What is done while allocations fail: for failing_allocations.py. Each scenario gives what it has found."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import Any

import amqpcodec
from amqpcodec import Message, Symbol, _crossing, _encode_marshal
from amqpcodec import performatives as p
from client_fixtures import PATIENCE_S
from failing_allocations import PYPY, Failing
from pair import Pair

_url = ""

# Of every growing piece of memory more than it begins with: nested, shared, many, long, and larger than the window.
_SHARED = {"key": "a text that is there often", "list": [1, 2.5, None, True]}
_NESTED = [[_SHARED, str(number), number, {"a": [number]}] for number in range(260)]
_TYPED = [Symbol("sym"), amqpcodec.UInt(7), amqpcodec.Array(amqpcodec.Int, [1, 2, 3]), amqpcodec.Described(Symbol("d"), [1])]
_LARGE = ["x" * 70_000, b"y" * 70_000]
_GROWING = [amqpcodec.ULong(0)] * 30_000  # of a byte each, which marshal writes with five
_VALUES = (_NESTED, [_TYPED] * 30, _LARGE, list(range(3000)))


@contextlib.contextmanager
def prepared(arguments: list[str]) -> Iterator[None]:
    """arguments: the URL of a broker, of scenarios that have one."""
    global _url
    _url = "".join(arguments)
    yield


def forget() -> None:
    """Frees what the package keeps for the next use."""
    _crossing._outputs.clear()
    _encode_marshal._free.clear()
    if PYPY:
        from amqpcodec import _encode_pypy

        _encode_pypy._free.clear()


def _message(number: int, body: Any) -> Message:
    return Message(
        body,
        durable=True,
        message_id=number,
        subject=f"subject {number}",
        message_annotations={"x-opt-a": Symbol("b"), "x-opt-n": number},
        application_properties={"number": number, "text": "a text that is there often"},
        footer={"x-opt-f": 1.5},
    )


def _messages() -> list[Message]:
    """More than are encoded, or decoded, in one call."""
    bodies = [b"data", "text", amqpcodec.Sequence([1], [_TYPED]), amqpcodec.Data([b"a", b"b" * 1000])]
    large = [_NESTED, b"z" * 100_000, _GROWING]
    return [_message(number, body) for number, body in enumerate(bodies * 17 + large)]


# --- The codec.


def encoding_values(failing: Failing) -> Any:
    with failing:
        return [amqpcodec.encode(value) for value in _VALUES]


def encoding_a_message(failing: Failing) -> Any:
    with failing:
        return [amqpcodec.encode_message(message) for message in _messages()[-7:]]


def encoding_messages(failing: Failing) -> Any:
    with failing:
        return amqpcodec.encode_messages(_messages())


_ENCODED_VALUES = [amqpcodec.encode(value) for value in (*_VALUES, _GROWING)]
_ENCODED = amqpcodec.encode_messages(_messages())


def decoding_values(failing: Failing) -> Any:
    with failing:
        return [amqpcodec.decode(data) for data in _ENCODED_VALUES]


def decoding_messages(failing: Failing) -> Any:
    with failing:
        return amqpcodec.decode_messages(_ENCODED)


def decoding_messages_when_they_are_looked_at(failing: Failing) -> Any:
    with failing:
        return [message.body for message in amqpcodec.decode_messages(_ENCODED, lazy=True)]


_ROOM = 100  # a value needs less, a message more, however small it is


def _filled() -> list[bytes]:
    """Messages of one batch, of which the second leaves too little room for the third in an output that is new. The first has marks."""
    first, last = amqpcodec.encode_message(Message({"a": Symbol("b")})), amqpcodec.encode_message(Message("last"))
    filler = b""
    for _ in range(2):  # the size goes up by as much as the filler's
        second = amqpcodec.encode_message(Message([filler, *[amqpcodec.ULong(0)] * 24_000]))
        output, batch = _crossing.Output(), _crossing.new_batch(0)
        joined, sizes = first + second, _crossing._packed([len(first), len(second)])
        assert _crossing.lib.crossing_decode_joined(output.handle, joined, len(joined), sizes, 2, 0, batch) == 2
        left = _crossing.lib.crossing_output_capacity(output.handle) - _crossing.lib.crossing_output_size(output.handle)
        filler += b"x" * (left - _ROOM)
    assert left == _ROOM
    return [first, second, last]


_FILLED = _filled()


def decoding_a_batch_that_ends_where_memory_does(failing: Failing) -> Any:
    with failing:
        return [message.body for message in amqpcodec.decode_messages(_FILLED)]


_FRAME = p.encode_frame(p.Open("container", properties={"key": [1, "two"]}), channel=0)


def printing(failing: Failing) -> Any:
    faulty = [(_ENCODED_VALUES[0][:-1], "value"), (_ENCODED[2][:-1], "message"), (_FRAME[:-1] + b"\0", "frame")]
    with failing:
        texts = [amqpcodec.explain(data, kind=kind) for data, kind in faulty]
        texts += [form(item) for form in (amqpcodec.to_text, amqpcodec.to_json) for item in (_SHARED, _message(1, _SHARED), p.Frame(p.Close()))]
        return [*texts, amqpcodec.dump(_FRAME)]


def reading_frames(failing: Failing) -> Any:
    with failing:
        parser = p.FrameParser(expect_header=False)
        for piece in (_FRAME[:5], _FRAME[5:], _FRAME * 3):
            parser.feed(piece)
        return [frame.encode() for frame in parser] + [p.decode_frame(_FRAME)[0].encode()]


# --- Connections without I/O.


def conversing(failing: Failing) -> Any:
    message = Message({"key": list(range(100))})
    with failing:
        pair = Pair()
        sender, receiver = pair.sender_and_receiver()
        number = sender.send(message)
        sender.send(b"x" * 200_000)
        pair.move()
        deliveries = receiver.receive_deliveries()
        receiver.accept(deliveries)
        pair.move()
        return number, [len(delivery.payload) for delivery in deliveries], [update.number for update in sender.updates()]


def receiving_bytes(failing: Failing) -> Any:
    """What could not be handled waits, and is not lost."""
    pair = Pair()
    sender, receiver = pair.sender_and_receiver()
    for size in (10, 200_000, 10):
        sender.send(b"x" * size)
    data = pair.client.data_to_send()
    with contextlib.suppress(MemoryError), failing:
        pair.server.receive_data(data[:100])
    with contextlib.suppress(MemoryError), failing:
        pair.server.receive_data(data[100:])
    pair.server.tick(0)
    return [len(delivery.payload) for delivery in receiver.receive_deliveries()]


# --- Clients.


def connecting(failing: Failing) -> Any:
    with failing, amqpcodec.connect(_url, reconnect=False) as connection:
        return connection.peer["product"]


def making_links(failing: Failing) -> Any:
    with amqpcodec.connect(_url) as connection:
        with failing:
            receiver = connection.receiver("links", filters=amqpcodec.filters.selector("number = 1"), properties={"key": "value"})
            sender = connection.sender("links", properties={"key": "value"}, target=amqpcodec.Target(capabilities=[Symbol("queue")]))
            sender.wait_open()
            receiver.wait_open()
            connection.requester("links").close()
        sender.wait_open()  # where the connection was lost for want of memory, it comes back
        return sender.address


def sending(failing: Failing) -> Any:
    with amqpcodec.connect(_url) as connection, connection.sender("sending") as sender:
        sender.wait_open()
        with failing:
            sender.post("one")
            return [outcome.state for outcome in sender.send_many(_messages())]


def _queued(connection: Any, name: str, messages: list[Message]) -> None:
    with connection.sender(name) as sender:
        sender.send_many(messages)


def receiving(failing: Failing) -> Any:
    """Whatever fails on the way, all messages come."""
    sent = [_message(number, [b"data", "text", _NESTED, b"z" * 100_000][number % 4]) for number in range(12)]
    received: list[Any] = []
    with amqpcodec.connect(_url) as connection, connection.receiver(name := f"receiving {uuid.uuid4()}", credit=20) as receiver:
        _queued(connection, name, sent)
        with contextlib.suppress(MemoryError), failing:
            while len(received) < len(sent):
                received += receiver.receive_batch(5, timeout=PATIENCE_S)
        while len(received) < len(sent):
            more = receiver.receive_batch(5, timeout=PATIENCE_S)
            assert more, f"failure of allocation {failing.first}: of {len(sent)} messages {len(received)} have come"
            received += more
        receiver.accept(received)
    return [message.message_id for message in received]


def settling(failing: Failing) -> Any:
    """Rejected with details, and modified with annotations."""
    with amqpcodec.connect(_url) as connection, connection.receiver(name := f"settling {uuid.uuid4()}") as receiver:
        _queued(connection, name, [Message(number) for number in range(4)])
        first, second, third, fourth = (receiver.receive(timeout=PATIENCE_S) for _ in range(4))
        with failing:
            receiver.reject(first, condition="amqp:test", description="no", info={"key": [1, 2]})
            receiver.modify(second, delivery_failed=True, message_annotations={"x-opt-key": "value"})
            receiver.release(third)
            receiver.accept(fourth)


def requesting(failing: Failing) -> Any:
    """Somebody answers, in another process."""
    with amqpcodec.connect(_url) as connection, failing:
        return connection.requester("requests").call("question").body


def beginning_a_transaction(failing: Failing) -> Any:
    """Of a broker that has none."""
    with amqpcodec.connect(_url) as connection, failing:
        with contextlib.suppress(amqpcodec.LinkError):
            connection.transaction().declare()
        return None
