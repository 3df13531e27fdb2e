"""The types that Python has no type for."""

from __future__ import annotations

import copy
import math
import pickle
import subprocess
import sys
import uuid
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from amqpcodec import _types
from amqpcodec._decimals import Decimal32, Decimal64, Decimal128
from amqpcodec._types import (
    Array,
    Byte,
    Char,
    Described,
    Float,
    Int,
    Long,
    Pairs,
    Short,
    Symbol,
    Timestamp,
    UByte,
    UInt,
    ULong,
    UShort,
)

INTEGERS = [UByte, UShort, UInt, ULong, Byte, Short, Int, Long, Timestamp]
EXAMPLES: list[Any] = [
    *[kind(kind.MAX) for kind in INTEGERS],
    Float(1.1),
    Char("\U0001f600"),
    Symbol("x-opt-key"),
    Decimal32("1.5"),
    Decimal64("-0"),
    Decimal128("Infinity"),
    Described(Symbol("a:b"), [1]),
    Array(UInt, [1, 2]),
    Array(None, [None]),
    Array(uuid.UUID, [uuid.UUID(int=7)]),
    Pairs([(1, "a"), (True, "b")]),
]


@pytest.mark.parametrize("kind", INTEGERS)
def test_integers_hold_their_range_and_nothing_else(kind: Any) -> None:
    for number in (kind.MIN, kind.MAX, 0):
        assert kind(number) == number
        assert hash(kind(number)) == hash(number)
        assert str(kind(number)) == str(number)
        assert f"{kind(number)}" == str(number)
        assert repr(kind(number)) == f"{kind.__name__}({number})"
    for number in (kind.MIN - 1, kind.MAX + 1):
        with pytest.raises(ValueError, match=kind.__name__):
            kind(number)
    with pytest.raises(TypeError):
        kind(1.0)


def test_arithmetic_of_integers_gives_plain_integers() -> None:
    assert type(UByte(200) + UByte(100)) is int


@pytest.mark.parametrize("value", EXAMPLES, ids=repr)
def test_examples_are_pickled_and_copied_as_what_they_are(value: Any) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        again = pickle.loads(pickle.dumps(value, protocol))
        assert again == value
        assert type(again) is type(value)
    for again in (copy.copy(value), copy.deepcopy(value)):
        assert again == value
        assert type(again) is type(value)


@pytest.mark.parametrize("value", EXAMPLES, ids=repr)
def test_representations_make_the_value_again(value: Any) -> None:
    names: dict[str, Any] = {type(example).__name__: type(example) for example in EXAMPLES}
    names.update(UUID=uuid.UUID)
    again = eval(repr(value), names)
    assert again == value
    assert type(again) is type(value)


def test_floats_are_rounded_to_32_bits() -> None:
    assert Float(1.1) == 1.10000002384185791015625
    assert Float(Float(1.1)) == Float(1.1)
    assert math.isnan(Float(math.nan))
    assert math.copysign(1, Float(-0.0)) == -1
    assert Float(math.inf) == math.inf
    with pytest.raises(OverflowError):
        Float(1e39)


@pytest.mark.parametrize("text", ["", "ab", "\ud800", "\udfff"])
def test_a_char_is_one_character(text: str) -> None:
    with pytest.raises(ValueError, match="one character"):
        Char(text)


def test_a_char_is_a_string() -> None:
    assert Char("a") == "a"
    assert type(str(Char("a"))) is str


def test_a_symbol_is_an_ascii_string() -> None:
    assert Symbol("a") == "a"
    found: dict[str, int] = {Symbol("a"): 1}
    assert found["a"] == 1
    with pytest.raises(ValueError, match="ASCII"):
        Symbol("ä")


def test_timestamps_and_datetimes() -> None:
    moment = datetime(2024, 2, 29, 12, 30, 1, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert Timestamp.from_datetime(moment) == 1709202601999
    assert Timestamp(1709202601999).to_datetime() == datetime(2024, 2, 29, 10, 30, 1, 999_000, tzinfo=timezone.utc)
    assert Timestamp.from_datetime(datetime(1969, 12, 31, 23, 59, 59, 999_500, tzinfo=timezone.utc)) == -1
    with pytest.raises(ValueError, match="time zone"):
        Timestamp.from_datetime(datetime(2024, 1, 1))
    with pytest.raises(OverflowError):
        Timestamp(2**63 - 1).to_datetime()


@pytest.mark.parametrize("milliseconds", [-62135596800000, -1, 0, 253402300799999])
def test_times_within_the_years_of_datetime_are_datetimes(milliseconds: int) -> None:
    moment = _types.time_of(milliseconds)
    assert isinstance(moment, datetime)
    assert _types.milliseconds_of(moment) == milliseconds


@pytest.mark.parametrize("milliseconds", [-62135596800001, 253402300800000, 2**63 - 1, -(2**63)])
def test_times_beyond_the_years_of_datetime_are_timestamps(milliseconds: int) -> None:
    assert _types.time_of(milliseconds) == milliseconds
    assert isinstance(_types.time_of(milliseconds), Timestamp)


# Bits as Intel's and libbson's libraries of decimal numbers by binary integers give them.
DECIMAL_BITS = [
    (Decimal32, "1", "32800001"),
    (Decimal32, "-0", "b2800000"),
    (Decimal32, "0E-101", "00000000"),
    (Decimal32, "9999999E+90", "77f8967f"),
    (Decimal32, "8388608", "6ca00000"),
    (Decimal32, "Infinity", "78000000"),
    (Decimal32, "-Infinity", "f8000000"),
    (Decimal32, "NaN", "7c000000"),
    (Decimal32, "sNaN5", "7e000005"),
    (Decimal64, "1", "31c0000000000001"),
    (Decimal64, "-7.50", "b1800000000002ee"),
    (Decimal64, "9999999999999999E+369", "77fb86f26fc0ffff"),
    (Decimal128, "1", "30400000000000000000000000000001"),
    (Decimal128, "0.1", "303e0000000000000000000000000001"),
    (Decimal128, "9999999999999999999999999999999999E+6111", "5fffed09bead87c0378d8e63ffffffff"),
    (Decimal128, "1E-6176", "00000000000000000000000000000001"),
    (Decimal128, "NaN", "7c000000000000000000000000000000"),
]


@pytest.mark.parametrize(("kind", "text", "bits"), DECIMAL_BITS)
def test_decimals_have_the_bits_of_ieee_754(kind: Any, text: str, bits: str) -> None:
    assert kind(text).to_bits().hex() == bits
    assert kind.from_bits(bytes.fromhex(bits)).as_tuple() == Decimal(text).as_tuple()


@pytest.mark.parametrize("kind", [Decimal32, Decimal64, Decimal128])
def test_decimals_keep_digits_exponent_and_sign(kind: Any) -> None:
    emax = kind.context.Emax
    for text in ("0E+5", "-0.000", "1.10", "100", f"1E+{emax - kind.DIGITS + 1}", f"1E-{emax + kind.DIGITS - 2}", "-sNaN12", "NaN3"):
        value = kind(text)
        assert value.as_tuple() == Decimal(text).as_tuple()
        assert kind.from_bits(value.to_bits()).as_tuple() == value.as_tuple()


@pytest.mark.parametrize("kind", [Decimal32, Decimal64, Decimal128])
def test_decimals_refuse_what_they_do_not_hold_exactly(kind: Any) -> None:
    emax = kind.context.Emax
    digits = "1" * (kind.DIGITS + 1)
    for text in (digits, f"1E+{emax + 1}", f"1E-{emax + kind.DIGITS - 1}", f"1.{digits}", "NaN" + digits):
        with pytest.raises(ValueError, match=kind.__name__):
            kind(text)


def test_decimals_change_their_exponent_where_the_number_stays_the_same() -> None:
    assert Decimal32("1E+96") == Decimal("1E+96")
    assert Decimal32("1E+96").as_tuple().digits == (1, 0, 0, 0, 0, 0, 0)
    assert Decimal32("1000000000") == 1000000000


def test_decimals_read_coefficients_beyond_their_digits_as_zero() -> None:
    assert Decimal32.from_bits(bytes.fromhex("77ffffff")) == 0
    assert Decimal128.from_bits(bytes.fromhex("6000" + "00" * 14)) == 0
    with pytest.raises(ValueError, match="4 bytes"):
        Decimal32.from_bits(b"")


def test_described_values_compare_descriptor_and_value() -> None:
    assert Described(Symbol("a"), 1) == Described(Symbol("a"), 1)
    assert Described(Symbol("a"), 1) != Described(Symbol("b"), 1)
    assert Described(Symbol("a"), 1) != Described(Symbol("a"), 2)
    assert Described(Symbol("a"), 1) != 1
    assert {Described(1, "x"): 1}[Described(1, "x")] == 1
    with pytest.raises(TypeError):
        hash(Described(1, []))


def test_arrays_are_sequences_of_one_type() -> None:
    array = Array(int, [3, 4])
    assert list(array) == [3, 4]
    assert array[0] == 3
    assert array[-1:] == (4,)
    assert len(array) == 2
    assert 4 in array
    assert array == Array(Long, (3, 4))
    assert array != Array(UInt, [3, 4])
    assert array != [3, 4]
    assert hash(array) == hash(Array(Long, [3, 4]))
    assert Array(datetime).element_type is Timestamp
    with pytest.raises(TypeError, match="type of AMQP"):
        Array(set)


@pytest.mark.parametrize("code", range(25))
def test_every_type_of_amqp_has_a_class(code: int) -> None:
    assert _types.element_code(_types.element_class(code)) == code


def test_pairs_tell_keys_apart_that_python_merges() -> None:
    pairs = Pairs([(1, "long"), (True, "boolean"), (1.0, "double"), (ULong(1), "ulong"), (None, "null"), ([1], "list")])
    assert len(pairs) == 6
    assert pairs[1] == "long"
    assert pairs[True] == "boolean"
    assert pairs[1.0] == "double"
    assert pairs[ULong(1)] == "ulong"
    assert pairs[Long(1)] == "long"
    assert pairs[UByte(1)] == "long"
    assert pairs[[1]] == "list"
    assert [1] in pairs
    assert "absent" not in pairs
    assert pairs.get("absent") is None
    with pytest.raises(KeyError):
        pairs["absent"]
    assert list(pairs) == list(pairs.keys()) == [key for key, _ in pairs.items()]
    assert list(pairs.values())[-1] == "list"


def test_pairs_are_equal_in_the_same_order_and_of_the_same_types() -> None:
    assert Pairs([(1, 2), (True, 3)]) == Pairs([(1, 2), (True, 3)])
    assert Pairs([(1, 2), (True, 3)]) != Pairs([(True, 3), (1, 2)])
    assert Pairs([(1, 2)]) != Pairs([(True, 2)])
    assert Pairs({"a": 1}) == Pairs([("a", 1)])
    assert Pairs({"a": 1}) != {"a": 1}
    assert hash(Pairs({"a": 1})) == hash(Pairs({"a": 1}))
    with pytest.raises(TypeError):
        hash(Pairs({"a": []}))


def test_importing_the_types_imports_nothing_heavy() -> None:
    program = "import sys, amqpcodec._types; print([n for n in ('decimal', 'uuid', 'datetime') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_decimals_are_found_among_the_types() -> None:
    assert _types.Decimal32 is Decimal32
    with pytest.raises(AttributeError):
        _types.Decimal33  # noqa: B018
