"""Encoding values: what goes in comes out, of the same AMQP type; what AMQP does not have is refused, and it is said where."""

from __future__ import annotations

import array
import collections
import ctypes
import enum
import math
import types
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from amqpcodec import EncodeError, Status, decode, encode
from amqpcodec._types import Array, Described, Float, Int, Pairs, Symbol, Timestamp, UByte, UInt, ULong
from hypothesis import given, settings
from values import PYPY, exactly, plain_values, typed_values
from vectors import VALUES, Vector

many = settings(max_examples=20 if PYPY else 80, deadline=None)


@many
@given(typed_values)
def test_values_come_back_of_the_same_type(value: Any) -> None:
    assert exactly(decode(encode(value), typed=True)) == exactly(value)


@many
@given(plain_values)
def test_plain_values_come_back_without_classes_of_ours(value: Any) -> None:
    assert exactly(decode(encode(value))) == exactly(value)


@many
@given(plain_values)
def test_the_slow_way_gives_the_same_bytes(value: Any) -> None:
    """A symbol, which marshal does not take, sends all around it the slow way."""
    slow = encode([Symbol("s"), value])
    assert slow.endswith(encode(value))
    assert exactly(decode(slow)) == exactly([Symbol("s"), value])


# Descriptors that are strings become symbols, as those that programs write have to; in plain mode keys are the same that were not; and
# the library does not write arrays of elements that are described twice.
NOT_EXACTLY = ("described-by-string",)
NOT_PLAIN = ("map-keys-ubyte-and-uint",)
NOT_AT_ALL = ("array-of-twice-described",)


@pytest.mark.parametrize("vector", [vector for vector in VALUES if vector.status == "ok"], ids=lambda vector: vector.name)
def test_vectors_are_encoded_as_equal_values(vector: Vector) -> None:
    name = vector.name.split()[-1]
    value = decode(vector.data, typed=True)
    plain = decode(vector.data)
    if name in NOT_AT_ALL:
        with pytest.raises(EncodeError):
            encode(value)
    elif name in NOT_EXACTLY:
        assert decode(encode(value), typed=True) == value
    else:
        assert exactly(decode(encode(value), typed=True)) == exactly(value)
        assert name in NOT_PLAIN or exactly(decode(encode(plain))) == exactly(plain)


@pytest.mark.parametrize(
    ("value", "data"),
    [
        (None, "40"),
        (True, "41"),
        (0, "5500"),
        (-129, "81ffffffffffffff7f"),
        (2**63 - 1, "817fffffffffffffff"),
        (2**63, "808000000000000000"),
        (UInt(0), "43"),
        (UInt(255), "52ff"),
        (UByte(7), "5007"),
        (Int(-1), "54ff"),
        (1.0, "823ff0000000000000"),
        (Float(1), "723f800000"),
        ("ä", "a102c3a4"),
        (b"", "a000"),
        ([], "45"),
        ({}, "c10100"),
        (Symbol("a"), "a30161"),
        (Timestamp(-1), "83ffffffffffffffff"),
        (Decimal("1"), "9430400000000000000000000000000001"),
        (Described("a:b", 1), "00a303613a625501"),
        (Described(0x24, []), "00532445"),
        (Array(UInt, []), "e0020070"),
        (Array(bool, [True, False]), "e00402560100"),
    ],
)
def test_values_have_the_smallest_encoding(value: Any, data: str) -> None:
    assert encode(value).hex() == data


class Colour(enum.IntEnum):
    RED = 3


class Word(str):
    pass


class Ratio(float):
    pass


class Items(list):  # type: ignore[type-arg]
    pass


Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "meant"),
    [
        (Colour.RED, 3),
        (Word("a"), "a"),
        (Ratio(0.5), 0.5),
        (Items([1]), [1]),
        (Point(1, 2), [1, 2]),
        ((1, (2, 3)), [1, [2, 3]]),
        ((20, "no mark"), [20, "no mark"]),
        ([(17, b"0123456789abcdef")], [[17, b"0123456789abcdef"]]),
        (collections.OrderedDict(a=1), {"a": 1}),
        (types.MappingProxyType({"a": 1}), {"a": 1}),
        (range(3), [0, 1, 2]),
        (frozenset([1]), [1]),
        ((number for number in (1, 2)), [1, 2]),
        (bytearray(b"a"), b"a"),
        (memoryview(b"abcd")[::2], b"ac"),
        ([array.array("B", [1, 2])], [b"\x01\x02"]),
        ({"a": memoryview(b"a")}, {"a": b"a"}),
        (Fraction(1, 2), 0.5),
        (datetime(2024, 1, 1, 1, tzinfo=timezone(timedelta(hours=1))), datetime(2024, 1, 1, tzinfo=timezone.utc)),
    ],
    ids=repr,
)
def test_what_is_like_a_plain_value_is_encoded_as_one(value: Any, meant: Any) -> None:
    assert exactly(decode(encode(value))) == exactly(meant)


class Number(ctypes.c_int64):
    """Has the buffer protocol and is a number all the same, as those of numpy are."""

    def __index__(self) -> int:
        return int(self.value)


def test_numbers_with_a_buffer_are_numbers() -> None:
    assert decode(encode([Number(5), b"x"])) == [5, b"x"]
    assert decode(encode({"a": Number(5)})) == {"a": 5}


class Odd:
    pass


CYCLE: list[Any] = []
CYCLE.append(CYCLE)
DEEP: Any = 1
for _ in range(129):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    ("value", "status", "text"),
    [
        (2**64, Status.INVALID_FIELD, "18446744073709551616 does not fit 64 bits"),
        ([1, {"a": -(2**63) - 1}], Status.INVALID_FIELD, r"\[1\]\['a'\]: -9223372036854775809 does not fit 64 bits"),
        ("a\ud800", Status.BAD_UTF8, "surrogate"),
        ({"\udfff": 1}, Status.BAD_UTF8, "key: .* surrogate"),
        ([Odd()], Status.WRONG_TYPE, r"\[0\]: AMQP has no type for Odd"),
        (1j, Status.WRONG_TYPE, "complex"),
        ([..., 1], Status.WRONG_TYPE, r"\[0\]: AMQP has no type for ellipsis"),
        (Fraction(1, 3), Status.WRONG_TYPE, "exactly"),
        (datetime(2024, 1, 1), Status.INVALID_ARGUMENT, "time zone"),
        ([Decimal("1" * 40)], Status.INVALID_ARGUMENT, "Decimal128"),
        (Array(UByte, [256]), Status.INVALID_ARGUMENT, "256 is not a UByte"),
        (Array(str, [b"a"]), Status.INVALID_ARGUMENT, "element"),
        (Array(Described, [Described(1, 1), Described(2, 1)]), Status.INVALID_ARGUMENT, "cannot be encoded"),
        (Described([], 1), Status.BAD_DESCRIPTOR, "a descriptor is a symbol or a ulong"),
        (Pairs([(1, 2), (1, 3)]), Status.DUPLICATE_KEY, "key 1 twice"),
        (CYCLE, Status.TOO_DEEP, "128"),
        (DEEP, Status.TOO_DEEP, "128|deep"),
    ],
    ids=["ulong", "long", "surrogate", "key", "object", "complex", "ellipsis", "fraction", "naive", "digits", "element", "elements",
         "descriptors", "descriptor", "duplicate", "cycle", "deep"],
)  # fmt: skip
def test_what_amqp_does_not_have_is_refused(value: Any, status: Status, text: str) -> None:
    with pytest.raises(EncodeError, match=text) as caught:
        encode(value)
    assert caught.value.status == status


def test_row_16_values_are_as_deep_as_the_library_allows() -> None:
    value: Any = 1
    for _ in range(32):
        value = [value]
    assert decode(encode(value)) == value


def test_pairs_and_merged_keys_keep_their_types() -> None:
    pairs = Pairs([(1, "a"), (True, "b"), (1.0, "c"), (ULong(1), "d"), ([1], "e")])
    assert exactly(decode(encode(pairs), typed=True)) == exactly(Pairs([(decode(encode(k), typed=True), v) for k, v in pairs.items()]))


@pytest.mark.parametrize("size", [0, 255, 256, 65535, 131071, 131072, 1_000_000])
def test_large_values_are_whole(size: int) -> None:
    assert decode(encode(b"x" * size)) == b"x" * size
    assert decode(encode(["x" * size, uuid.UUID(int=1)])) == ["x" * size, uuid.UUID(int=1)]


def test_zero_and_nan_keep_their_bits() -> None:
    assert math.copysign(1, decode(encode(-0.0))) == -1
    assert math.isnan(decode(encode(math.nan)))
