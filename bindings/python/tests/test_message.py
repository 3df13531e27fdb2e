"""Messages: every field, its range, what the body may be; one by one and in batches."""

from __future__ import annotations

import copy
import pickle
import uuid
from datetime import datetime, timezone
from typing import Any

import pytest
from amqpcodec import (
    Data,
    EncodeError,
    Message,
    Sequence,
    Status,
    Value,
    decode_message,
    decode_messages,
    encode_message,
    encode_messages,
)
from amqpcodec._message import FIELD_NAMES
from amqpcodec._types import Symbol, Timestamp, UInt, ULong
from hypothesis import given, settings
from hypothesis import strategies as st
from values import PYPY, exactly, plain_values, symbols, texts, times, typed_values
from vectors import MESSAGES, Vector

NAMES = FIELD_NAMES[1:]
WHOLE: dict[str, Any] = {
    "durable": True,
    "priority": 9,
    "ttl": 2**32 - 1,
    "first_acquirer": False,
    "delivery_count": 3,
    "delivery_annotations": {"x-opt-a": 1},
    "message_annotations": {"x-opt-b": [1, {"c": None}]},
    "message_id": "id",
    "user_id": b"user",
    "to": "queue",
    "subject": "subject",
    "reply_to": "replies",
    "correlation_id": 2**64 - 1,
    "content_type": "text/plain",
    "content_encoding": "gzip",
    "absolute_expiry_time": datetime(2024, 1, 1, tzinfo=timezone.utc),
    "creation_time": datetime(2023, 1, 1, tzinfo=timezone.utc),
    "group_id": "group",
    "group_sequence": 0,
    "reply_to_group_id": "other",
    "application_properties": {"region": "eu", "sequence": 1234567890123, "retry": True, "price": 19.99},
    "body": b"body",
    "footer": {"x-sum": b"\x00"},
}
ids = st.one_of(texts, st.integers(0, 2**64 - 1), st.uuids(), st.binary(max_size=50))
uints = st.integers(0, 2**32 - 1)
annotation_maps: Any = st.dictionaries(st.one_of(symbols.map(str.__str__), st.integers(0, 2**64 - 1)), plain_values, max_size=3)
FIELDS: dict[str, Any] = {
    "durable": st.booleans(),
    "priority": st.integers(0, 255),
    "ttl": uints,
    "first_acquirer": st.booleans(),
    "delivery_count": uints,
    "delivery_annotations": annotation_maps,
    "message_annotations": annotation_maps,
    "message_id": ids,
    "user_id": st.binary(max_size=50),
    "to": texts,
    "subject": texts,
    "reply_to": texts,
    "correlation_id": ids,
    "content_type": symbols.map(str.__str__),
    "content_encoding": symbols.map(str.__str__),
    "absolute_expiry_time": times,
    "creation_time": times,
    "group_id": texts,
    "group_sequence": uints,
    "reply_to_group_id": texts,
    "application_properties": st.dictionaries(texts, plain_values, max_size=5),
    "body": st.one_of(
        plain_values,
        st.lists(st.binary(max_size=50), min_size=1, max_size=3).map(Data),
        st.lists(st.lists(plain_values, max_size=3), min_size=1, max_size=3).map(lambda lists: Sequence(*lists)),
        typed_values.map(Value),
    ),
    "footer": annotation_maps,
}
messages = st.fixed_dictionaries({}, optional=FIELDS).map(lambda fields: Message(**fields))


def shown(message: Any) -> list[Any]:
    """A message's content, exactly."""
    return [message.body_kind, *(exactly(getattr(message, name)) for name in NAMES if name != "body")]


def same_content(sent: Message, received: Any, typed: bool) -> None:
    assert sent.body_kind == received.body_kind
    for name in NAMES:
        value = getattr(sent, name)
        if name != "body":
            assert exactly(getattr(received, name)) == exactly(value) or typed, name
    body = sent.body
    if isinstance(body, (Data, Sequence, Value)):
        body = body.sections if len(body.sections) > 1 else body.sections[0]
    if typed and isinstance(sent.body, Value):
        assert exactly(received.body) == exactly(body)


@settings(max_examples=15 if PYPY else 50, deadline=None)
@given(messages)
def test_messages_come_back_equal(message: Message) -> None:
    encoded = encode_message(message)
    received = decode_message(encoded)
    same_content(message, received, False)
    same_content(message, decode_message(encoded, typed=True), True)
    assert encode_messages([message, message]) == [encoded, encoded]
    assert encode_message(received.copy()) == encode_message(received)
    assert shown(decode_message(encode_message(received))) == shown(received)
    assert encode_message(decode_message(encoded, lazy=True)) == encode_message(received)


@settings(max_examples=3 if PYPY else 10, deadline=None)
@given(st.lists(messages, max_size=80))
def test_batches_are_the_same_as_one_by_one(many: list[Message]) -> None:
    encoded = encode_messages(iter(many))
    assert encoded == [encode_message(message) for message in many]
    assert len(decode_messages(encoded)) == len(many)


@pytest.mark.parametrize("vector", [vector for vector in MESSAGES if vector.status == "ok"], ids=lambda vector: vector.name)
def test_vectors_of_messages_are_encoded_equal(vector: Vector) -> None:
    for typed in (False, True):
        received = decode_message(vector.data, typed=typed)
        again = decode_message(encode_message(received), typed=typed)
        assert shown(again) == shown(received)
        assert exactly(again.body) == exactly(received.body)


def test_a_message_of_all_fields_is_equal_to_what_is_received() -> None:
    message = Message(**WHOLE)
    received = decode_message(encode_message(message))
    assert message == received
    assert received == message
    assert received.copy() == message
    assert received.copy().body == b"body"
    for name in NAMES:
        assert getattr(message, name) == WHOLE[name], name
        changed = copy.copy(message)
        setattr(changed, name, None)
        assert getattr(changed, name) is None
        assert changed != message
        assert changed != received
        assert getattr(message, name) == WHOLE[name]


def test_fields_are_set_one_by_one() -> None:
    message = Message()
    for name, value in WHOLE.items():
        setattr(message, name, value)
    assert message == Message(**WHOLE)
    assert encode_message(message) == encode_message(Message(**WHOLE))
    with pytest.raises(AttributeError):
        message.too = "queue"  # type: ignore[attr-defined]


def test_fields_are_given_by_name() -> None:
    with pytest.raises(TypeError, match="name"):
        Message(b"", True)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Message(b"", too="queue")  # type: ignore[call-arg]


def test_messages_are_copied_and_pickled() -> None:
    message = Message(**WHOLE)
    for again in (message.copy(), copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert again == message
        again.application_properties["region"] = "us"
        assert message.application_properties["region"] == "eu"


def test_a_message_shows_the_fields_that_it_has() -> None:
    assert repr(Message(b"a", to="queue", durable=True)) == "Message(b'a', durable=True, to='queue')"
    assert repr(Message(Sequence([1], [2]))) == "Message(Sequence([1], [2]))"
    assert repr(Message(Data([b"a"]))) == "Message(Data([b'a']))"


def test_messages_have_no_hash() -> None:
    with pytest.raises(TypeError):
        hash(Message())


@pytest.mark.parametrize(
    ("body", "kind", "received"),
    [
        (b"a", "data", b"a"),
        (bytearray(b"a"), "data", b"a"),
        (memoryview(b"abcd")[::2], "data", b"ac"),
        (Data([b"a", bytearray(b"b")]), "data", [b"a", b"b"]),
        (Data(b"a"), "data", b"a"),
        (Data([]), "data", b""),
        (Sequence([1, 2]), "sequence", [1, 2]),
        (Sequence([1], (2,)), "sequence", [[1], [2]]),
        (Sequence(), "sequence", []),
        (Value(b"a"), "value", b"a"),
        (Value([b"a"]), "value", [b"a"]),
        ("a", "value", "a"),
        (None, "value", None),
        ([1], "value", [1]),
        ({"a": 1}, "value", {"a": 1}),
        (range(2), "value", [0, 1]),
        (Symbol("a"), "value", "a"),
    ],
    ids=repr,
)
def test_bodies(body: Any, kind: str, received: Any) -> None:
    message = Message(body)
    assert message.body_kind == kind
    encoded = encode_message(message)
    assert encode_messages([message]) == [encoded]
    assert decode_message(encoded).body_kind == kind
    assert decode_message(encoded).body == received


def test_an_iterator_as_a_body_is_encoded_again() -> None:
    message = Message(number for number in (1, 2))
    assert encode_message(message) == encode_message(message) == encode_message(Message([1, 2]))


def test_a_new_body_is_of_its_own_kind() -> None:
    message = decode_message(encode_message(Message(Sequence([1])))).copy()
    assert message.body_kind == "sequence"
    message.body = b"a"
    assert message.body_kind == "data"


def test_messages_without_a_body_stay_so() -> None:
    received = decode_message(bytes.fromhex("00537045"))
    assert received.body_kind is None
    assert encode_message(received) == b""
    assert received.copy() == received


def test_what_is_like_a_plain_field_is_taken_as_one() -> None:
    message = Message(
        message_id=ULong(7), ttl=UInt(5), to=Symbol("queue"), user_id=bytearray(b"u"), creation_time=Timestamp(1),
        application_properties={Symbol("a"): Symbol("b")}, message_annotations={Symbol("c"): 1, ULong(2): 3},
    )  # fmt: skip
    received = decode_message(encode_message(message))
    assert (received.message_id, received.ttl, received.to, received.user_id) == (7, 5, "queue", b"u")
    assert received.creation_time == datetime(1970, 1, 1, 0, 0, 0, 1000, tzinfo=timezone.utc)
    assert received.application_properties == {"a": Symbol("b")}
    assert received.message_annotations == {"c": 1, 2: 3}


def test_uuids_are_ids() -> None:
    message = Message(message_id=uuid.UUID(int=1), correlation_id=uuid.UUID(int=2))
    received = decode_message(encode_message(message))
    assert received.message_id == uuid.UUID(int=1)
    assert received.correlation_id == uuid.UUID(int=2)


FAULTS: list[tuple[str, Any]] = [
    ("durable", 1),
    ("priority", -1),
    ("priority", 256),
    ("priority", True),
    ("ttl", -1),
    ("ttl", 2**32),
    ("ttl", 1.0),
    ("first_acquirer", "no"),
    ("delivery_count", 2**32),
    ("delivery_annotations", [1]),
    ("delivery_annotations", {-1: 1}),
    ("message_annotations", {1.5: 1}),
    ("message_annotations", {"ä": 1}),
    ("message_annotations", {"a": object()}),
    ("message_id", -1),
    ("message_id", 2**64),
    ("message_id", 1.5),
    ("user_id", "user"),
    ("to", b"queue"),
    ("to", "\ud800"),
    ("subject", 1),
    ("reply_to", b""),
    ("correlation_id", [1]),
    ("content_type", "ä"),
    ("content_encoding", 1),
    ("group_id", 1),
    ("group_sequence", -1),
    ("group_sequence", 2**32),
    ("reply_to_group_id", b""),
    ("application_properties", {1: 1}),
    ("application_properties", "a"),
    ("application_properties", {"a": ["\ud800"]}),
    ("body", object()),
    ("body", Data([1])),
    ("footer", {None: 1}),
]


@pytest.mark.parametrize(("name", "value"), FAULTS, ids=lambda value: f"{value!r:.30}")
def test_errors_name_the_field_and_the_message(name: str, value: Any) -> None:
    message = Message(**{name: value})
    with pytest.raises(EncodeError, match=name) as caught:
        encode_message(message)
    assert caught.value.field == name
    assert caught.value.index is None
    with pytest.raises(EncodeError, match=f"message 66: {name}") as caught:
        encode_messages([Message(b"a")] * 66 + [message])
    assert (caught.value.field, caught.value.index) == (name, 66)
    with pytest.raises(EncodeError, match=name) as caught:
        encode_messages([Message(message_id=uuid.UUID(int=1)), message])
    assert (caught.value.field, caught.value.index) == (name, 1)


def test_times_are_checked_when_they_are_given() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Message(creation_time=datetime(2024, 1, 1))
    with pytest.raises(ValueError, match="time zone"):
        Message().absolute_expiry_time = datetime(2024, 1, 1)


def test_what_is_no_message_is_refused() -> None:
    for wrong in (None, b"", (1, 2), object()):
        with pytest.raises(EncodeError, match="is not a message") as caught:
            encode_message(wrong)
        assert caught.value.status == Status.WRONG_TYPE
        with pytest.raises(EncodeError, match=r"message 0: .* is not a message"):
            encode_messages([wrong])


@pytest.mark.parametrize("size", [16_384, 32_767, 32_768, 131_072, 3_000_000])
def test_large_messages_are_whole(size: int) -> None:
    message = Message(b"x" * size, to="queue", application_properties={"a": "y" * size})
    encoded = encode_messages([message, Message(b"small"), message])
    assert [decode_message(data).body for data in encoded] == [b"x" * size, b"small", b"x" * size]
    assert encode_message(message) == encoded[0]
    assert decode_message(encoded[0]).application_properties == {"a": "y" * size}


def test_large_bodies_keep_their_kind() -> None:
    large = b"x" * 100_000
    bodies = [large, Value(large), bytearray(large), Data([large, large]), {"k": large}]
    encoded = encode_messages([Message(body) for body in bodies])
    assert encoded == [encode_message(Message(body)) for body in bodies]
    again = [decode_message(data).copy() for data in encoded]
    assert encode_messages(again) == encoded
    assert [message.body_kind for message in again] == ["data", "value", "data", "data", "value"]


def test_errors_beside_large_bodies_are_told_as_all() -> None:
    with pytest.raises(EncodeError, match="message 1: ttl"):
        encode_messages([Message(b"x" * 100_000), Message(b"x" * 100_000, ttl=-1)])
