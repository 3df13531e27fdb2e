"""Encoding: which way into C this interpreter takes."""

from __future__ import annotations

import sys

TYPE_CHECKING = False

if TYPE_CHECKING or sys.implementation.name != "pypy":
    from amqpcodec._encode_marshal import encode_batch, encode_message, encode_value, give_encoder, payloads_of, take_encoder
else:
    from amqpcodec._encode_pypy import encode_batch, encode_message, encode_value, give_encoder, payloads_of, take_encoder

__all__ = ["encode_batch", "encode_message", "encode_value", "give_encoder", "payloads_of", "take_encoder"]
