"""Values of every type for hypothesis, and comparing them exactly."""

from __future__ import annotations

import math
import struct
import sys
import uuid
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

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
from hypothesis import strategies as st

PYPY = sys.implementation.name == "pypy"  # hypothesis takes long there
INTEGERS = [UByte, UShort, UInt, ULong, Byte, Short, Int, Long]
MILLISECONDS_MIN, MILLISECONDS_MAX = -62135596800000, 253402300799999  # of datetime's years


def integers(kind: Any) -> Any:
    return st.integers(kind.MIN, kind.MAX).map(kind)


def decimals(kind: Any) -> Any:
    return st.binary(min_size=kind.SIZE, max_size=kind.SIZE).map(kind.from_bits)


def _float32(value: float) -> Any:
    return Float(value)


WITHOUT_SURROGATES: Any = ("Cs",)
texts = st.text(st.characters(blacklist_categories=WITHOUT_SURROGATES), max_size=40)
symbols = st.text(st.characters(max_codepoint=127), max_size=40).map(Symbol)
times = st.integers(MILLISECONDS_MIN, MILLISECONDS_MAX).map(lambda ms: Timestamp(ms).to_datetime())
late_times = st.integers(MILLISECONDS_MAX + 1, 2**63 - 1).map(Timestamp)
floats = st.floats(width=32).map(_float32)
chars = st.characters(blacklist_categories=WITHOUT_SURROGATES).map(Char)
uuids = st.uuids()
descriptors = st.one_of(symbols, integers(ULong))

# What comes back from typed mode as it is.
typed_scalars = st.one_of(
    st.none(), st.booleans(), *(integers(kind) for kind in INTEGERS), floats, st.floats(), decimals(Decimal32), decimals(Decimal64),
    decimals(Decimal128), chars, times, late_times, uuids, st.binary(max_size=40), texts, symbols,
)  # fmt: skip


def _arrays(values: Any) -> Any:
    """Arrays of one type each."""
    of: dict[Any, Any] = {
        None: st.none(), bool: st.booleans(), Float: floats, float: st.floats(), Decimal64: decimals(Decimal64), Char: chars,
        Timestamp: times, uuid.UUID: uuids, bytes: st.binary(max_size=40), str: texts, Symbol: symbols,
        list: st.lists(values, max_size=3), **{kind: integers(kind) for kind in INTEGERS},
    }  # fmt: skip
    return st.sampled_from(list(of)).flatmap(lambda kind: st.builds(Array, st.just(kind), st.lists(of[kind], max_size=5)))


def _maps(values: Any) -> Any:
    return st.dictionaries(st.one_of(texts, symbols, integers(Long)), values, max_size=4)


def _compounds(values: Any) -> Any:
    return st.one_of(st.lists(values, max_size=5), _maps(values), _arrays(values), st.builds(Described, descriptors, values))


typed_values = st.recursive(typed_scalars, _compounds, max_leaves=10)

# What programs have without classes of ours.
plain_scalars = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(), times, uuids, st.binary(max_size=40), texts)
plain_values = st.recursive(
    plain_scalars,
    lambda values: st.one_of(st.lists(values, max_size=5), st.dictionaries(texts, values, max_size=4)),
    max_leaves=10,
)


def exactly(value: Any) -> Any:
    """Something that is equal only for values of the same AMQP type and content: bits of floats, types of integers."""
    kind = type(value)
    if isinstance(value, float):
        return kind, "NaN" if math.isnan(value) else struct.pack(">d", value)
    if isinstance(value, Decimal):
        return kind, value.as_tuple()
    if isinstance(value, datetime):
        return Timestamp, (value - datetime(1970, 1, 1, tzinfo=timezone.utc)).total_seconds()
    if isinstance(value, list):
        return kind, [exactly(item) for item in value]
    if isinstance(value, (dict, Pairs)):
        return "map", [(exactly(key), exactly(item)) for key, item in value.items()]
    if isinstance(value, Array):
        return kind, value.element_type, [exactly(item) for item in value]
    if isinstance(value, Described):
        return kind, exactly(value.descriptor), exactly(value.value)
    return kind, value
