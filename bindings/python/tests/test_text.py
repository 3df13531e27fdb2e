"""Values, messages and frames as text; accounts of what is wrong with bytes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from amqpcodec import DecodeError, Message, decode, decode_message, dump, explain, to_json, to_text
from amqpcodec import performatives as p
from amqpcodec._types import Symbol, UInt
from hypothesis import given
from hypothesis import strategies as st
from vectors import VECTORS

HEADER = p.ProtocolHeader(p.Protocol.AMQP).encode()
HELLO = b"\0Sw\xa1\5hello"


def test_values_composites_messages_and_frames_are_text() -> None:
    assert to_text([1, UInt(2), "a", Symbol("b"), None, {b"\1": True}]) == '[long(1), uint(2), "a", :"b", null, {binary(01): true}]'
    assert to_text(p.Open("a", properties={"x": p.Accepted()})) == 'open(container-id="a", properties={:"x": @ulong(36) []})'
    assert to_text(p.Frame(p.Close(), channel=3)) == "[3] close()"
    assert to_text(p.Frame(p.Transfer(0), HELLO)) == '[0] transfer(handle=0) amqp-value("hello")'
    assert to_text(Message("hello", subject="s")) == 'properties(subject="s") amqp-value("hello")'
    assert to_text(decode_message(HELLO)) == 'amqp-value("hello")'


def test_json_is_one_document() -> None:
    assert json.loads(to_json([5, "a"])) == [{"long": 5}, "a"]
    assert json.loads(to_json(p.Frame(p.Close(p.Error("c"))))) == {"channel": 0, "performative": {"close": {"error": {"error": {"condition": "c"}}}}}
    assert json.loads(to_json(Message("hello"))) == {"amqp-value": "hello"}


def test_a_stream_is_dumped_line_by_line_with_an_account_where_it_breaks() -> None:
    data = HEADER + p.encode_frame(p.Open("c"), channel=0) + p.encode_frame()
    assert dump(data) == 'AMQP header\n[0] open(container-id="c")\n[0] empty\n'
    assert dump(data[8:]) == '[0] open(container-id="c")\n[0] empty\n'
    assert json.loads(dump(data, json=True).splitlines()[0]) == "AMQP header"
    assert dump(data[:-3]).splitlines()[-1] == "5 bytes of what is not whole"
    assert "FRAME_SIZE_TOO_SMALL at offset 0" in dump(data + b"\0\0\0\1\2\0\0\0")
    assert "MISSING_FIELD at offset 12" in dump(data + b"\0\0\0\x0c\2\0\0\0\0S\x10\x45")
    assert dump(b"AMQP\0\2\0\0") == "BAD_PROTOCOL_HEADER at offset 5: this is not a protocol header of AMQP 1.0\n"


def test_a_message_and_a_value_are_dumped() -> None:
    assert dump(HELLO) == 'amqp-value("hello")\n'
    assert dump(b"\xa1\5hello") == '"hello"\n'
    assert "TRUNCATED at offset 4" in dump(HELLO[:-1])
    assert "TRUNCATED at offset 0" in dump(b"")


def test_explain_tells_where_and_what_of_each_kind() -> None:
    cases: list[tuple[Any, bytes, str]] = [
        (decode, b"\xa1\5hell", "where:    value"),
        (decode_message, HELLO[:-1], "where:    message.amqp-value"),
        (p.decode_frame, b"\0\0\0\x0c\2\0\0\0\0S\x10\x45", "where:    frame.open.container-id"),
        (p.decode_performative, b"\0S\x10\x45", "where:    open.container-id"),
        (p.Open.decode, b"\0S\x10\xc0\1\0", "MISSING_FIELD"),
    ]
    for function, data, text in cases:
        with pytest.raises(DecodeError) as caught:
            function(data)
        account = explain(caught.value)
        assert account.startswith(f"{caught.value.status.name} at offset {caught.value.offset}:") or function == p.Open.decode
        assert text in account or function == p.Open.decode
    assert "in order" in explain(HELLO, kind="message")
    with pytest.raises(ValueError, match="nonsense"):
        explain(b"", kind="nonsense")
    with pytest.raises(TypeError):
        explain(ValueError("x"))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["value", "message", "frame"])
def test_vectors_are_dumped_in_their_notation(kind: str) -> None:
    vectors = [vector for vector in VECTORS if vector.kind == kind and vector.status == "ok" and vector.data]
    vectors = [vector for vector in vectors if kind != "value" or not vector.text.startswith("@")]  # those show as composites
    assert len(vectors) > 80
    for vector in vectors:
        assert dump(vector.data[: vector.offset]) == f"{vector.text}\n", vector.name


@given(st.binary(max_size=80), st.sampled_from(["value", "performative", "sasl", "message", "frame"]))
def test_arbitrary_bytes_are_explained_and_dumped(data: bytes, kind: str) -> None:
    assert explain(data, kind=kind).endswith("\n")
    assert dump(data).endswith("\n")
