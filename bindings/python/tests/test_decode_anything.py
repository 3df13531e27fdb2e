"""Arbitrary bytes decode, or raise DecodeError; nothing else happens."""

from __future__ import annotations

import contextlib
import marshal
from typing import Any

from amqpcodec import DecodeError, decode, decode_message, decode_messages, decode_prefix
from amqpcodec._crossing import Output, ffi, lib
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_marshal import encoded
from vectors import VECTORS

QUICKLY = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck), database=None)

# Bytes that begin well: those of vectors, with some of them changed.
SEEDS = [vector.data for vector in VECTORS if vector.kind in ("value", "message") and 0 < len(vector.data) < 300]
TEXT = st.text(st.characters(blacklist_categories=["Cs"]), max_size=40)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | TEXT | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(TEXT, inner, max_size=6),
    max_leaves=30,
)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 3))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))]) if draw(st.booleans()) else bytes(data)


def decode_in_every_way(data: bytes) -> None:
    for typed in (False, True):
        with contextlib.suppress(DecodeError):
            repr(decode(data, typed=typed))
        with contextlib.suppress(DecodeError):
            value, size = decode_prefix(data, typed=typed)
            assert 0 < size <= len(data)
            assert repr(decode(data[:size], typed=typed)) == repr(value)
        for lazy in (False, True):
            shown = []
            for function in (decode_message, lambda data, **mode: decode_messages([data], **mode)[0]):
                try:
                    shown.append(repr(function(data, typed=typed, lazy=lazy)))
                except DecodeError as error:
                    assert 0 <= error.offset <= len(data)
                    assert error.data == data
                    shown.append(str(error))
            assert shown[0] == shown[1]


@QUICKLY
@given(st.binary(max_size=200))
def test_arbitrary_bytes(data: bytes) -> None:
    decode_in_every_way(data)
    decode_in_every_way(b"\x00\x53\x77" + data)


@QUICKLY
@given(damaged())
def test_damaged_vectors(data: bytes) -> None:
    decode_in_every_way(data)
    decode_in_every_way(b"\x00\x53\x77" + data)
    with contextlib.suppress(DecodeError):
        decode_in_every_way(b"\x00\x53\x75\xa0\x01a" + data)


@QUICKLY
@given(PLAIN)
def test_plain_values_come_out_as_marshal_knows_them(value: Any) -> None:
    data = encoded(value)
    assert repr(decode(data)) == repr(marshal.loads(marshal.dumps(value, 2)))


@QUICKLY
@given(st.lists(st.binary(max_size=30) | damaged(), max_size=6), st.integers(0, 7), st.integers(0, 300))
def test_sizes_of_joined_messages_are_checked(items: list[bytes], first: int, cut: int) -> None:
    """The sizes are Python's, and are not trusted all the same."""
    joined = b"".join(items)[:cut]
    batch = ffi.new("crossing_batch *", {"messages_max": 4, "size_max": 100})
    output = Output()
    sizes = list(map(len, items))
    count = lib.crossing_decode_joined(output.handle, joined, len(joined), ffi.new("uint32_t[]", sizes), len(sizes), first, batch)
    assert count == batch.count <= min(4, max(len(items) - first, 0))
    if first >= len(items) or sum(sizes[: first + 1]) > cut:
        assert count == 0
        assert batch.status == lib.AMQPC_INVALID_ARGUMENT


@QUICKLY
@given(st.lists(st.binary(max_size=30) | damaged() | st.text() | st.none(), max_size=6), st.integers(0, 300), st.integers(0, 300))
def test_a_list_that_marshal_wrote_is_checked(items: list[Any], offset: int, cut: int) -> None:
    """It may hold anything, for what callers pass goes there unseen."""
    data = marshal.dumps(items, 2)[:cut]
    batch = ffi.new("crossing_batch *", {"messages_max": 4, "size_max": 100})
    end = lib.crossing_decode_dumped(Output().handle, data, len(data), offset, batch)
    assert end <= len(data)
    assert batch.count <= 4
    if end == 0 or not data:
        assert batch.status == lib.AMQPC_INVALID_ARGUMENT
    elif batch.status == 0 and offset == 0:
        assert end == 5 + sum(5 + len(item) for item in items[: batch.count])
