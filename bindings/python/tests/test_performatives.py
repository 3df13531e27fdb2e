"""Composites and frames: the whole table there and back, peers' bytes, and bytes of anybody."""

from __future__ import annotations

import copy
import datetime
import pickle
import uuid
from typing import Any

import pytest
from amqpcodec import DecodeError, EncodeError, Status
from amqpcodec import performatives as p
from amqpcodec._composites import COMPOSITES
from amqpcodec._types import Described, Pairs, Symbol, UInt, ULong
from hypothesis import given, settings
from hypothesis import strategies as st
from vectors import VECTORS, Vector

PEERS = ("proton", "rhea", "go-amqp")


# A composite is many draws: fewer of them are enough.
FEWER = settings(max_examples=max(settings.default.max_examples // 4, 20))  # type: ignore[union-attr] # conftest.py has set it


# --- Any composite of the table.

names = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=12)
texts = st.text(max_size=12)
ids = st.one_of(st.integers(0, 2**64 - 1), st.uuids(), st.binary(max_size=20), texts)
times = st.integers(-(10**12), 10**13).map(
    lambda ms: datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(milliseconds=ms)
)
values = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**63 - 1), texts, st.binary(max_size=8), st.uuids(), names.map(Symbol))
maps = st.dictionaries(names.map(Symbol), st.one_of(values, st.lists(values, max_size=3)), max_size=4)
described: st.SearchStrategy[Any] = st.deferred(lambda: st.one_of(anything, st.builds(Described, names.map(Symbol), values)))
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "boolean": st.booleans(),
    "ubyte": st.integers(0, 255),
    "ushort": st.integers(0, 65535),
    "uint": st.integers(0, 2**32 - 1),
    "ulong": st.integers(0, 2**64 - 1),
    "timestamp": times,
    "binary": st.binary(max_size=32),
    "string": texts,
    "symbol": names,
    "symbols": st.lists(names, max_size=3).map(tuple),
    "map": maps,
    "any": st.one_of(values, described),
    "described": described,
    "message_id": ids,
    "error": st.deferred(lambda: composites(p.Error)),
}


def field(item: p.Field, owner: type[p.Composite]) -> st.SearchStrategy[Any]:
    """What may stand in a field."""
    if item.choices is not None:
        return st.sampled_from(item.choices)
    if owner is p.Open and item.name == "max_frame_size":
        return st.integers(512, 2**32 - 1)
    return FIELDS[item.kind]


def composites(kind: type[p.Composite]) -> st.SearchStrategy[p.Composite]:
    required = {item.name: field(item, kind) for item in kind.FIELDS if item.mandatory}
    optional = {item.name: st.none() | field(item, kind) for item in kind.FIELDS if not item.mandatory}
    return st.fixed_dictionaries(required, optional=optional).map(lambda fields: kind(**fields))


anything: st.SearchStrategy[p.Composite] = st.one_of([composites(kind) for kind in COMPOSITES.values()])
performatives = st.one_of([composites(kind) for code, kind in COMPOSITES.items() if code <= 0x18 or 0x40 <= code <= 0x44])


@FEWER
@given(anything)
def test_every_composite_comes_back_as_it_was(composite: p.Composite) -> None:
    data = composite.encode()
    assert type(composite).decode(data) == composite
    assert p.Composite.decode(data) == composite
    assert p.Composite.decode(data).encode() == data
    assert copy.copy(composite) == composite
    assert pickle.loads(pickle.dumps(composite)) == composite
    assert repr(composite).startswith(type(composite).__name__)


@FEWER
@given(performatives, st.binary(max_size=40), st.integers(0, 65535), st.integers(0, 3))
def test_every_performative_comes_back_in_a_frame(performative: p.Composite, payload: bytes, channel: int, words: int) -> None:
    is_sasl = performative.NAME.startswith("sasl-")
    frame = p.Frame(
        performative,
        payload if isinstance(performative, p.Transfer) else b"",
        channel=0 if is_sasl else channel,
        extended_header=bytes(4 * words),
    )
    data = frame.encode()
    assert p.decode_frame(data + b"more") == (frame, len(data))
    body, rest = p.decode_performative(data[8 + 4 * words :], is_sasl=is_sasl)
    assert (body, rest) == (performative, frame.payload)


@FEWER
@given(st.lists(performatives, max_size=5), st.integers(1, 50))
def test_a_stream_in_pieces_of_any_size_gives_the_frames_that_were_written(several: list[p.Composite], size: int) -> None:
    items: list[p.Frame | p.ProtocolHeader] = [p.ProtocolHeader(p.Protocol.AMQP)]
    for performative in several:
        if isinstance(performative, p.SaslOutcome) and performative.code == p.SaslCode.OK:
            items += [p.Frame(performative), p.ProtocolHeader(p.Protocol.AMQP)]
        else:
            items += [p.Frame(performative), p.Frame(None, channel=7)]
    data = b"".join(item.encode() for item in items)
    parser = p.FrameParser()
    found: list[p.Frame | p.ProtocolHeader] = []
    for start in range(0, len(data), size):
        parser.feed(data[start : start + size])
        found += parser
    assert found == items
    assert (parser.position, parser.pending_size) == (len(data), 0)


# --- Classes, as a reader of the specification expects them.


def test_absent_fields_are_none_and_effective_gives_their_defaults() -> None:
    opened = p.Open("here")
    assert opened.max_frame_size is None
    assert opened.effective("max_frame_size") == 2**32 - 1
    attach = p.Attach("link", handle=0, role=p.Role.SENDER)
    assert attach.effective("snd_settle_mode") is p.SenderSettleMode.MIXED
    assert attach.effective("incomplete_unsettled") is False
    assert p.Source().effective("expiry_policy") == "session-end"
    assert p.Source("q").effective("address") == "q"
    assert p.Transfer(1).effective("delivery_tag") is None


def test_one_symbol_stands_for_a_tuple_of_one() -> None:
    assert p.Open("c", desired_capabilities="x") == p.Open("c", desired_capabilities=["x"])
    assert p.Open.decode(p.Open("c", desired_capabilities="x").encode()).desired_capabilities == ("x",)


def test_composites_stand_within_composites_and_keys_become_symbols() -> None:
    source = p.Source("q", default_outcome=p.Modified(True), filter={"sel": Described(Symbol("f"), "a > 1")}, outcomes=["amqp:accepted:list"])
    attach = p.Attach("l", handle=0, role=p.Role.RECEIVER, source=source, unsettled={b"tag": p.Accepted()}, properties={"k": UInt(1)})
    found = p.Attach.decode(attach.encode())
    assert found.source == source
    assert isinstance(found.source.filter["sel"], Described)
    assert [type(key) for key in found.properties or ()] == [Symbol]
    assert found.unsettled == {b"tag": p.Accepted().to_described()}
    assert p.from_value(found.unsettled[b"tag"]) == p.Accepted()


def test_a_symbolic_descriptor_is_as_good_as_a_number() -> None:
    data = b"\0\xa3\x12amqp:accepted:list\x45"
    assert p.Composite.decode(data) == p.Accepted()


def test_a_malformed_composite_within_another_stays_a_described_value() -> None:
    malformed = Described(ULong(0x28), [ULong(1)])
    found = p.Attach.decode(p.Attach("l", handle=0, role=p.Role.SENDER, source=malformed).encode())
    assert found.source == malformed


def test_a_map_that_is_no_dict_may_stand_in_a_field() -> None:
    pairs = Pairs([(Symbol("a"), 1), (Symbol("b"), 2)])
    assert p.Error.decode(p.Error("c", info=pairs).encode()).info == {"a": 1, "b": 2}


def test_composites_differ_by_type_and_by_field() -> None:
    assert p.Accepted() != p.Released()
    assert p.Error("a") != p.Error("b")
    assert p.Error("a") != "a"
    with pytest.raises(TypeError):
        hash(p.Accepted())


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        (p.Open(3), "open.container_id: a str is wanted, not int"),  # type: ignore[arg-type]
        (p.Open(None), "open.container_id: a mandatory field is missing"),  # type: ignore[arg-type]
        (p.Open("c", max_frame_size=511), "open.max_frame_size: the value of the field is out of range"),
        (p.Open("c", channel_max=65536), "open.channel_max: 65536 is not a UShort: 0 to 65535"),
        (p.Transfer(0, delivery_tag=5), "transfer.delivery_tag: bytes are wanted, not int"),  # type: ignore[arg-type]
        (p.Transfer(0, state="accepted"), "transfer.state: a composite or a Described is wanted, not str"),
        (p.Error("ä"), "error.condition: "),
        (p.Error("c", info=[1]), "error.info: a dict is wanted, not list"),  # type: ignore[arg-type]
        (p.Properties(message_id=1.5), "properties.message_id: the type is not one that may stand here"),  # type: ignore[arg-type]
        (p.SaslOutcome(9), "sasl-outcome.code: the value of the field is out of range"),  # type: ignore[arg-type]
    ],
)
def test_what_cannot_be_encoded_says_which_field_it_is(wrong: p.Composite, text: str) -> None:
    with pytest.raises(EncodeError) as caught:
        wrong.encode()
    assert str(caught.value).startswith(text)


def test_frames_that_may_not_be_are_refused() -> None:
    for frame in (
        p.Frame(p.Open("c"), b"payload"),
        p.Frame(p.Source("q")),
        p.Frame(p.Open("c"), type=p.FrameType.SASL),
        p.Frame(p.Open("c"), channel=65536),
        p.Frame(p.Open("c"), extended_header=b"abc"),
    ):
        with pytest.raises(EncodeError):
            frame.encode()


# --- What is not right in what arrives.


def test_bytes_of_another_composite_are_refused() -> None:
    with pytest.raises(DecodeError) as caught:
        p.Open.decode(p.Close().encode())
    assert (caught.value.status, caught.value.offset) == (Status.UNKNOWN_DESCRIPTOR, 1)
    with pytest.raises(DecodeError) as caught:
        p.Composite.decode(b"\x40")
    assert (caught.value.status, caught.value.offset) == (Status.UNKNOWN_DESCRIPTOR, 0)


def test_an_incomplete_frame_tells_how_much_is_needed() -> None:
    data = p.encode_frame(p.Open("c"))
    for size, needed in ((3, 8), (8, len(data)), (len(data) - 1, len(data))):
        with pytest.raises(DecodeError) as caught:
            p.decode_frame(data[:size])
        assert (caught.value.status, caught.value.offset) == (Status.NEED_MORE, needed)


def test_a_parser_goes_on_behind_a_frame_whose_body_is_malformed() -> None:
    good = p.encode_frame(p.Begin(next_outgoing_id=0, incoming_window=1, outgoing_window=1))
    parser = p.FrameParser(expect_header=False)
    parser.feed(good + b"\0\0\0\x0c\2\0\0\0\0S\x10\x45" + good)
    assert len([next(iter(parser))]) == 1
    with pytest.raises(DecodeError) as caught:
        list(parser)
    assert (caught.value.status, caught.value.offset, caught.value.kind) == (Status.MISSING_FIELD, 12, "frame")
    assert [type(frame.performative) for frame in parser if isinstance(frame, p.Frame)] == [p.Begin]


@pytest.mark.parametrize("size", [1, 3, 100])
def test_a_fault_of_the_stream_gives_the_bytes_from_where_it_begins(size: int) -> None:
    good = p.encode_frame(p.Open("c"))
    data = p.ProtocolHeader(p.Protocol.AMQP).encode() + good + b"\0\0\0\x10\1\0\0\0rest"
    parser = p.FrameParser()
    with pytest.raises(DecodeError) as caught:
        for start in range(0, len(data), size):
            parser.feed(data[start : start + size])
            list(parser)
    assert (caught.value.status, caught.value.offset) == (Status.BAD_DATA_OFFSET, 4)
    assert caught.value.data[:8] == b"\0\0\0\x10\1\0\0\0"[: len(caught.value.data)]
    assert parser.position == len(good) + 8
    with pytest.raises(DecodeError):
        list(parser)


def test_a_stream_of_something_else_is_no_stream_of_frames() -> None:
    parser = p.FrameParser()
    parser.feed(b"HTTP/1.1 400 Bad Request\r\n")
    with pytest.raises(DecodeError) as caught:
        list(parser)
    assert (caught.value.status, caught.value.offset) == (Status.BAD_PROTOCOL_HEADER, 0)


def test_a_frame_larger_than_allowed_is_refused_before_it_is_there() -> None:
    parser = p.FrameParser(max_frame_size=512, expect_header=False)
    parser.feed((513).to_bytes(4, "big") + b"\2\0\0\0")
    with pytest.raises(DecodeError) as caught:
        list(parser)
    assert caught.value.status == Status.FRAME_TOO_LARGE
    with pytest.raises(ValueError, match="at least 512"):
        p.FrameParser(max_frame_size=511)


@FEWER
@given(st.one_of(st.binary(max_size=60), performatives.map(lambda c: c.encode())), st.data())
def test_arbitrary_bytes_decode_or_are_refused(data: bytes, draw: st.DataObject) -> None:
    if data and draw.draw(st.booleans()):
        index = draw.draw(st.integers(0, len(data) - 1))
        data = data[:index] + bytes([draw.draw(st.integers(0, 255))]) + data[index + 1 :]
    for is_sasl in (False, True):
        try:
            p.decode_performative(data, is_sasl=is_sasl)
        except DecodeError as error:
            assert 0 <= error.offset <= len(data)
            assert error.data == data
    try:
        composite = p.Composite.decode(data)
        assert type(composite).decode(composite.encode()) == composite
    except DecodeError as error:
        assert 0 <= error.offset <= len(data)


@FEWER
@given(st.lists(st.one_of(st.binary(max_size=30), performatives.map(p.encode_frame)), max_size=4), st.booleans())
def test_a_parser_takes_arbitrary_bytes_or_refuses_them(pieces: list[bytes], expect_header: bool) -> None:
    parser = p.FrameParser(expect_header=expect_header)
    try:
        for piece in pieces:
            parser.feed(piece)
            assert all(isinstance(item, (p.Frame, p.ProtocolHeader)) for item in parser)
        assert parser.position + parser.pending_size == sum(map(len, pieces))
    except DecodeError as error:
        assert error.status


# --- The vectors of the library, most of them written by other implementations.


FRAMES = [vector for vector in VECTORS if vector.kind in ("performative", "sasl", "frame")]


def decoded(vector: Vector) -> tuple[Any, int]:
    if vector.kind == "frame":
        return p.decode_frame(vector.data, max_frame_size=65536)
    composite, payload = p.decode_performative(vector.data, is_sasl=vector.kind == "sasl")
    return composite, len(vector.data) - len(payload)


@pytest.mark.parametrize("vector", FRAMES, ids=lambda vector: vector.name)
def test_vectors_decode_as_the_library_says(vector: Vector) -> None:
    if vector.status != "ok":
        with pytest.raises(DecodeError) as caught:
            decoded(vector)
        assert (caught.value.status.name, caught.value.offset) == (vector.status, vector.offset)
        return
    found, size = decoded(vector)
    assert size == vector.offset
    again = found.encode()
    assert (p.decode_frame(again)[0] if vector.kind == "frame" else type(found).decode(again)) == found


@pytest.mark.parametrize("peer", PEERS)
def test_the_frames_of_a_peer_decode_as_one_stream(peer: str) -> None:
    frames = [vector for vector in FRAMES if vector.name.startswith(f"{peer}.") and vector.kind == "frame" and vector.status == "ok"]
    expected = [p.decode_frame(vector.data)[0] for vector in frames]
    header = p.ProtocolHeader(p.Protocol.AMQP).encode()
    well = p.SaslCode.OK
    ends = [isinstance(frame.performative, p.SaslOutcome) and frame.performative.code == well for frame in expected]
    data = b"".join(vector.data + (header if is_end else b"") for vector, is_end in zip(frames, ends))
    assert len(frames) > 5
    for size in (1, 7, len(data)):
        parser = p.FrameParser(expect_header=False)
        found: list[Any] = []
        for start in range(0, len(data), size):
            parser.feed(data[start : start + size])
            found += parser
        assert [frame for frame in found if isinstance(frame, p.Frame)] == expected


def test_identities_keep_their_types() -> None:
    for identity in (5, uuid.UUID(int=5), b"\5", "5"):
        found = p.Properties.decode(p.Properties(identity).encode()).message_id
        assert (type(found), found) == (type(identity), identity)
