"""The parser of marshal's bytes: what any version of marshal writes, and what none does."""

from __future__ import annotations

import marshal
from typing import Any

import pytest
from amqpcodec import Status, decode, encode
from amqpcodec._crossing import ffi, lib
from amqpcodec._encode_marshal import HAS_BINARY, new_encoder
from hypothesis import given, settings
from hypothesis import strategies as st
from values import PYPY, exactly, plain_values

many = settings(max_examples=20 if PYPY else 100, deadline=None)
ENCODER = new_encoder()[0]
FUNCTIONS = (lib.crossing_encode_value, lib.crossing_encode_message, lib.crossing_encode_messages)


def encoded(dumped: bytes, marks: bool = False) -> bytes:
    """What C makes of marshal's bytes."""
    size = lib.crossing_encode_value(ENCODER, dumped, len(dumped), marks)
    assert size >= 0, Status.of(-1 - size).name
    return bytes(ffi.buffer(ENCODER.data, size & ~HAS_BINARY))


# Times and uuids cross as marks.
values = plain_values.filter(lambda value: all(word not in repr(value) for word in ("datetime", "UUID")))


@many
@given(values, st.integers(2, 4))
def test_every_version_of_marshal_is_read(value: Any, version: int) -> None:
    assert exactly(decode(encoded(marshal.dumps(value, version)))) == exactly(value)


@pytest.mark.parametrize("version", [2, 3, 4])
def test_what_is_there_twice_is_read_twice(version: int) -> None:
    text, shared = "".join(["a", "b"]), {"k": [1.5, 2**40]}
    value = [shared, text, shared, [text, shared], {text: shared}, (), (text,)]
    meant = [shared, text, shared, [text, shared], {text: shared}, [], [text]]
    assert decode(encoded(marshal.dumps(value, version))) == meant


def test_references_that_stand_for_too_much_are_refused() -> None:
    """A few hundred bytes of marshal's that stand for 2**60 values."""
    levels: list[Any] = [1]
    for _ in range(60):
        levels = [levels, levels]
    dumped = marshal.dumps(levels, 4)
    if len(dumped) > 10_000:
        pytest.skip("this marshal writes no references")
    assert lib.crossing_encode_value(ENCODER, dumped, len(dumped), False) == -1 - Status.INVALID_ARGUMENT


@pytest.mark.parametrize(
    "dumped",
    [
        b"",
        b"i\x01\x00\x00",
        b"l\x06\x00\x00\x00" + b"\x01\x00" * 6,
        b"l\x05\x00\x00\x00" + b"\xff\xff" * 5,
        b"l\x05\x00\x00\x00" + b"\xff\x7f" * 5,
        b"g\x00",
        b"s\xff\xff\xff\xffa",
        b"z\x05a",
        b"(\xff\xff\xff\xff",
        b"[\xff\xff\xff\x7fN",
        b"{N0",
        b"{NN",
        b"0",
        b"[\x01\x00\x00\x000",
        b"r\x00\x00\x00\x00",
        b"\xdb\x01\x00\x00\x00r\x00\x00\x00\x00",
        b"NN",
        b"y" + b"\x00" * 16,
        b"c",
        b".",
        b"S",
        b">\x00\x00\x00\x00",
    ],
)
def test_what_marshal_does_not_write_or_amqp_does_not_have_is_refused(dumped: bytes) -> None:
    for function in FUNCTIONS:
        for marks in (False, True):
            assert function(ENCODER, dumped, len(dumped), marks) == -1 - Status.INVALID_ARGUMENT


@pytest.mark.parametrize("depth", [300, 1_000_000])
def test_row_16_depth_is_limited(depth: int) -> None:
    dumped = b"[\x01\x00\x00\x00" * depth + b"N"
    assert lib.crossing_encode_value(ENCODER, dumped, len(dumped), False) == -1 - Status.TOO_DEEP


@pytest.mark.parametrize(
    "mark",
    [(), (20,), (99, 1), (-1, 1), ("a", 1), (20, 1), (4, -1), (4, 2**32), (9, 2**63), (17, b"short"), (12, b"12345"), (15, 0xD800), (22, [1]), (22, 1),
     (23, 4, [1]), (23, 25, []), (23, 4), (24, 1), (24, [], 1), (20, "a", "b"), (20, "a", "b", "c"), (20, "\xe4")],
    ids=repr,
)  # fmt: skip
def test_marks_that_are_wrong_are_refused(mark: Any) -> None:
    dumped = marshal.dumps(mark, 2)
    assert lib.crossing_encode_value(ENCODER, dumped, len(dumped), True) == -1 - Status.INVALID_ARGUMENT


@many
@given(values, st.data())
def test_truncated_bytes_are_refused(value: Any, data: Any) -> None:
    dumped = marshal.dumps([value], data.draw(st.integers(2, 4)))
    cut = dumped[: data.draw(st.integers(0, len(dumped) - 1))]
    for function in FUNCTIONS:
        assert function(ENCODER, cut, len(cut), False) < 0


@many
@given(st.binary(max_size=200), st.booleans())
def test_arbitrary_bytes_do_no_harm(data: bytes, marks: bool) -> None:
    for function in FUNCTIONS:
        function(ENCODER, data, len(data), marks)
    assert encode([1]) == encoded(marshal.dumps([1], 2))


@many
@given(values, st.data(), st.booleans())
def test_changed_bytes_do_no_harm(value: Any, data: Any, marks: bool) -> None:
    dumped = bytearray(marshal.dumps([[value] * 24], 4))
    for _ in range(data.draw(st.integers(1, 3))):
        dumped[data.draw(st.integers(0, len(dumped) - 1))] = data.draw(st.integers(0, 255))
    for function in FUNCTIONS:
        function(ENCODER, bytes(dumped), len(dumped), marks)


def test_numbers_that_tell_values_are_looked_at() -> None:
    """Of PyPy's way into C: operations that no program of ours writes."""
    operations = ffi.new("int64_t[]", 8)
    run = lib.crossing_encode_operations
    message, keyed = lib.CROSSING_OPERATION_MESSAGE, lib.CROSSING_OPERATION_KEYED << 8
    wrong: list[tuple[list[int], bytes, int, bytes]] = [
        ([9], b"", 0, b""),  # a number that is not there
        ([19], b"", 0, b""),  # a text
        ([19], b"a\0b", 1, b""),  # a text with a NUL
        ([19], b"a", 2, b""),  # fewer texts
        ([0], b"a", 1, b""),  # more texts
        ([18 | 2 << 16], b"", 0, b"a"),  # bytes
        ([21 | 1 << 16], b"", 0, b""),  # items of a list
        ([0, 22 | 1 << 16], b"", 0, b""),  # of a map, odd
        ([0, 0], b"", 0, b""),  # two values
        ([26], b"", 0, b""),  # no type
        ([0 | 5 << 8], b"", 0, b""),  # a field without a message
        ([message, 0 | 30 << 8], b"", 0, b""),  # no field
        ([message, 0], b"", 0, b""),  # a value that belongs nowhere
        ([message | 1 << 34], b"", 0, b""),  # a text of a message
        ([message, 21 | 1 << 16], b"", 0, b""),  # items that are fields
        ([keyed], b"", 0, b""),  # a key
    ]
    for numbers, text, texts, blob in wrong:
        operations[0 : len(numbers)] = numbers
        assert run(ENCODER, operations, len(numbers), text, len(text), texts, blob, len(blob)) < 0, numbers
    assert run(ENCODER, operations, 0, b"", 0, 0, b"", 0) == 0
