"""What was decoded encodes to the same again, in the types that it had."""

from __future__ import annotations

import pytest
from amqpcodec import decode, decode_message, encode, encode_message
from vectors import MESSAGES, VALUES

# What Python does not tell apart, or cannot write (encode's documentation).
LEFT_OUT = ("array-of-twice-described", "described-by-string")


@pytest.mark.parametrize("typed", [False, True])
@pytest.mark.parametrize("lazy", [False, True])
def test_messages(typed: bool, lazy: bool) -> None:
    for vector in MESSAGES:
        if vector.status != "ok":
            continue
        message = decode_message(vector.data, typed=typed, lazy=lazy)
        copied = message.copy()
        assert repr(decode_message(encode_message(message), typed=typed)) == repr(message), vector.name
        assert encode_message(copied) == encode_message(message)
        if "nan" not in repr(message).lower():
            assert copied == message
            assert message == copied


def test_values_in_typed_mode() -> None:
    for vector in VALUES:
        if vector.status == "ok" and not vector.name.endswith(LEFT_OUT):
            value = decode(vector.data, typed=True)
            assert repr(decode(encode(value), typed=True)) == repr(value), vector.name
