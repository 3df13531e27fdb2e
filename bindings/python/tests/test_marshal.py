"""What crosses from C to Python is what marshal reads, and what our own reader reads."""

from __future__ import annotations

import marshal
import random
from typing import Any

import pytest
from amqpcodec import DecodeError, _crossing, _marshal, _unmarshal, decode, decode_message, decode_messages
from amqpcodec._crossing import TYPED, ffi, lib
from vectors import MESSAGES, VALUES


def crossed(data: bytes, mode: int = 0) -> tuple[bytes, int]:
    """What C makes of a value, and flags."""
    output = _crossing.Output()
    flags = lib.crossing_decode_value(output.handle, data, len(data), mode, ffi.NULL)
    assert flags >= 0
    return bytes(ffi.buffer(lib.crossing_output_data(output.handle), lib.crossing_output_size(output.handle))), flags


def encoded(value: Any) -> bytes:
    """A value of Python as AMQP, in the plainest way."""
    if value is None or isinstance(value, bool):
        return {None: b"\x40", True: b"\x41", False: b"\x42"}[value]
    if isinstance(value, int):
        return b"\x81" + value.to_bytes(8, "big", signed=True) if value < 2**63 else b"\x80" + value.to_bytes(8, "big")
    if isinstance(value, (str, bytes)):
        octets = value.encode() if isinstance(value, str) else value
        return (b"\xb1" if isinstance(value, str) else b"\xb0") + len(octets).to_bytes(4, "big") + octets
    items = [part for item in value.items() for part in item] if isinstance(value, dict) else value
    content = len(items).to_bytes(4, "big") + b"".join(map(encoded, items))
    return (b"\xd1" if isinstance(value, dict) else b"\xd0") + len(content).to_bytes(4, "big") + content


def test_the_sample_is_read_by_this_interpreter_and_by_our_own_reader() -> None:
    assert _marshal.loads is not _unmarshal.loads
    assert _marshal.reads_rightly(_marshal.loads)
    assert _marshal.reads_rightly(_unmarshal.loads)


def test_a_marshal_that_reads_otherwise_is_not_used() -> None:
    def fails(_data: Any) -> Any:
        raise ValueError("bad marshal data")

    def another(data: Any) -> Any:
        found = marshal.loads(data)
        found[7] = b"else"
        return found

    def copies(data: Any) -> Any:
        found = marshal.loads(data)
        return [*found[:11], {"".join(list(key)): item for key, item in found[11].items()}]

    for wrong in (fails, another, copies, repr):
        assert not _marshal.reads_rightly(wrong)
    assert _marshal.choose((fails, another)) is _unmarshal.loads
    assert _marshal.choose((fails, marshal.loads)) is marshal.loads


@pytest.mark.parametrize(
    "value",
    [
        None, True, False, 0, 1, -1, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2**30, 2**45, -(2**45), 2**60 - 1, 2**63 - 1, 2**63,
        2**64 - 1, -(2**63), "", "a", "\0", "x" * 32, "x" * 33, "x" * 255, "x" * 256, "\N{LATIN SMALL LETTER E WITH ACUTE}", "\u20ac" * 100,
        "\U0010ffff", "\U0001f600 and more", b"", b"\0", b"x" * 70000, [], [[]], {}, {"a": {"b": [1, "a", "b"]}}, ["same"] * 5,
        [f"text {index}" for index in range(500)] * 2, {f"key {index}": index for index in range(500)},
        [{"name": "x", "other name, a little longer": "x"}] * 10,
    ],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_values_are_as_marshal_makes_them(value: Any) -> None:
    data, flags = crossed(encoded(value))
    assert flags & _crossing.MARKS == 0
    for found in (marshal.loads(data), _unmarshal.loads(data), decode(encoded(value))):
        assert repr(found) == repr(value)
    if not isinstance(value, (str, list, dict)):
        assert data == marshal.dumps(value, 2)


def test_no_code_makes_strings_immortal() -> None:
    """Interned codes are t, A and Z. A stream of one string is its code, its size, and itself."""
    for text in ("", "a", "name", "x" * 300, "\u20ac"):
        assert crossed(encoded(text))[0][0] & 0x7F in b"zau"


def test_repeated_strings_are_references_up_to_a_size() -> None:
    for size, repeats in ((1, True), (8, True), (32, True), (33, False), (500, False)):
        data, _ = crossed(encoded(["x" * size] * 50))
        assert (len(data) < size + 300) is repeats or size == 1
        assert marshal.loads(data) == ["x" * size] * 50


def test_strings_that_share_a_place_in_the_table_are_told_apart() -> None:
    chosen = random.Random(5)
    texts = ["".join(chosen.choices("abc\u00e9", k=chosen.randrange(1, 6))) for _ in range(5000)]
    assert decode(encoded(texts)) == texts


def test_our_own_reader_does_as_marshal_for_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    values = [vector.data for vector in VALUES if vector.status == "ok"]
    messages = [vector.data for vector in MESSAGES if vector.status == "ok"]

    def everything() -> list[str]:
        found: list[Any] = [decode(data, typed=typed) for data in values for typed in (False, True)]
        found += [decode_message(data, typed=typed) for data in messages for typed in (False, True)]
        return [repr(value) for value in found + decode_messages(messages) + decode_messages(messages, lazy=True)]

    wanted = everything()
    monkeypatch.setattr(_crossing, "loads", _unmarshal.loads)
    assert everything() == wanted
    with pytest.raises(DecodeError):
        decode_messages([messages[0], b"\x00"])


def test_our_own_reader_refuses_what_c_does_not_write() -> None:
    for wrong in (b"", b"?", b"s\x05\x00\x00\x00ab", b"[\x01\x00\x00\x00", b"s\xff\xff\xff\xff", b"(\x00", b"c\x00"):
        with pytest.raises(ValueError, match="bad marshal data"):
            _unmarshal.loads(wrong)


def test_the_output_moves_and_shrinks_again() -> None:
    output = _crossing.Output()
    for size in (10, 200_000, 10, 5_000_000, 10, 300_000):
        data = encoded(b"x" * size)
        flags = lib.crossing_decode_value(output.handle, data, len(data), 0, ffi.NULL)
        assert output.read(flags) == b"x" * size
    assert lib.crossing_output_capacity(output.handle) < 2_000_000


def test_marks_of_every_type() -> None:
    flags = crossed(bytes.fromhex("5501"))[1]
    assert flags & _crossing.MARKS == 0
    data, flags = crossed(bytes.fromhex("5501"), TYPED)
    assert flags & _crossing.MARKS
    assert marshal.loads(data) == (9, 1)
    for digits, mark in {
        "a30161": (20, "a"),
        "7300000041": (15, 65),
        "830000000000000001": (16, 1),
        "98" + 16 * "01": (17, b"\x01" * 16),
        "7401020304": (12, b"\x01\x02\x03\x04"),
        "00530140": (24, 1, None),
        "e00402520102": (23, 4, [1, 2]),
    }.items():
        assert marshal.loads(crossed(bytes.fromhex(digits))[0]) == mark
    assert marshal.loads(crossed(bytes.fromhex("c106044140550140"))[0]) == (22, [True, None, 1, None])
