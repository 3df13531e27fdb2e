"""Waiting: what a flow waits for, and those who run flows.

A flow is a generator that yields waits: each is something of the C library that has not happened yet. Who runs it lets it go on when
that has happened, by one of three ways:

ThreadDriver   the calling thread waits within C, without the GIL; C's thread in the background does the rest
GeventDriver   under gevent's monkey patching: greenlets wait, and the hub's loop watches the connection's descriptor
aio.py         tasks wait, and asyncio's loop watches

The last two are alike (LoopDriver): nothing of C waits; whenever the descriptor is readable, something was sent, or the time has come,
C moves bytes, and all that is waited for is looked at.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Generator
from typing import Any, Callable, Protocol, TypeVar

from amqpcodec._crossing_client import AGAIN, FOREVER, OK, TIMED_OUT, ClientHandle
from amqpcodec._errors import AmqpTimeoutError
from amqpcodec._status import Status

T = TypeVar("T")

# A thread that waits comes back to Python so often: a signal that comes between Python's last look and the system call of the wait
# does not end that, and its handler would have to wait, too.
SLICE_S = 1.0


class Wait:
    """Something that a flow waits for.

    done  it has happened, or never will
    wake  is called then, of loops
    """

    __slots__ = ("done", "wake")
    # Whether a loop has to look: otherwise somebody else calls `finish`.
    is_polled = True

    def __init__(self) -> None:
        self.done = False
        self.wake: Callable[[], object] | None = None

    def look(self) -> bool:
        """Whether it has happened, without waiting, or moving bytes."""
        raise NotImplementedError

    def block(self, timeout_ms: int) -> None:
        """Waits within C; `done` tells whether that was long enough."""
        raise NotImplementedError

    def poll(self) -> None:
        if not self.done and self.look():
            self.finish()

    def finish(self) -> None:
        self.done = True
        if self.wake is not None:
            self.wake()


class Waitable(Protocol):
    """A handle of the C library, of which something can be waited for."""

    def look(self, what: int, moves: bool) -> int: ...

    def wait_for(self, what: int, timeout_ms: int) -> int: ...


class EventWait(Wait):
    """One of the events of native/wait.c. `status` tells how it ended."""

    __slots__ = ("_handle", "_what", "status")

    def __init__(self, handle: Waitable, what: int) -> None:
        super().__init__()
        self._handle = handle
        self._what = what
        self.status = TIMED_OUT

    def look(self) -> bool:
        self.status = self._handle.look(self._what, False)
        return self.status != TIMED_OUT

    def block(self, timeout_ms: int) -> None:
        self.status = self._handle.wait_for(self._what, timeout_ms)
        pause_where_scarce(self.status)
        self.done = self.status not in AGAIN


def pause_where_scarce(status: int) -> None:
    """The system has nothing left to wait by: there may be soon."""
    if status in (Status.NO_DESCRIPTORS, Status.SYSTEM_ERROR):
        time.sleep(0.005)


Flow = Generator[Wait, None, T]


class Driver:
    """Who runs flows. moves: calls of the C library move bytes."""

    moves: bool

    def report(self) -> None:
        """Tells logging what has happened; a connection puts its own in this place."""

    def kick(self) -> None:
        """Something was said that is to be sent."""

    def watch(self, source: Any) -> None:
        """source.poll is called whenever something may have happened, until it is forgotten."""

    def forget(self, source: Any) -> None:
        pass

    def flush_later(self, source: Any) -> None:
        """source.flush is called before bytes are moved next."""

    def abandon(self, drop: Callable[[], object]) -> None:
        """Nobody has the connection any more: it is dropped, of itself where nothing of a loop holds it. In any thread."""

    def close(self) -> None:
        pass


class BlockingDriver(Driver):
    """Who runs flows for callers that wait."""

    def run(self, flow: Flow[T], timeout: float | None) -> T:
        """Runs a flow to its end. timeout: seconds, None for no end; then AmqpTimeoutError is thrown into the flow."""
        try:
            wait = next(flow)
            deadline = None if timeout is None else time.monotonic() + timeout
            while True:
                wait = self._step(flow, wait, deadline)
        except StopIteration as stop:
            result: T = stop.value
            return result

    def _step(self, flow: Flow[T], wait: Wait, deadline: float | None) -> Wait:
        try:
            while not wait.done:
                left = SLICE_S if deadline is None else deadline - time.monotonic()
                if left <= 0:
                    raise AmqpTimeoutError
                self._block(wait, min(left, SLICE_S))
                self.report()
        except BaseException as error:
            return flow.throw(error)
        return flow.send(None)

    def _block(self, wait: Wait, seconds: float) -> None:
        raise NotImplementedError


class ThreadDriver(BlockingDriver):
    """Waits within C. Several threads may, at the same time.

    is_ending  the interpreter ends: connections are closed under the waits of daemon threads, for which nothing shall come after that
    """

    moves = True
    is_ending = False

    def _block(self, wait: Wait, seconds: float) -> None:
        wait.block(int(seconds * 1000) + 1)
        while ThreadDriver.is_ending and threading.current_thread().daemon:
            time.sleep(SLICE_S)  # the interpreter stops it meanwhile


class Timer(Protocol):
    def cancel(self) -> Any: ...


class LoopDriver(Driver):
    """Runs a connection by a loop of others: what that has to do stands below."""

    moves = False

    def __init__(self, handle: ClientHandle) -> None:
        self._handle: ClientHandle | None = handle
        self._sources: dict[Any, None] = {}
        self._unflushed: dict[Any, None] = {}
        self._is_due = False
        self._is_watching = True
        self._timer: Timer | None = None
        self._timer_at = 0.0

    # --- The loop.

    def _now(self) -> float:
        return time.monotonic()

    def _soon(self, call: Callable[[], object]) -> None:
        raise NotImplementedError

    def _at(self, when: float, call: Callable[[], object]) -> Timer:
        raise NotImplementedError

    def _stop_watching(self) -> None:
        raise NotImplementedError

    # --- For flows.

    def kick(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._soon(self._due)

    def watch(self, source: Any) -> None:
        self._sources[source] = None

    def forget(self, source: Any) -> None:
        self._sources.pop(source, None)

    def flush_later(self, source: Any) -> None:
        self._unflushed[source] = None
        self.kick()

    def begin(self, wait: Wait) -> None:
        """Somebody waits from now on. The first look is what begins some things: what is said by it goes out with the next turn."""
        if wait.is_polled:
            wait.poll()
            if not wait.done:
                self.watch(wait)
        self.kick()

    # --- Turns.

    def _due(self) -> None:
        if self._is_due:
            self.turn()

    def turn(self) -> None:
        """Sends what was said, receives what has come, and lets those go on who waited for it."""
        handle = self._handle
        self._is_due = False
        if handle is None:
            return
        unflushed, self._unflushed = self._unflushed, {}
        for source in unflushed:
            source.flush()
        status, deadline_ms = handle.process()
        self.report()
        for source in tuple(self._sources):
            source.poll()
        if status != OK and handle.state() in ("failed", "closed"):
            self._unwatch()
        elif deadline_ms == 0:
            self.kick()
        else:
            self._set_timer(deadline_ms)

    def _set_timer(self, deadline_ms: int) -> None:
        """A timer that comes too early costs less than one that is set again with every turn."""
        when = self._now() + deadline_ms / 1000
        if self._timer is not None and (deadline_ms == FOREVER or self._timer_at > when):
            self._timer.cancel()
            self._timer = None
        if self._timer is None and deadline_ms != FOREVER:
            self._timer = self._at(when, self._on_timer)
            self._timer_at = when

    def _on_timer(self) -> None:
        self._timer = None
        self.turn()

    def _unwatch(self) -> None:
        if self._is_watching:
            self._is_watching = False
            self._stop_watching()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def close(self) -> None:
        self._unwatch()
        self._handle = None
        self._sources.clear()


class GeventDriver(LoopDriver, BlockingDriver):
    """Greenlets wait; the loop of the hub that made the connection moves the bytes."""

    def __init__(self, handle: ClientHandle) -> None:
        super().__init__(handle)
        import gevent  # type: ignore[import-untyped,unused-ignore]

        self._hub: Any = gevent.get_hub()
        self._watcher: Any = self._hub.loop.io(handle.descriptor(), 1)
        self._watcher.start(self.turn)

    def _soon(self, call: Callable[[], object]) -> None:
        self._hub.loop.run_callback(call)

    def _at(self, when: float, call: Callable[[], object]) -> Timer:
        timer: Any = self._hub.loop.timer(max(when - self._now(), 0))
        timer.start(call)
        return _GeventTimer(timer)

    def abandon(self, drop: Callable[[], object]) -> None:
        self._hub.loop.run_callback_threadsafe(drop)

    def _stop_watching(self) -> None:
        self._watcher.stop()
        self._watcher.close()

    def _block(self, wait: Wait, seconds: float) -> None:
        event = threading.Event()  # gevent's
        self.begin(wait)
        if wait.done:
            return
        wait.wake = event.set
        try:
            event.wait(seconds)
        finally:
            wait.wake = None
            self.forget(wait)


class _GeventTimer:
    def __init__(self, timer: Any) -> None:
        self._timer = timer

    def cancel(self) -> None:
        self._timer.stop()
        self._timer.close()


def is_patched_by_gevent() -> bool:
    """Whether gevent has patched what threads wait by."""
    monkey = sys.modules.get("gevent.monkey")
    return monkey is not None and bool(monkey.is_module_patched("threading") or monkey.is_module_patched("select"))
