#!/usr/bin/env python3
"""Writes capture.bin: what a client sends in one connection, as bytes, from the frames and messages of tests/vectors.

    tests/demo/make_capture.py

SASL, open, begin, attach, then one transfer for each message that Proton, rhea and go-amqp wrote, a few dispositions, detach, end and
close. The file is checked in; run this after the vectors have changed.
"""

import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors"
ORIGINS = ("proton", "rhea", "go-amqp")
BEFORE = [("go-amqp", "open"), ("go-amqp", "begin"), ("proton", "attach-sender")]
AFTER = [
    ("proton", "disposition-accepted"), ("rhea", "disposition-rejected-with-error"), ("go-amqp", "disposition-modified-annotations"),
    ("proton", "heartbeat"), ("go-amqp", "detach"), ("go-amqp", "end-channel-0"), ("go-amqp", "close"),
]  # fmt: skip


def vectors(origin: str, kind: str) -> dict[str, bytes]:
    """The vectors of a file that decode, by name."""
    rows = [line.split("\t") for line in (VECTORS / f"{origin}.tsv").read_text().splitlines() if not line.startswith("#")]
    return {row[2]: bytes.fromhex(row[5]) for row in rows if row[0] == kind and row[3] == "ok"}


def transfer(delivery_id: int, message: bytes) -> bytes:
    """A frame: transfer on channel 0, handle 0, with a tag of 8 bytes, not settled, and the message."""
    tag = delivery_id.to_bytes(8, "big")
    fields = b"\x43" + b"\x52" + bytes([delivery_id]) + b"\xa0\x08" + tag + b"\x43"
    body = b"\x00\x53\x14\xc0" + bytes([len(fields) + 1, 4]) + fields + message
    return struct.pack(">IBBH", 8 + len(body), 2, 0, 0) + body


def main() -> int:
    frames = {(origin, name): data for origin in ORIGINS for name, data in vectors(origin, "frame").items()}
    messages = [data for origin in ORIGINS for data in vectors(origin, "message").values()]
    stream = b"AMQP\x03\x01\x00\x00" + frames["go-amqp", "sasl-init-plain"] + b"AMQP\x00\x01\x00\x00"
    stream += b"".join(frames[key] for key in BEFORE)
    stream += b"".join(transfer(number, message) for number, message in enumerate(messages))
    stream += b"".join(frames[key] for key in AFTER)
    (HERE / "capture.bin").write_bytes(stream)
    print(f"{len(stream)} bytes, {len(messages)} messages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
