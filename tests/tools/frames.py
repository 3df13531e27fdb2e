"""Frames for the tests, encoded by hand in their longest and plainest form."""

from __future__ import annotations

import struct


def uint(number: int) -> bytes:
    return b"\x70" + struct.pack(">I", number)


def string(text: str) -> bytes:
    data = text.encode("utf-8")
    return b"\xa1" + bytes([len(data)]) + data


def binary(data: bytes) -> bytes:
    return b"\xb0" + struct.pack(">I", len(data)) + data


NULL, TRUE, FALSE = b"\x40", b"\x41", b"\x42"


def composite(descriptor: int, *fields: bytes) -> bytes:
    content = b"".join(fields)
    return b"\x00\x53" + bytes([descriptor]) + b"\xd0" + struct.pack(">II", len(content) + 4, len(fields)) + content


def frame(body: bytes, channel: int = 0, frame_type: int = 0) -> bytes:
    return struct.pack(">IBBH", 8 + len(body), 2, frame_type, channel) + body


def open_frame(container_id: str, max_frame_size: int = 65536) -> bytes:
    return frame(composite(0x10, string(container_id), NULL, uint(max_frame_size)))


def begin_frame(channel: int = 0) -> bytes:
    return frame(composite(0x11, NULL, uint(0), uint(100), uint(100)), channel)


def transfer_frame(payload: bytes, *, handle: int = 0, delivery_id: int | None = 0, more: bool = False,
                   aborted: bool = False, channel: int = 0, message_format: int = 0) -> bytes:
    fields = [uint(handle), NULL, NULL, NULL, FALSE, TRUE if more else FALSE, NULL, NULL, NULL, TRUE if aborted else FALSE]
    if delivery_id is not None:
        fields[1:4] = [uint(delivery_id), binary(b"t"), uint(message_format)]
    return frame(composite(0x14, *fields) + payload, channel)


def close_frame() -> bytes:
    return frame(composite(0x18))


def detach_frame(handle: int) -> bytes:
    return frame(composite(0x16, uint(handle)))


def end_frame() -> bytes:
    return frame(composite(0x17))


def data_message(body: bytes) -> bytes:
    """A message of a header and one data section."""
    return composite(0x70, TRUE) + b"\x00\x53\x75" + binary(body)


def sasl_frame(descriptor: int, *fields: bytes) -> bytes:
    return frame(composite(descriptor, *fields), frame_type=1)


def sasl_mechanisms() -> bytes:
    return sasl_frame(0x40, b"\xa3\x05PLAIN")


def sasl_init() -> bytes:
    return sasl_frame(0x41, b"\xa3\x05PLAIN", binary(b"\0u\0p"))


def sasl_outcome() -> bytes:
    return sasl_frame(0x44, b"\x50\x00")
