"""Frames, performatives and the other composite types of AMQP 1.0, for those who write tools.

Every composite type is a class with the fields of the specification, `Open`, `Attach`, `Source`, `Error` and the rest::

    from amqpcodec.performatives import FrameParser, Open, encode_frame

    data = encode_frame(Open("my-container", hostname="example.com"))

`FrameParser` takes a stream apart, `decode_frame` one frame. What the bytes of a peer may be is checked by the C library, to
the last byte; `DecodeError` says what was wrong, and where.
"""

from __future__ import annotations

from amqpcodec import _composites
from amqpcodec._composite import Composite, Field, from_value
from amqpcodec._composites import *  # noqa: F403 # all of its names are public
from amqpcodec._frames import (
    Frame,
    FrameParser,
    FrameType,
    Protocol,
    ProtocolHeader,
    decode_frame,
    decode_performative,
    encode_frame,
)

__all__ = [
    "Composite",
    "Field",
    "Frame",
    "FrameParser",
    "FrameType",
    "Protocol",
    "ProtocolHeader",
    "decode_frame",
    "decode_performative",
    "encode_frame",
    "from_value",
]
__all__ += _composites.__all__

# Whoever meets one, in a traceback or in help, is told where it is public.
for _public in __all__:
    if isinstance(globals()[_public], type):
        globals()[_public].__module__ = __name__
