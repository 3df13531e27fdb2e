"""What connections tell the standard library's logging.

    amqpcodec.connection  connected: INFO; failed for good: ERROR; closed: INFO
    amqpcodec.reconnect   the connection was lost, or an attempt failed: WARNING; connected again: INFO
    amqpcodec.link        a link has ended without being closed at this end: ERROR
    amqpcodec.frames      each frame, sent and received, at the level TRACE (5), of connections made while that is on

Nothing is written where the program has no handlers. Events are taken from the C library, which keeps the last 64, when a call waits, at least
once a second while it does; by an event loop with each of its turns.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from amqpcodec._crossing_client import Event

TRACE = 5
# Bytes of the frame trace's ring, of connections whose frames are logged and that do not say it.
TRACE_SIZE = 1 << 20
_EVENTS_KEPT = 64

logging.addLevelName(TRACE, "TRACE")
logging.getLogger("amqpcodec").addHandler(logging.NullHandler())
_connection = logging.getLogger("amqpcodec.connection")
_reconnect = logging.getLogger("amqpcodec.reconnect")
_link = logging.getLogger("amqpcodec.link")
_frames = logging.getLogger("amqpcodec.frames")


class Source(Protocol):
    """A client of the C library."""

    def next_event(self) -> Event | None: ...

    def read_trace(self) -> bytes: ...


class Ended:
    """What is left of a client when it is closed."""

    def next_event(self) -> Event | None:
        return None

    def read_trace(self) -> bytes:
        return b""


_ENDED = Ended()


def prepare(options: dict[str, Any]) -> bool:
    """Whether frames of a connection that is made now are logged. options: of the client, which then get a ring for the trace."""
    wanted = _frames.isEnabledFor(TRACE)
    if wanted:
        options.setdefault("trace_size", TRACE_SIZE)
    return wanted


class ConnectionLog:
    """Of one connection: takes its events, logs them, and keeps them for who asks for them."""

    __slots__ = ("_address", "_kept", "_logs_frames", "_source", "_was_connected")

    def __init__(self, source: Source, logs_frames: bool = False) -> None:
        self._source = source
        self._logs_frames = logs_frames
        self._kept: deque[Event] = deque(maxlen=_EVENTS_KEPT)
        self._was_connected = False
        self._address = "the connection"

    def report(self) -> None:
        """Logs what has happened since."""
        event = self._source.next_event()
        while event is not None:
            self._kept.append(event)
            self._write(event)
            event = self._source.next_event()
        if self._logs_frames:
            self._write_frames()

    def events(self) -> Iterator[Event]:
        """All that was not asked for before, in order, the last 64 at most."""
        self.report()
        while self._kept:
            yield self._kept.popleft()

    def closed(self) -> None:
        """The connection was closed at this end, or was never there: what it was is let go of."""
        self.report()
        self._source = _ENDED
        if self._was_connected:
            _connection.info("%s: closed", self._address)

    def _write(self, event: Event) -> None:
        if event.kind == "connected":
            self._write_connected(event)
        elif event.kind == "disconnected":
            plan = f"attempt {event.attempts + 1} follows in {event.delay:.3g} s"
            _reconnect.warning("%s: %s; %s", self._address, event.error, plan)
        elif event.kind == "failed":
            _connection.error("%s: failed for good: %s", self._address, event.error)
        else:
            _link.error("the link %s has ended: %s", event.name, event.error)

    def _write_connected(self, event: Event) -> None:
        self._address = event.name
        if self._was_connected:
            _reconnect.info("%s: connected again, by attempt %d", event.name, event.attempts)
        else:
            _connection.info("%s: connected", event.name)
        self._was_connected = True

    def _write_frames(self) -> None:
        """Reads the ring also where nobody wants it now, so that it is of the present when somebody does."""
        while lines := self._source.read_trace():
            if _frames.isEnabledFor(TRACE):
                for line in lines.decode("utf-8", "replace").splitlines():
                    _frames.log(TRACE, "%s: %s", self._address, line)
