"""Decoding values: types, maps, and what does not decode."""

from __future__ import annotations

import contextlib
import datetime
import math
import uuid
from decimal import Decimal
from typing import Any

import amqpcodec
import pytest
from amqpcodec import DecodeError, decode, decode_prefix
from amqpcodec._marks import _date_of
from amqpcodec._types import Array, Char, Described, Float, Int, Long, Pairs, Symbol, Timestamp, UByte, UInt, ULong
from vectors import VALUES

CASES = [vector for vector in VALUES if vector.status == "ok"]
FAULTS = [vector for vector in VALUES if vector.status != "ok"]


def text_of(value: Any) -> str:
    """A value decoded in typed mode, as docs/notation.md writes it, in so far as Python has all of it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, Timestamp):
        return f"timestamp({int(value)})"
    if isinstance(value, int):
        return f"{type(value).__name__.lower()}({int(value)})"
    if isinstance(value, Symbol):
        return f':"{str.__str__(value)}"'
    if isinstance(value, Char):
        return f"char(U+{ord(value):04X})"
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, uuid.UUID):
        return f"uuid({value})"
    if isinstance(value, list):
        return f"[{', '.join(map(text_of, value))}]"
    if isinstance(value, (dict, Pairs)):
        return "{" + ", ".join(f"{text_of(key)}: {text_of(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Described):
        return f"@{text_of(value.descriptor)} {text_of(value.value)}"
    raise NotImplementedError


def test_vectors_decode() -> None:
    compared = 0
    for vector in CASES:
        value, size = decode_prefix(vector.data, typed=True)
        assert size == vector.offset == len(vector.data), vector.name
        plain = decode(vector.data)
        if isinstance(value, (bool, int, str, bytes, uuid.UUID)):
            assert plain == value, vector.name
        with contextlib.suppress(NotImplementedError):
            text = text_of(value)
            assert text == vector.text or "\\" in vector.text
            compared += 1
    assert compared > len(CASES) // 2


def test_hostile_vectors_raise() -> None:
    assert len(FAULTS) > 50
    for vector in FAULTS:
        for typed in (False, True):
            with pytest.raises(DecodeError) as caught:
                decode(vector.data, typed=typed)
            assert (caught.value.status.name, caught.value.offset) == (vector.status, vector.offset), vector.name
            assert caught.value.data == vector.data


def test_row_25_truncation_at_every_byte_raises() -> None:
    for vector in CASES:
        for size in range(len(vector.data)):
            with pytest.raises(DecodeError):
                decode(vector.data[:size])


@pytest.mark.parametrize(
    ("digits", "plain", "typed"),
    [
        ("5207", 7, UInt(7)),
        ("80ffffffffffffffff", 2**64 - 1, ULong(2**64 - 1)),
        ("818000000000000000", -(2**63), Long(-(2**63))),
        ("817fffffffffffffff", 2**63 - 1, Long(2**63 - 1)),
        ("7180000000", -(2**31), Int(-(2**31))),
        ("70ffffffff", 2**32 - 1, UInt(2**32 - 1)),
        ("723fc00000", 1.5, Float(1.5)),
        ("823ff8000000000000", 1.5, 1.5),
        ("a100", "", ""),
        ("a10161", "a", "a"),
        ("a103610062", "a\0b", "a\0b"),
        ("a104f09f9880", "\N{GRINNING FACE}", "\N{GRINNING FACE}"),
        ("a000", b"", b""),
        ("a302612f", Symbol("a/"), Symbol("a/")),
        ("730001f600", Char("\N{GRINNING FACE}"), Char("\N{GRINNING FACE}")),
        ("45", [], []),
        ("c10100", {}, {}),
    ],
)
def test_types_come_out_right(digits: str, plain: Any, typed: Any) -> None:
    for mode, wanted in ((False, plain), (True, typed)):
        found = decode(bytes.fromhex(digits), typed=mode)
        assert found == wanted
        assert type(found) is type(wanted)


def test_timestamps_are_aware_datetimes_where_these_reach() -> None:
    milliseconds = 1_700_000_000_123
    wanted = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(milliseconds=milliseconds)
    assert decode(b"\x83" + milliseconds.to_bytes(8, "big")) == wanted
    beyond = decode(b"\x83" + (2**63 - 1).to_bytes(8, "big"))
    assert type(beyond) is Timestamp
    assert beyond == 2**63 - 1


@pytest.mark.parametrize(
    "milliseconds",
    [-62135596800001, -62135596800000, -1001, -1, 0, 951782399999, 951782400000, 1709251199999, 4107542400000, 253402300799999, 253402300800000, -(2**63)],
)
def test_times_are_exact_up_to_the_ends_of_the_calendar(milliseconds: int) -> None:
    found = decode(b"\x83" + milliseconds.to_bytes(8, "big", signed=True))
    try:
        wanted = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc) + datetime.timedelta(milliseconds=milliseconds)
    except OverflowError:
        assert type(found) is Timestamp
        assert found == milliseconds
    else:
        assert found == wanted
        assert found.tzinfo is datetime.timezone.utc


def test_dates_of_pypy_are_those_of_the_calendar() -> None:
    first = datetime.date(1970, 1, 1).toordinal()
    for ordinal in (*range(1, 5000), *range(1, datetime.date.max.toordinal(), 97), datetime.date.max.toordinal()):
        assert datetime.date(*_date_of(ordinal - first)).toordinal() == ordinal


def test_uuid_and_decimals() -> None:
    identity = uuid.UUID(int=0x00112233445566778899AABBCCDDEEFF)
    assert decode(b"\x98" + identity.bytes) == identity
    number = decode(bytes.fromhex("7432800001"))
    assert isinstance(number, Decimal)
    assert number == 1


def test_any_buffer_decodes_and_text_does_not() -> None:
    data = bytes.fromhex("c003024041")
    for given in (data, bytearray(data), memoryview(data), memoryview(bytearray(data))):
        assert decode(given) == [None, True]
    with pytest.raises(TypeError):
        decode("c0")


def test_bytes_behind_the_value() -> None:
    assert decode_prefix(b"\x41\x42\x43") == (True, 1)
    with pytest.raises(DecodeError) as caught:
        decode(b"\x41\x42")
    assert caught.value.status is amqpcodec.Status.TRAILING_BYTES
    assert caught.value.offset == 1
    with pytest.raises(DecodeError):
        decode(b"")


def of_pairs(*pairs: str) -> bytes:
    """A map of keys and values in hexadecimal."""
    content = bytes.fromhex("".join(pairs))
    return bytes([0xC1, len(content) + 1, len(pairs)]) + content


@pytest.mark.parametrize(
    ("pairs", "keys"),
    [
        (("5501", "40", "41", "40"), [1, True]),  # long 1, true
        (("5501", "40", "5301", "40"), [1, 1]),  # long 1, ulong 1
        (("5501", "40", "823ff0000000000000", "40"), [1, 1.0]),
        (("820000000000000000", "40", "828000000000000000", "40"), [0.0, -0.0]),
        (("a10161", "40", "a30161", "40"), ["a", Symbol("a")]),
        (("a10161", "40", "7300000061", "40"), ["a", Char("a")]),
        (("5501", "40", "7432800001", "40"), [1, Decimal(1)]),
        (("45", "40"), [[]]),
        (("c10100", "40"), [{}]),
    ],
)
def test_maps_that_a_dict_cannot_hold_are_pairs(pairs: tuple[str, ...], keys: list[Any]) -> None:
    found = decode(of_pairs(*pairs))
    assert isinstance(found, Pairs)
    assert list(found.keys()) == keys
    in_list = decode(bytes([0xC0, len(of_pairs(*pairs)) + 1, 1]) + of_pairs(*pairs))
    assert in_list == [found]


def test_a_map_with_the_key_nan_is_pairs() -> None:
    found = decode(of_pairs("827ff8000000000000", "41"))
    assert isinstance(found, Pairs)
    (key,) = found.keys()
    assert math.isnan(key)


@pytest.mark.parametrize(
    ("pairs", "wanted"),
    [
        (("a10161", "41", "a10162", "42"), {"a": True, "b": False}),
        (("5501", "41", "5502", "42"), {1: True, 2: False}),
        (("5501", "41", "80ffffffffffffffff", "42"), {1: True, 2**64 - 1: False}),
        (("5500", "41", "41", "42"), {0: True, True: False}),
        (("a10161", "41", "a30162", "42"), {"a": True, Symbol("b"): False}),
        (("823ff8000000000000", "41", "5501", "42"), {1.5: True, 1: False}),
        (("40", "41", "a00161", "42", "a10161", "40"), {None: True, b"a": False, "a": None}),
        (("7432800001", "41", "5502", "42"), {Decimal(1): True, 2: False}),
    ],
)
def test_maps_that_a_dict_holds_are_dicts(pairs: tuple[str, ...], wanted: dict[Any, Any]) -> None:
    found = decode(of_pairs(*pairs))
    assert type(found) is dict
    assert found == wanted
    assert list(found) == list(wanted)


def test_maps_of_keys_whose_hashes_a_peer_can_choose_are_pairs_when_large() -> None:
    prime = 2**61 - 1  # uuid.UUID hashes as its integer, modulo this
    keys = [(index * prime).to_bytes(16, "big") for index in range(2000)]
    content = b"".join(b"\x98" + key + b"\x40" for key in keys)
    data = b"\xd1" + (len(content) + 4).to_bytes(4, "big") + (2 * len(keys)).to_bytes(4, "big") + content
    found = decode(data)
    assert isinstance(found, Pairs)
    assert len(found) == len(keys)


def test_arrays() -> None:
    assert decode(bytes.fromhex("e00402520102")) == Array(UInt, [1, 2])
    typed = decode(bytes.fromhex("e00402500102"), typed=True)
    assert [type(element) for element in typed] == [UByte, UByte]
    assert decode(bytes.fromhex("e00602a301610162")) == Array(Symbol, ["a", "b"])


def test_repeated_strings_are_one_object() -> None:
    data = bytes.fromhex("c01904" + 4 * f"a104{b'name'.hex()}")
    found = decode(data)
    assert found == ["name"] * 4
    assert all(item is found[0] for item in found)


def test_deepest_nesting_decodes_in_both_modes() -> None:
    data = b"\x45"
    for _ in range(31):
        data = b"\xd0" + (len(data) + 4).to_bytes(4, "big") + (1).to_bytes(4, "big") + data
    depth = 0
    found = decode(data, typed=True)
    while found:
        found = found[0]
        depth += 1
    assert depth == 31
