"""Messages with a value of every type of AMQP in every place that takes it, for the scenario `types`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any, NamedTuple

from amqpcodec import (
    Array,
    Byte,
    Char,
    Data,
    Decimal32,
    Decimal64,
    Decimal128,
    Described,
    Float,
    Int,
    Long,
    Message,
    ReceivedMessage,
    Sequence,
    Short,
    Symbol,
    UByte,
    UInt,
    ULong,
    UShort,
    Value,
)

SIMPLE: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "ubyte": UByte(255),
    "ushort": UShort(65535),
    "uint": UInt(4_000_000_000),
    "uint, small": UInt(7),
    "ulong": ULong(2**64 - 1),
    "ulong, small": ULong(7),
    "byte": Byte(-128),
    "short": Short(-32768),
    "int": Int(-70_000),
    "long": Long(-(2**63)),
    "long, small": Long(-5),
    "float": Float(0.5),
    "double": -1.25e300,
    "decimal32": Decimal32(Decimal("-1.5")),
    "decimal64": Decimal64(Decimal("123456789.25")),
    "decimal128": Decimal128(Decimal("0.1")),
    "char": Char("\U0001f600"),
    "timestamp": datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=timezone.utc),
    "uuid": uuid.UUID("00112233-4455-6677-8899-aabbccddeeff"),
    "binary": b"\x00\x01binary",
    "string": "Grüße \U0001f600",
    "string, long": "x" * 70_000,
    "symbol": Symbol("a-symbol"),
}

COMPOUND: dict[str, Any] = {
    "list": ["first", [Int(1), Int(-70_000)], {"key": ULong(7)}, None],
    "map": {"a": Int(1), Symbol("b"): [True, None], Int(5): "five"},
    "array of symbols": Array(Symbol, [Symbol("one"), Symbol("two")]),
    "array of ints": Array(Int, [Int(1), Int(2)]),
    "described": Described(Symbol("example:point"), [Int(1), Int(2)]),
}

IDENTITIES: dict[str, Any] = {
    "ulong": 2**63,
    "uuid": uuid.UUID(int=5),
    "binary": b"identity",
    "string": "identity",
}

NOON = datetime(2030, 1, 2, 12, tzinfo=timezone.utc)


class Case(NamedTuple):
    """One message, by what stands in it and where."""

    name: str
    message: Message


def cases() -> Iterator[Case]:
    """All of them."""
    for name, value in {**SIMPLE, **COMPOUND}.items():
        yield Case(f"body: {name}", Message(Value(value)))
    for name, value in SIMPLE.items():
        yield Case(f"application property: {name}", Message("body", application_properties={"key": value}))
    for name, value in {**SIMPLE, **COMPOUND}.items():
        yield Case(f"message annotation: {name}", Message("body", message_annotations={"x-opt-key": value}))
    for name, value in IDENTITIES.items():
        yield Case(f"message-id, correlation-id: {name}", Message("body", message_id=value, correlation_id=value))
    yield Case("all properties", all_properties())
    yield Case("body of data", Message(b"data"))
    yield Case("body of two data", Message(Data([b"one", b"and two"])))
    yield Case("body of a sequence", Message(Sequence([Int(1), "two", None])))
    yield Case("body of two sequences", Message(Sequence([Int(1)], ["two"])))


def all_properties() -> Message:
    """A message with every field that is not about its way."""
    return Message(
        b"body", user_id=b"alice", to="somewhere", subject="all properties", reply_to="elsewhere", content_type="text/plain",
        content_encoding="identity", absolute_expiry_time=NOON, creation_time=NOON, group_id="group", group_sequence=7,
        reply_to_group_id="replies", durable=True, priority=5,
    )  # fmt: skip


def shape(value: Any) -> Any:
    """With the types, which equality of Python does not look at."""
    if isinstance(value, dict):
        return {(type(key), key): shape(item) for key, item in value.items()}
    if isinstance(value, (list, Array)):
        return type(value), [shape(item) for item in value]
    if isinstance(value, Described):
        return shape(value.descriptor), shape(value.value)
    return type(value), value


def plain(body: Any) -> Any:
    """As it is received: the value, or the section, or a list of several."""
    if isinstance(body, (Data, Sequence, Value)):
        return body.sections[0] if len(body.sections) == 1 else body.sections
    return body


# What has to come as it was sent; the rest may be changed on the way, or is the broker's.
FIELDS = ("message_id", "correlation_id", "user_id", "subject", "reply_to", "content_type", "content_encoding", "absolute_expiry_time",
          "creation_time", "group_id", "group_sequence", "reply_to_group_id", "body_kind")  # fmt: skip


def difference(sent: Message, received: ReceivedMessage) -> str | None:
    """The first part that came otherwise."""
    copied = received.copy()
    for name in FIELDS:
        if getattr(sent, name) is not None and shape(getattr(sent, name)) != shape(getattr(copied, name)):
            return name
    if shape(plain(sent.body)) != shape(received.body):
        return "body"
    for name in ("application_properties", "message_annotations"):
        for key, value in (getattr(sent, name) or {}).items():
            came = getattr(received, name) or {}
            if key not in came or shape(came[key]) != shape(value):
                return name
    return None
