"""Both clients for one test: the sync one in the clothes of the other, and what stands between client and broker."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
import uuid
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import amqpcodec
from amqpcodec import aio

PATIENCE_S = 30  # reached only where a test fails

_AWAITED = frozenset(
    ("call", "close", "commit", "declare", "detach", "drain", "flush", "post", "receive", "receive_batch", "rollback", "send", "send_many", "wait_open")
)
_OF_API = (amqpcodec.Connection, amqpcodec.Sender, amqpcodec.Receiver, amqpcodec.Requester, amqpcodec.Transaction)


class Awaited:
    """An object of the sync client, whose methods are awaited, as those of amqpcodec.aio are."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.real, name)
        if not callable(value):
            return value
        if name in _AWAITED:

            async def call(*arguments: Any, **options: Any) -> Any:
                result = value(*arguments, **options)
                return Awaited(result) if isinstance(result, amqpcodec.Posted) else result

            return call

        def call_now(*arguments: Any, **options: Any) -> Any:
            result = value(*arguments, **_real(options))
            return Awaited(result) if isinstance(result, _OF_API) else result

        return call_now

    def __await__(self) -> Any:
        async def result() -> Any:
            return self.real.result(PATIENCE_S)

        return result().__await__()

    async def __aenter__(self) -> Awaited:
        self.real.__enter__()
        return self

    async def __aexit__(self, *raised: Any) -> None:
        self.real.__exit__(*raised)

    async def __aiter__(self) -> AsyncIterator[Any]:
        for item in self.real:
            yield item


def _real(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value.real if isinstance(value, Awaited) else value for name, value in options.items()}


async def connect_awaited(url: str, **options: Any) -> Any:
    return Awaited(amqpcodec.connect(url, timeout=PATIENCE_S, **options))


async def connect_aio(url: str, **options: Any) -> Any:
    return await aio.connect(url, timeout=PATIENCE_S, **options)


def run(test: Coroutine[Any, Any, None]) -> None:
    """Runs the coroutine of a test on a loop of its own."""
    asyncio.run(asyncio.wait_for(test, PATIENCE_S * 2))


def queue_name() -> str:
    """Of a queue that nobody else has."""
    return f"queue-{uuid.uuid4()}"


class Proxy:
    """Stands between clients and a broker: changes what the broker says, keeps it back, and cuts connections.

    change  called with each piece that the broker sends
    """

    def __init__(self, port: int, change: Callable[[bytes], bytes] = bytes) -> None:
        self._target = ("127.0.0.1", port)
        self._change = change
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self._passing = threading.Event()
        self._passing.set()
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()
        self.port = self._listener.getsockname()[1]
        self.url = f"amqp://127.0.0.1:{self.port}/"

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *raised: object) -> None:
        self._passing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(PATIENCE_S)

    def hold(self) -> None:
        """Keeps back what the broker says from now on."""
        self._passing.clear()

    def let_go(self) -> None:
        self._passing.set()

    def cut(self) -> None:
        """Cuts all connections."""
        sockets, self._sockets = self._sockets, []
        for one in sockets:
            with contextlib.suppress(OSError):  # it has ended
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        for _ in itertools.count():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            broker = socket.create_connection(self._target)
            self._sockets += [client, broker]
            for ends in ((client, broker, False), (broker, client, True)):
                thread = threading.Thread(target=self._pass, args=ends, daemon=True)
                self._threads.append(thread)
                thread.start()

    def _pass(self, source: socket.socket, target: socket.socket, is_broker: bool) -> None:
        try:
            while piece := source.recv(65536):
                if is_broker:
                    self._passing.wait(PATIENCE_S)
                    piece = self._change(piece)
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # cut
