"""Decoding messages: sections, lazily and at once, many in a row, and from deliveries."""

from __future__ import annotations

import copy
import datetime
import gc
import pickle
import sys
import uuid
from typing import Any

import pytest
from amqpcodec import DecodeError, ReceivedMessage, Status, _crossing, _received, decode_message, decode_messages
from amqpcodec._crossing import LAZY, TYPED, VIEWS, ffi, lib
from amqpcodec._types import Symbol, Timestamp, UInt
from deliveries import Receiver
from vectors import MESSAGES

MODES = [(typed, lazy) for typed in (False, True) for lazy in (False, True)]


def sized(code: str, *items: str, count: int | None = None) -> str:
    """A list, map or binary of one byte of size, in hexadecimal."""
    content = "".join(items)
    number = len(items) if count is None else count
    return f"{code}{len(content) // 2 + 1:02x}{number:02x}{content}"


def text(code: str, value: str) -> str:
    return f"{code}{len(value):02x}{value.encode().hex()}"


HEADER = "005370" + sized("c0", "41", "5009", "700000ea60", "42", "5203")
DELIVERY_ANNOTATIONS = "005371" + sized("c1", text("a3", "x-d"), text("a1", "abc"))
MESSAGE_ANNOTATIONS = "005372" + sized("c1", text("a3", "x-m"), "5407", "5305", "41")
IDENTITY = uuid.UUID(bytes=bytes(range(16)))
PROPERTIES = "005373" + sized(
    "c0", "80000000000000002a", text("a0", "usr"), text("a1", "to"), text("a1", "subject"), text("a1", "reply"), "98" + IDENTITY.hex,
    text("a3", "text/plain"), text("a3", "utf8"), "830000018bcfe56800", "837fffffffffffffff", text("a1", "group"), "520c", text("a1", "answers"),
)  # fmt: skip
APPLICATION_PROPERTIES = "005374" + sized("c1", text("a1", "k"), text("a1", "v"), text("a1", "s"), text("a3", "name"))
DATA = "005375" + text("a0", "body")
FOOTER = "005378" + sized("c1", text("a3", "sum"), "5401")
FULL = bytes.fromhex(HEADER + DELIVERY_ANNOTATIONS + MESSAGE_ANNOTATIONS + PROPERTIES + APPLICATION_PROPERTIES + DATA + FOOTER)
ALL = {
    "durable": True,
    "priority": 9,
    "ttl": 60000,
    "first_acquirer": False,
    "delivery_count": 3,
    "delivery_annotations": {"x-d": "abc"},
    "message_annotations": {"x-m": 7, 5: True},
    "message_id": 42,
    "user_id": b"usr",
    "to": "to",
    "subject": "subject",
    "reply_to": "reply",
    "correlation_id": IDENTITY,
    "content_type": "text/plain",
    "content_encoding": "utf8",
    "absolute_expiry_time": datetime.datetime(2023, 11, 14, 22, 13, 20, tzinfo=datetime.timezone.utc),
    "creation_time": Timestamp(2**63 - 1),
    "group_id": "group",
    "group_sequence": 12,
    "reply_to_group_id": "answers",
    "application_properties": {"k": "v", "s": Symbol("name")},
    "body": b"body",
    "footer": {"sum": 1},
    "body_kind": "data",
    "delivery_number": None,
    "delivery_tag": None,
    "settled": None,
}


@pytest.mark.parametrize(("typed", "lazy"), MODES)
def test_every_field_is_there(typed: bool, lazy: bool) -> None:
    message = decode_message(FULL, typed=typed, lazy=lazy)
    assert {name: getattr(message, name) for name in ALL} == ALL
    assert type(message.content_type) is type(message.to) is str
    assert type(message.application_properties["s"]) is Symbol
    assert type(message.message_annotations["x-m"]).__name__ == ("Int" if typed else "int")
    assert [type(key) for key in message.message_annotations] == [str, int]
    assert type(message.message_id) is int
    assert isinstance(message, ReceivedMessage)


@pytest.mark.parametrize(("typed", "lazy"), MODES)
def test_every_field_alone(typed: bool, lazy: bool) -> None:
    sections = {
        HEADER: ("durable", "priority", "ttl", "first_acquirer", "delivery_count"),
        MESSAGE_ANNOTATIONS: ("message_annotations",),
        APPLICATION_PROPERTIES: ("application_properties",),
        FOOTER: ("footer",),
    }
    for section, names in sections.items():
        message = decode_message(bytes.fromhex(section), typed=typed, lazy=lazy)
        for name, wanted in ALL.items():
            assert getattr(message, name) == (wanted if name in names else None)
    names = _received.NAMES[7:20]
    for place, code in enumerate(("98" + IDENTITY.hex, "a00178", *["a10178"] * 3, "8007" + "00" * 7, *["a30178"] * 2)):
        message = decode_message(bytes.fromhex("005373" + sized("c0", *["40"] * place, code)), typed=typed, lazy=lazy)
        assert [getattr(message, name) for name in names[:place]] == [None] * place
        assert getattr(message, names[place]) in (IDENTITY, b"x", "x", 7 << 56)
        assert [getattr(message, name) for name in names[place + 1 :]] == [None] * (12 - place)


@pytest.mark.parametrize(("typed", "lazy"), MODES)
@pytest.mark.parametrize(
    ("sections", "kind", "body"),
    [
        (DATA, "data", b"body"),
        (DATA + DATA, "data", [b"body", b"body"]),
        ("005375a000", "data", b""),
        ("005376c003024142", "sequence", [True, False]),
        ("005376450053764500537645", "sequence", [[], [], []]),
        ("00537740", "value", None),
        ("005377a100", "value", ""),
        ("005377a00161", "value", b"a"),
        ("005377c10502a1016b41", "value", {"k": True}),
        ("", None, None),
    ],
)
def test_bodies(sections: str, kind: str | None, body: Any, typed: bool, lazy: bool) -> None:
    message = decode_message(bytes.fromhex(HEADER + sections), typed=typed, lazy=lazy)
    assert message.body == body
    assert type(message.body) is type(body)
    assert message.body_kind == kind
    assert message.durable is True


def test_vectors_decode_in_every_mode() -> None:
    assert len(MESSAGES) > 50
    for vector in MESSAGES:
        for typed, lazy in MODES:
            if vector.status == "ok":
                message = decode_message(vector.data, typed=typed, lazy=lazy)
                assert repr(message) == repr(decode_message(vector.data, typed=typed))
                assert repr(decode_messages([vector.data], typed=typed, lazy=lazy)[0]) == repr(message)
                continue
            with pytest.raises(DecodeError) as caught:
                decode_message(vector.data, typed=typed, lazy=lazy)
            assert (caught.value.status.name, caught.value.offset) == (vector.status, vector.offset), vector.name
            assert caught.value.data == vector.data


def test_a_message_is_read_only_a_tuple_and_equal_by_content() -> None:
    message = decode_message(FULL)
    with pytest.raises(AttributeError):
        message.to = "elsewhere"
    with pytest.raises(AttributeError):
        decode_message(bytes.fromhex(DATA)).to = "elsewhere"
    assert len(message) == 27
    assert message[10] == "to"
    assert message[22] == b"body"
    assert list(message)[1:6] == [True, 9, 60000, False, 3]
    assert message == decode_message(FULL, lazy=True) == decode_messages([FULL])[0]
    assert message != decode_message(bytes.fromhex(DATA))
    assert message != FULL
    with pytest.raises(TypeError):
        hash(message)
    for made in (pickle.loads(pickle.dumps(message)), copy.copy(message), copy.deepcopy(message)):
        assert made == message
        assert isinstance(made, ReceivedMessage)
    assert "subject='subject'" in repr(message)
    assert "reply_to" not in repr(decode_message(bytes.fromhex(DATA)))


def test_a_value_of_bytes_is_no_data() -> None:
    assert decode_message(bytes.fromhex("005375a00161")) != decode_message(bytes.fromhex("005377a00161"))


@pytest.mark.parametrize(("typed", "lazy"), MODES)
def test_many_at_once_are_as_one_by_one(typed: bool, lazy: bool) -> None:
    payloads = [vector.data for vector in MESSAGES if vector.status == "ok"] * 4
    many = decode_messages(iter(payloads), typed=typed, lazy=lazy)
    assert [repr(message) for message in many] == [repr(decode_message(payload, typed=typed)) for payload in payloads]
    assert decode_messages([]) == []
    assert decode_messages([bytearray(FULL), memoryview(FULL)]) == [decode_message(FULL)] * 2
    of_integers = memoryview(bytes.fromhex("005375a007") + b"x" * 7).cast("I")
    assert [message.body for message in decode_messages([of_integers, FULL])] == [b"x" * 7, b"body"]


def test_many_at_once_raise_for_the_first_that_does_not_decode() -> None:
    for place in (0, 1, 63, 64, 99):
        payloads = [FULL] * 100
        payloads[place] = b"\x00\x53\x75\xa0\xff"
        with pytest.raises(DecodeError) as caught:
            decode_messages(payloads)
        assert caught.value.data == payloads[place]
    for wrong in (["text"], [FULL, 7], [FULL, None]):
        with pytest.raises(TypeError):
            decode_messages(wrong)


def test_repeated_strings_of_a_batch_are_one_object() -> None:
    first, second = decode_messages([FULL, FULL])
    assert first.to is second.to
    assert next(iter(first.application_properties)) is next(iter(second.application_properties))


def test_more_shapes_than_are_kept_decode_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_received, "_shapes", {_received._ALL_FIELDS: ReceivedMessage})
    monkeypatch.setattr(_received, "_SHAPES_MAX", 2)
    for section in (DATA, HEADER, PROPERTIES, FOOTER, HEADER + DATA):
        message = decode_message(bytes.fromhex(section))
        assert message.durable == (True if section.startswith(HEADER) else None)
        assert message.body == (b"body" if section.endswith(DATA) else None)
        assert repr(decode_messages([bytes.fromhex(section)])) == f"[{message!r}]"
    assert len(_received._shapes) == 2


def read(deliveries: Any, mode: int, **options: int) -> list[Any]:
    """All messages of the deliveries, or the exceptions of those that do not decode, batch by batch; and releases them."""
    batch = _crossing.new_batch(mode, **options)
    output = _crossing.Output()
    found: list[Any] = []
    first = 0
    while first < len(deliveries):
        taken = lib.crossing_decode_deliveries(output.handle, deliveries + first, len(deliveries) - first, batch)
        assert taken > 0
        if batch.status != Status.OK:
            assert taken == 1
            found.append(_crossing.batch_failure(output, batch))
        else:
            found += _received.messages_of(output.read_messages(batch.flags), batch.flags, mode)
        lib.amqpc_deliveries_release(deliveries + first, taken)
        first += taken
    return found


@pytest.mark.parametrize("mode", [0, TYPED, LAZY, TYPED | LAZY])
def test_deliveries(mode: int) -> None:
    receiver = Receiver()
    payloads = [FULL, bytes.fromhex(DATA), bytes.fromhex("005377c003024341")] * 30
    deliveries = receiver.receive(payloads)
    numbers = [delivery.number for delivery in deliveries]
    messages = read(deliveries, mode)
    assert [message.delivery_number for message in messages] == numbers
    assert [message.delivery_tag for message in messages] == [index.to_bytes(4, "big") for index in range(90)]
    assert all(message.settled is True for message in messages)
    typed = bool(mode & TYPED)
    assert messages == [decode_message(payload, typed=typed) for payload in payloads]
    assert type(messages[2].body[0]) is (UInt if typed else int)


@pytest.mark.parametrize("mode", [0, LAZY])
def test_a_delivery_that_does_not_decode_is_alone_and_loses_no_other(mode: int) -> None:
    receiver = Receiver()
    wrong = b"\x00\x53\x75\xa0\xff"
    payloads = [wrong, FULL, FULL, wrong, wrong, FULL, wrong]
    deliveries = receiver.receive(payloads)
    numbers = [delivery.number for delivery in deliveries]
    found = read(deliveries, mode)
    assert len(found) == len(payloads)
    for payload, number, item in zip(payloads, numbers, found):
        if payload == FULL:
            assert item == decode_message(FULL)
            assert item.delivery_number == number
            continue
        error, delivery = item
        assert isinstance(error, DecodeError)
        assert (error.status, error.offset, error.data) == (Status.TRUNCATED, 4, wrong)
        assert delivery[0] == number
        assert delivery[2] is True


def test_batches_have_limits() -> None:
    receiver = Receiver()
    deliveries = receiver.receive([bytes.fromhex("005375b000000400") + bytes(1024)] * 10)
    batch = _crossing.new_batch(0, messages=4, size=1 << 20)
    output = _crossing.Output()
    assert lib.crossing_decode_deliveries(output.handle, deliveries, 10, batch) == 4
    batch = _crossing.new_batch(0, messages=64, size=3000)
    assert lib.crossing_decode_deliveries(output.handle, deliveries, 10, batch) == 2
    batch = _crossing.new_batch(0, messages=64, size=1)
    assert lib.crossing_decode_deliveries(output.handle, deliveries, 10, batch) == 1
    assert lib.crossing_decode_deliveries(output.handle, deliveries, 0, batch) == 0
    assert output.read_messages(batch.flags) == []
    lib.amqpc_deliveries_release(deliveries, 10)


@pytest.mark.parametrize("lazy", [0, LAZY])
def test_row_109_a_memoryview_outlives_its_delivery(lazy: int) -> None:
    receiver = Receiver()
    sizes = (70000, 100, 200000)
    payloads = [bytes.fromhex("005375b0") + size.to_bytes(4, "big") + bytes([index]) * size for index, size in enumerate(sizes)]
    messages = read(receiver.receive(payloads), VIEWS | lazy)
    bodies = [message.body for message in messages]
    assert [type(body) for body in bodies] == [memoryview, bytes, memoryview]
    assert all(message.delivery_tag is not None for message in messages)
    part = bodies[2][1000:1010]
    assert bodies[0].readonly
    del messages, bodies
    ffi.gc(receiver.connection, None)
    lib.amqpc_connection_free(receiver.connection)
    gc.collect()
    junk = [bytes(200000) for _ in range(50)]
    assert bytes(part) == b"\x02" * 10
    del part, junk
    gc.collect()


@pytest.mark.parametrize("mode", [0, LAZY, TYPED])
def test_large_bodies_are_copied_once_and_their_deliveries_let_go(mode: int) -> None:
    receiver = Receiver()
    sizes = (70000, 100, 200000, 16384, 16383, 2048, 2047)
    payloads = [bytes.fromhex("005375b0") + size.to_bytes(4, "big") + bytes([index]) * size for index, size in enumerate(sizes)]
    messages = read(receiver.receive(payloads), mode)
    assert [message.body for message in messages] == [bytes([index]) * size for index, size in enumerate(sizes)]
    assert all(type(message.body) is bytes for message in messages)
    assert [message.delivery_tag[3] for message in messages] == list(range(7))
    statistics = ffi.new("amqpc_connection_statistics *", {"struct_size": ffi.sizeof("amqpc_connection_statistics")})
    lib.amqpc_connection_get_statistics(receiver.connection, statistics)
    assert statistics.retained_size == 0


def test_large_messages_are_decoded_among_small_ones() -> None:
    large = bytes.fromhex("005375b000030000") + bytes(196608)
    messages = decode_messages([FULL, large, bytearray(large), FULL, memoryview(large)])
    assert [len(message.body) for message in messages] == [4, 196608, 196608, 4, 196608]
    with pytest.raises(DecodeError):
        decode_messages([large, large, large[:-1]])
    with pytest.raises(TypeError):
        decode_messages([large, large, "text"])


def test_row_109_views_that_nobody_takes_are_freed() -> None:
    receiver = Receiver()
    payload = bytes.fromhex("005375b0") + (70000).to_bytes(4, "big") + bytes(70000)
    statistics = ffi.new("amqpc_connection_statistics *", {"struct_size": ffi.sizeof("amqpc_connection_statistics")})
    deliveries = receiver.receive([payload] * 3)
    batch = _crossing.new_batch(VIEWS)
    output = _crossing.Output()
    assert lib.crossing_decode_deliveries(output.handle, deliveries, 3, batch) == 1
    assert deliveries[0].storage == ffi.NULL
    assert lib.crossing_decode_deliveries(output.handle, deliveries + 1, 2, batch) == 1
    del output
    gc.collect()
    lib.amqpc_deliveries_release(deliveries, 3)
    lib.amqpc_connection_get_statistics(receiver.connection, statistics)
    assert statistics.retained_size == 0


def test_row_114_what_moves_in_memory_is_copied_in_time() -> None:
    """Collections between the calls, and during them, change nothing of what is decoded."""
    kept = []
    for round_number in range(40):
        payloads = [bytes.fromhex("005375a0") + bytes([40]) + bytes([index]) * 40 for index in range(100)]
        messages = decode_messages(payloads)
        del payloads
        kept.append([bytearray(50) for _ in range(1000)])
        if round_number % 10 == 0:
            gc.collect()
        assert [message.body for message in messages] == [bytes([index]) * 40 for index in range(100)]


def test_decoding_within_a_finalizer_during_decoding_is_safe() -> None:
    class Finalized:
        def __init__(self) -> None:
            self.itself = self

        def __del__(self) -> None:
            assert decode_message(FULL) == wanted

    wanted = decode_message(FULL)
    threshold = gc.get_threshold() if hasattr(gc, "get_threshold") else None
    if threshold:
        gc.set_threshold(3)
    try:
        for _ in range(50):
            Finalized()
            assert decode_messages([FULL] * 5) == [wanted] * 5
    finally:
        if threshold:
            gc.set_threshold(*threshold)
    gc.collect()


@pytest.mark.skipif(not hasattr(sys, "getrefcount"), reason="this interpreter does not count references")
def test_strings_are_not_made_immortal_nor_kept() -> None:
    for index in range(200):
        name = f"name-{index}"
        (message,) = decode_messages([bytes.fromhex("005374" + sized("c1", text("a1", name), text("a1", name + "v")))])
        key, value = next(iter(message.application_properties.items()))
        assert key == name
        assert sys.getrefcount(key) < 10
        assert sys.getrefcount(value) < 10
        assert sys.intern("".join(name)) is not key


def test_memory_does_not_grow() -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    payloads = [FULL] * 64
    decode_messages(payloads)
    tracemalloc.start()
    try:
        for _ in range(3):
            decode_messages(payloads, lazy=True)
            decode_messages(payloads)
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(50):
            decode_messages(payloads)
        gc.collect()
        assert tracemalloc.get_traced_memory()[0] - before < 100_000
    finally:
        tracemalloc.stop()
