"""Protocol headers and frames: taken out of a stream of bytes, and written (AMQP 2.2, 2.3, 5.3.1)."""

from __future__ import annotations

import enum
from collections.abc import Iterator
from typing import Any, NamedTuple

from amqpcodec._composite import Composite, from_described_list
from amqpcodec._composites import SaslOutcome
from amqpcodec._crossing import decode_error, ffi, lib
from amqpcodec._errors import DecodeError, EncodeError
from amqpcodec._library import Buffer, bytes_of
from amqpcodec._status import Status

# What a number of any size is to the library's limits.
UNLIMITED = 0xFFFFFFFF
FRAME_HEADER_SIZE = 8
DEFAULT_MAX_FRAME_SIZE = 65536


class Protocol(enum.IntEnum):
    """What a protocol header announces."""

    AMQP = 0
    TLS = 2
    SASL = 3


class FrameType(enum.IntEnum):
    """The type of a frame."""

    AMQP = 0
    SASL = 1


class ProtocolHeader(NamedTuple):
    """A protocol header (AMQP 2.2): ``AMQP``, the protocol, and version 1.0.0."""

    protocol: Protocol

    def encode(self) -> bytes:
        """The header as its 8 bytes."""
        return b"AMQP" + bytes([self.protocol, 1, 0, 0])


class Frame:
    """One frame (AMQP 2.3): a performative, and behind a transfer its payload.

    performative     such as `Open` or `SaslInit`; ``None`` in an empty frame, which only keeps the connection alive
    payload          of a transfer the message, or a piece of it
    channel          of an AMQP frame
    extended_header  bytes between the header and the body, a multiple of 4; AMQP 1.0 has no use for them

    `type` follows from the performative; an empty frame is one of AMQP unless ``type=FrameType.SASL`` says otherwise.
    """

    __slots__ = ("channel", "extended_header", "payload", "performative", "type")
    __hash__ = None  # type: ignore[assignment] # its performative may be changed

    def __init__(
        self,
        performative: Composite | None = None,
        payload: bytes = b"",
        *,
        channel: int = 0,
        extended_header: bytes = b"",
        type: FrameType | None = None,
    ) -> None:
        self.performative = performative
        self.payload = payload
        self.channel = channel
        self.extended_header = extended_header
        is_sasl = performative is not None and performative.NAME.startswith("sasl-")
        self.type = type if type is not None else FrameType.SASL if is_sasl else FrameType.AMQP

    def encode(self) -> bytes:
        """The frame as bytes.

        Raises EncodeError: the performative cannot be encoded, is none, or may not have a payload.
        """
        body = b"" if self.performative is None else self.performative.encode()
        if len(self.extended_header) % 4 or len(self.extended_header) > 1012:
            raise EncodeError("the extended header is not a multiple of 4 bytes, up to 1012")
        if not 0 <= self.channel <= 0xFFFF:
            raise EncodeError(f"{self.channel} is not a channel: 0 to 65535")
        start = FRAME_HEADER_SIZE + len(self.extended_header)
        size = start + len(body) + len(self.payload)
        if size > UNLIMITED:
            raise EncodeError("the frame would be larger than 4 GiB")
        head = size.to_bytes(4, "big") + bytes([start // 4, self.type]) + self.channel.to_bytes(2, "big")
        data = b"".join((head, self.extended_header, body, self.payload))
        try:
            decode_frame(data)
        except DecodeError as error:
            raise EncodeError(f"the frame would be wrong: {error}", status=error.status) from error
        return data

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Frame):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.__slots__)

    def __repr__(self) -> str:
        shown = f"Frame({self.performative!r}"
        shown += f", {self.payload!r}" if self.payload else ""
        shown += f", channel={self.channel}" if self.type is FrameType.AMQP else ""
        shown += f", extended_header={self.extended_header!r}" if self.extended_header else ""
        return shown + ")"


def encode_frame(performative: Composite | None = None, payload: bytes = b"", *, channel: int = 0) -> bytes:
    """A frame as bytes: ``Frame(performative, payload, channel=channel).encode()``."""
    return Frame(performative, payload, channel=channel).encode()


def decode_frame(data: Buffer, *, max_frame_size: int = UNLIMITED) -> tuple[Frame, int]:
    """The frame that the bytes begin with, and how many bytes it takes.

    Raises DecodeError: the frame is not whole (with status ``NEED_MORE``, and as offset how many bytes are needed, as far as
    is known), larger than `max_frame_size`, or malformed.
    """
    data = bytes(data)
    found = ffi.new("amqpc_frame *")
    performative = ffi.new("amqpc_performative *")
    offset = ffi.new("size_t *")
    status = lib.amqpc_frame_decode(ffi.from_buffer(data), len(data), frame_limits(max_frame_size), found, performative, offset)
    if status:
        raise decode_error(status, offset[0], data, "frame")
    return _frame(data[: found.size], found, performative), int(found.size)


def decode_performative(data: Buffer, *, is_sasl: bool = False) -> tuple[Composite, bytes]:
    """The performative that is the body of a frame, and the payload behind it.

    is_sasl  the frame is one of SASL

    Raises DecodeError: it is none, or malformed, or a payload is where none may be.
    """
    data = bytes(data)
    performative = ffi.new("amqpc_performative *")
    offset = ffi.new("size_t *")
    status = lib.amqpc_performative_decode(int(is_sasl), ffi.from_buffer(data), len(data), ffi.NULL, performative, offset)
    if status:
        raise decode_error(status, offset[0], data, "sasl" if is_sasl else "performative")
    size = len(data) - int(performative.payload.size)
    return from_described_list(performative.type, data[:size]), data[size:]


def _frame(data: bytes, found: Any, performative: Any) -> Frame:
    """A frame that the library has found to be right; `data` is all of it."""
    start = 4 * int(found.data_offset)
    end = len(data) - int(performative.payload.size)
    return Frame(
        from_described_list(performative.type, data[start:end]) if performative.type else None,
        data[end:] if performative.type else b"",
        channel=int(found.channel),
        extended_header=data[FRAME_HEADER_SIZE:start],
        type=FrameType(found.type),
    )


def frame_limits(max_frame_size: int) -> Any:
    """The library's limits for somebody who looks at frames: any channel, and frames of the size, before open, too."""
    limits = ffi.new("amqpc_limits *")
    lib.amqpc_limits_init(limits, ffi.sizeof("amqpc_limits"))
    limits.frame_size = limits.initial_frame_size = min(max_frame_size, UNLIMITED)
    limits.channels = 0x10000
    return limits


class FrameParser:
    """Takes a stream of protocol headers and frames apart, fed in pieces of any size.

    A header is expected first, and again after a SASL outcome that is well. Iterating gives what has arrived whole, and
    goes on when more was fed::

        parser = FrameParser()
        parser.feed(data)
        for item in parser:
            print(item)

    max_frame_size  the largest frame to accept, in bytes; at least 512
    expect_header   whether the stream begins with a protocol header, or, being a part of one, with a frame
    """

    def __init__(self, *, max_frame_size: int = DEFAULT_MAX_FRAME_SIZE, expect_header: bool = True) -> None:
        made = ffi.new("amqpc_frame_parser **")
        status = lib.amqpc_frame_parser_new(ffi.NULL, frame_limits(max_frame_size), made)
        if status == Status.NO_MEMORY:
            raise MemoryError
        if status:
            raise ValueError(f"max_frame_size is {max_frame_size}: at least 512, at most {UNLIMITED}")
        self._parser = ffi.gc(made[0], lib.amqpc_frame_parser_free)
        self._event = ffi.new("amqpc_frame_event *")
        self._found = ffi.new("amqpc_frame *")
        self._fed: list[bytes] = []
        self._piece = b""
        self._pushed = 0
        self._taken = 0
        self._skipped = 0
        # The bytes before the piece that belong to what is not whole yet, while its first 8 bytes are not all there: only
        # these can be at fault.
        self._pending = b""
        if not expect_header:
            self.feed(ProtocolHeader(Protocol.AMQP).encode())
            next(iter(self))
            self._skipped = FRAME_HEADER_SIZE

    @property
    def position(self) -> int:
        """How many bytes of the stream all headers and frames so far have taken."""
        return self._taken - self._skipped

    @property
    def pending_size(self) -> int:
        """How many bytes are there of what is not whole yet: at the end of a stream 0, unless it was cut."""
        return int(lib.amqpc_frame_parser_pending(self._parser)) + sum(map(len, self._fed))

    def feed(self, data: Buffer) -> None:
        """Gives the next piece of the stream; it is copied."""
        self._fed.append(bytes(data))

    def __iter__(self) -> Iterator[Frame | ProtocolHeader]:
        """What has arrived whole.

        Raises DecodeError: the stream is no stream of frames, and every further call says so again; or a frame's body is
        malformed, and iterating once more goes on behind the frame.
        """
        while True:
            item = self._next()
            if item is not None:
                yield item
            elif not self._push():
                return

    def _push(self) -> bool:
        """Gives the library the next piece, when it has used the last one up."""
        if not self._fed:
            return False
        rest = self._rest()
        self._pending = rest if len(rest) < FRAME_HEADER_SIZE else b""
        self._piece = self._fed.pop(0)
        self._pushed += len(self._piece)
        status = lib.amqpc_frame_parser_push(self._parser, ffi.from_buffer(self._piece), len(self._piece))
        if status:
            raise self._fault(status)
        return True

    def _rest(self) -> bytes:
        """What was pushed behind the last header or frame, as far as it is kept."""
        window = self._pending + self._piece
        start = self._pushed - len(window)
        return window[self._taken - start :] if self._taken >= start else window

    def _next(self) -> Frame | ProtocolHeader | None:
        status = lib.amqpc_frame_parser_next(self._parser, self._event, self._found)
        if status == Status.NO_MEMORY:
            raise MemoryError
        if status:
            raise self._fault(status)
        if self._event[0] == lib.AMQPC_FRAME_EVENT_NEED_MORE:
            return None
        self._taken = int(lib.amqpc_frame_parser_offset(self._parser))
        if self._event[0] == lib.AMQPC_FRAME_EVENT_PROTOCOL_HEADER:
            return ProtocolHeader(Protocol(self._found.type))
        frame = decode_frame(whole_frame(self._found))[0]
        if isinstance(frame.performative, SaslOutcome) and frame.performative.code == 0:
            lib.amqpc_frame_parser_expect_header(self._parser)
        return frame

    def _fault(self, status: int) -> DecodeError:
        """The failure of a header: the offset counts from where what is wrong begins."""
        offset = int(lib.amqpc_frame_parser_offset(self._parser)) - self._taken
        return decode_error(status, offset, self._rest(), "frame")


def whole_frame(found: Any) -> bytes:
    """The bytes of a frame that the library has taken apart."""
    head = int(found.size).to_bytes(4, "big") + bytes([found.data_offset, found.type]) + int(found.channel).to_bytes(2, "big")
    return head + bytes_of(found.extended_header) + bytes_of(found.body)
