"""What clients do, once for all of them, as flows (see _waits.py): connections here, senders in _sending.py, receivers and requesters
in _receiving.py. _client.py and aio.py put the API on, and say who waits.
"""

from __future__ import annotations

import atexit
import os
import threading
import warnings
import weakref
from typing import Any

from amqpcodec import _crossing_client as crossing
from amqpcodec._crossing_client import OK, ClientHandle
from amqpcodec._crossing_transaction import ControllerHandle, TransactionHandle
from amqpcodec._errors import AmqpError, ClosedError
from amqpcodec._logging import ConnectionLog
from amqpcodec._status import Status
from amqpcodec._waits import Driver, EventWait, Flow, ThreadDriver

_open: weakref.WeakSet[ConnectionCore] = weakref.WeakSet()


class ConnectionCore:
    """A connection: its handle, who drives it, and what it has."""

    def __init__(self, handle: ClientHandle, driver: Driver, logs_frames: bool = False) -> None:
        self._handle: ClientHandle | None = handle
        self.driver = driver
        self.log = ConnectionLog(handle, logs_frames)
        driver.report = self.log.report  # type: ignore[method-assign]
        self._links: weakref.WeakSet[LinkCore] = weakref.WeakSet()
        self._controller: ControllerHandle | None = None
        self._process = os.getpid()
        _open.add(self)

    @property
    def handle(self) -> ClientHandle:
        """Raises ClosedError."""
        handle = self._handle
        if handle is None:
            raise ClosedError("the connection is closed")
        return handle

    @property
    def is_closed(self) -> bool:
        return self._handle is None

    def add(self, link: LinkCore) -> None:
        self._links.add(link)

    def controller(self) -> ControllerHandle:
        """Of all transactions; another one where the last has ended."""
        if self._controller is None or self._controller.error() is not None:
            self._controller = ControllerHandle(self.handle)
        return self._controller

    def failure(self, status: int) -> AmqpError:
        """Why a call on the connection failed."""
        handle = self._handle
        error = handle.error() if handle is not None and status != Status.CLOSED else None
        return error if error is not None and error.status == status else crossing.failure(status)

    def open(self) -> Flow[None]:
        """Until the connection is open."""
        handle = self.handle
        wait = EventWait(handle, crossing.CLIENT_OPEN)
        try:
            yield wait
        except TimeoutError as error:
            reason = handle.error()
            error.args = ("the connection is not open in time" + (f": {reason}" if reason is not None else ""),)
            raise
        if wait.status != OK:
            raise self.failure(wait.status)

    def close(self) -> Flow[None]:
        """Sends what was posted, closes, and frees what C has. What has no outcome when the time is up is unknown."""
        handle = self._handle
        if handle is None:
            return
        try:
            if not self.driver.moves:
                for link in tuple(self._links):
                    yield from link.flush_quietly()
            yield EventWait(handle, crossing.CLIENT_CLOSED)
        except TimeoutError:
            pass
        finally:
            self.drop()

    def warn_unclosed(self) -> None:
        """Nobody can close it any more, or it is too late."""
        if self._handle is not None and self._process == os.getpid():  # a child does nothing for what its parent has
            warnings.warn(f"unclosed AMQP connection, {self._handle.state()}", ResourceWarning, stacklevel=3)

    def abandon(self) -> None:
        """Whoever could close it is gone."""
        if self._handle is not None:
            try:
                self.warn_unclosed()
            finally:
                self.driver.abandon(self.drop)

    def drop(self) -> None:
        """Lets go of all that C has, without waiting; whoever is within a call keeps it until that ends, which is soon."""
        handle, self._handle = self._handle, None
        _open.discard(self)
        if handle is None:
            return
        handle.wait_for(crossing.CLIENT_CLOSED, 1)
        for link in tuple(self._links):
            link.drop()
        self._controller = None
        self.driver.close()
        self.log.closed()


def _drop_all() -> None:
    """At the end of the interpreter, while that is still whole. Threads that are no daemons have ended before."""
    ThreadDriver.is_ending = True
    for connection in tuple(_open):
        try:
            connection.warn_unclosed()
        finally:
            connection.drop()


atexit.register(_drop_all)


class LinkCore:
    """What senders and receivers have in common."""

    what = "link"
    _event_open: int
    _event_closed: int
    _event_detached: int
    lives_on = False  # whether the peer was asked to keep its terminus beyond the connection

    def __init__(self, connection: ConnectionCore, handle: Any) -> None:
        self.connection = connection
        self.driver = connection.driver
        self._handle: Any = handle
        self._is_closing = False
        # Also for callers within callers: finalizers and handlers of signals run in between.
        self._lock = threading.RLock()
        connection.add(self)
        self.driver.kick()

    @property
    def handle(self) -> Any:
        """Raises ClosedError."""
        handle = self._handle
        if handle is None:
            raise ClosedError(f"the {self.what} is closed")
        return handle

    @property
    def is_closed(self) -> bool:
        """Whether it is closed at this end, or about to be."""
        return self._is_closing or self._handle is None

    def failure(self, status: int) -> AmqpError:
        """Why a call on the link failed."""
        handle = self._handle
        if handle is None or status == Status.CLOSED:
            return ClosedError(f"the {self.what} is closed")
        error: AmqpError | None = handle.error()
        return error if error is not None else self.connection.failure(status)

    def event(self, what: int) -> Flow[None]:
        """Until something has happened to the link."""
        wait = EventWait(self.handle, what)
        yield wait
        if wait.status != OK:
            raise self.failure(wait.status)

    def open(self) -> Flow[None]:
        return self.event(self._event_open)

    def flush_quietly(self) -> Flow[None]:
        """Before closing: until all has an outcome, whatever it is."""
        yield from ()

    def close(self) -> Flow[None]:
        """Closes the link, and waits for the peer's answer."""
        return self._end(self._event_closed)

    def detach(self) -> Flow[None]:
        """The same, but the peer's terminus is left as it stands."""
        return self._end(self._event_detached)

    def leave(self) -> Flow[None]:
        """At the end of a `with`."""
        return self.detach() if self.lives_on else self.close()

    def _end(self, event: int) -> Flow[None]:
        handle = self._handle
        if handle is None:
            return
        self._is_closing = True
        try:
            yield from self.flush_quietly()
            yield EventWait(handle, event)
        except TimeoutError:
            pass
        finally:
            self.drop()

    def drop(self) -> None:
        self._handle = None

    def address(self) -> str | None:
        address: str | None = self.handle.address()
        return address


class TransactionCore(LinkCore):
    """A transaction of the connection's controller."""

    what = "transaction"

    def __init__(self, connection: ConnectionCore) -> None:
        self._controller = connection.controller()
        super().__init__(connection, TransactionHandle(self._controller))

    def failure(self, status: int) -> AmqpError:
        if self._handle is None:
            return ClosedError("the transaction has ended")
        error: AmqpError | None = self._handle.error() or self._controller.error()
        return error if error is not None else crossing.failure(status)

    def declared(self) -> Flow[None]:
        """Until the peer has given it an identity."""
        return self.event(crossing.TRANSACTION_DECLARED)

    def discharge(self, fail: bool) -> Flow[None]:
        """Ends it: rolls back, or commits."""
        yield from self.event(crossing.TRANSACTION_ROLLED_BACK if fail else crossing.TRANSACTION_COMMITTED)
        self.drop()
