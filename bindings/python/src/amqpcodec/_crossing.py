"""The one module that touches the C module: everything that crosses between Python and C does so here."""

from __future__ import annotations

import sys
from marshal import dumps
from struct import pack

from amqpcodec import _interpreter  # noqa: F401 - which refuses subinterpreters
from amqpcodec._errors import DecodeError
from amqpcodec._marshal import loads
from amqpcodec._native import ffi as ffi
from amqpcodec._native import lib as lib
from amqpcodec._status import Status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

CROSSING_VERSION = 1

if lib.crossing_version() != CROSSING_VERSION:
    raise ImportError(
        f"amqpcodec._native is of another build: its crossing has version {lib.crossing_version()}, {CROSSING_VERSION} is needed"
    )


def library_version() -> str:
    """The version of the C library that runs, which may be the system's."""
    version: str = ffi.string(lib.amqpc_version()).decode("ascii")
    return version


# --- Decoding: C writes the format of Python's marshal (native/marshal_write.h), and one call of marshal makes the objects.

PYPY = sys.implementation.name == "pypy"

# How to decode, and what came of it (native/crossing.h).
TYPED: int = lib.CROSSING_TYPED
LAZY: int = lib.CROSSING_LAZY
VIEWS: int = lib.CROSSING_VIEWS
MARKS: int = lib.CROSSING_MARKS
VIEWED: int = lib.CROSSING_VIEWED
MOVED: int = lib.CROSSING_MOVED
ENCODED: int = lib.CROSSING_ENCODED

_decode_value = lib.crossing_decode_value
_decode_message = lib.crossing_decode_message
_decode_joined = lib.crossing_decode_joined
_decode_dumped = lib.crossing_decode_dumped
_SIZES = ffi.typeof("uint32_t[]")

# Larger batches lose more to the allocator, or to PyPy's nursery, than they save in calls.
BATCH_MESSAGES = 16 if PYPY else 64
BATCH_SIZE = 65536
VIEW_SIZE_MIN = 65536
# From here on a body is copied once and not twice, by calls that cost as much as copying less.
_APART_SIZE_MIN = 2048 if PYPY else 16384
_JOINED_SIZE_MAX = 4 * BATCH_SIZE
_DUMPED_SIZE_MAX = 2048  # of the first and the last one
FLAG_BITS: int = lib.CROSSING_FLAG_BITS
_FLAG_VIEWED = 2  # of a message
_BEFORE_BODY = (1 << 22) - 1  # fields
_LAZY_BODY = 2
_FLAG_LAZY = 0x80


class Output:
    """Where C puts what marshal reads. One is used by one call at a time: whatever runs in between, a finalizer say, takes another.

    handle  the crossing_output
    batch   a crossing_batch for the same call
    """

    __slots__ = ("_buffer", "batch", "handle")

    def __init__(self) -> None:
        handle = lib.crossing_output_new()
        if handle == ffi.NULL:
            raise MemoryError
        self.handle = ffi.gc(handle, lib.crossing_output_free)
        self.batch = new_batch(0)
        self._buffer = b""

    def read(self, flags: int) -> Any:
        """Makes objects of what the last call put here; `flags` are those that it gave."""
        if PYPY:  # copies what it is given
            return loads(ffi.buffer(lib.crossing_output_data(self.handle), lib.crossing_output_size(self.handle)))
        if flags & MOVED:
            self._buffer = ffi.buffer(lib.crossing_output_data(self.handle), lib.crossing_output_capacity(self.handle))
        return loads(self._buffer)

    def read_messages(self, flags: int) -> list[tuple[Any, ...]]:
        """As read, of a batch: the tuples of messages, with views where bodies were left where they are."""
        tuples: list[tuple[Any, ...]] = self.read(flags)
        if flags & VIEWED:
            place = bin((flags >> FLAG_BITS | 1) & _BEFORE_BODY).count("1")
            return [self._viewed(items, place) if items[0] & _FLAG_VIEWED else items for items in tuples]
        return tuples

    def _viewed(self, items: tuple[Any, ...], place: int) -> tuple[Any, ...]:
        index = _LAZY_BODY if items[0] & _FLAG_LAZY else place
        return (*items[:index], self._view(items[index]), *items[index + 1 :])

    def _view(self, number: int) -> memoryview | bytes:
        """The bytes of a body, or a copy of them. They live as long as anybody has the memoryview, or one made of it."""
        view = lib.crossing_output_view(self.handle, number if number >= 0 else ~number)
        if number < 0:
            copied = bytes(ffi.buffer(lib.crossing_view_data(view), lib.crossing_view_size(view)))
            lib.crossing_view_free(view)
            return copied
        owner = ffi.gc(view, lib.crossing_view_free)
        # What the destructor has by its default is let go with the pointer, and frees the bytes then.
        pointer = ffi.gc(lib.crossing_view_data(owner), lambda _pointer, _owner=owner: None)
        return memoryview(ffi.buffer(pointer, lib.crossing_view_size(owner))).toreadonly()


_outputs: list[Output] = []  # free ones


def take_output() -> Output:
    """An output that nobody uses; give it back by return_output."""
    try:
        return _outputs.pop()
    except IndexError:
        return Output()


return_output = _outputs.append


def _bytes_of(data: Any) -> Any:
    """What C takes as bytes, of anything that has a buffer."""
    if type(data) is bytes:
        return data
    try:
        return ffi.from_buffer(data)
    except TypeError:
        raise TypeError(f"bytes are wanted, or something that has a buffer, not {type(data).__name__}") from None


def decode_error(status: int, offset: int, data: bytes, kind: str = "value") -> DecodeError:
    """The exception of bytes that do not decode, though they should be what `kind` says (DecodeError)."""
    return DecodeError(f"{Status.of(status).text}, at byte {offset} of {len(data)}", status=status, offset=offset, data=data, kind=kind)


def _failure(output: Output, flags: int, data: Any, kind: str) -> Exception:
    if -flags == Status.NO_MEMORY:
        return MemoryError()
    return decode_error(-flags, lib.crossing_output_fault(output.handle), bytes(data), kind)


def decode_value(data: Any, mode: int, whole: bool) -> tuple[Any, int, int]:
    """The value at the start of the bytes, flags, and its size. `whole`: bytes behind it are an error."""
    given = _bytes_of(data)
    used = ffi.new("size_t *")
    output = take_output()
    try:
        flags = _decode_value(output.handle, given, len(given), mode, used)
        if flags < 0:
            raise _failure(output, flags, data, "value")
        if whole and used[0] != len(given):
            raise decode_error(Status.TRAILING_BYTES, used[0], bytes(data))
        return output.read(flags), flags, used[0]
    finally:
        return_output(output)


def decode_message(data: Any, mode: int) -> tuple[tuple[Any, ...], int]:
    """The tuple of a message, and flags."""
    given = data if type(data) is bytes else ffi.from_buffer(data)
    output = take_output()
    try:
        flags = _decode_message(output.handle, given, len(given), mode)
        if flags < 0:
            raise _failure(output, flags, data, "message")
        return output.read(flags), flags
    finally:
        return_output(output)


def new_batch(mode: int, *, messages: int = BATCH_MESSAGES, size: int = BATCH_SIZE, view_size: int = VIEW_SIZE_MIN) -> Any:
    """A crossing_batch, for crossing_decode_deliveries and the like.

    view_size  with VIEWS: bytes from which on a body is a memoryview
    """
    apart = view_size if mode & VIEWS else _APART_SIZE_MIN
    return ffi.new("crossing_batch *", {"mode": mode, "messages_max": messages, "size_max": size, "view_size_min": apart})


def batch_failure(output: Output, batch: Any) -> tuple[DecodeError, tuple[Any, ...]]:
    """Of a batch whose status tells of a message that does not decode: the exception, and number, tag and settled of its delivery."""
    if batch.status == Status.NO_MEMORY:
        raise MemoryError
    offset, payload, *delivery = output.read(batch.flags)
    error = decode_error(batch.status, offset, payload, "message")
    error.delivery_number = delivery[0]
    return error, tuple(delivery)


def decode_messages(items: list[Any], mode: int, messages_of: Callable[[list[tuple[Any, ...]], int, int], list[Any]]) -> list[Any]:
    """What `messages_of` makes of the tuples of messages, flags and mode, of a list of bytes."""
    found: list[Any] = []
    output = take_output()
    batch = output.batch
    batch.mode = mode
    batch.fields = 0
    try:
        for start in range(0, len(items), BATCH_MESSAGES):
            for flags in _decoded(output, items[start : start + BATCH_MESSAGES]):
                found += messages_of(output.read_messages(flags), flags, mode)
    finally:
        return_output(output)
    return found


def _decoded(output: Output, some: list[Any]) -> Iterator[int]:
    """Decodes messages of up to BATCH_MESSAGES bytes, in one batch or several, which the output holds in turn: the flags of each."""
    batch = output.batch
    dumped = _dumped(some)
    first = offset = 0
    while dumped is not None and first < len(some):
        offset = _decode_dumped(output.handle, dumped, len(dumped), offset, batch)
        if offset == 0:
            break
        if batch.status:
            raise batch_failure(output, batch)[0]
        first += batch.count
        yield batch.flags
    for joined, sizes, count in _joined(some[first:]):
        first = 0
        while first < count:
            first += _decode_joined(output.handle, joined, len(joined), sizes, count, first, batch)
            if batch.status:
                raise batch_failure(output, batch)[0]
            yield batch.flags


def _dumped(some: list[Any]) -> bytes | None:
    """Bytes as marshal writes a list of them, which is the fastest way to put them behind one another while they are small; None
    where they are not, or no bytes. It takes whatever has a buffer."""
    if PYPY or len(some[0]) + len(some[-1]) > _DUMPED_SIZE_MAX:
        return None
    try:
        return dumps(some, 2)
    except ValueError:
        return None


def _joined(some: list[Any]) -> Iterator[tuple[bytes, Any, int]]:
    """Bytes, and whatever has a buffer, behind one another, and large ones alone; their sizes; and how many they are."""
    if not some:
        return
    sizes = list(map(len, some))
    if sum(sizes) > _JOINED_SIZE_MAX:
        for item in some:
            single = item if type(item) is bytes else b"".join([item])
            yield single, _packed([len(single)]), 1
        return
    joined = b"".join(some)
    if sum(sizes) != len(joined):  # a memoryview's items need not be bytes
        sizes = [memoryview(item).nbytes for item in some]
    yield joined, _packed(sizes), len(some)


def _packed(sizes: list[int]) -> Any:
    """Numbers of 32 bits. Each interpreter has a way that is slow in the other."""
    return ffi.new(_SIZES, sizes) if PYPY else pack(f"={len(sizes)}I", *sizes)
