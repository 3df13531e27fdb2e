"""What connections tell the standard library's logging: connected, lost, connected again, failed, links, frames."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections import deque
from typing import Any

import amqpcodec
import pytest
from amqpcodec import AmqpConnectionError, aio
from amqpcodec._crossing_client import Event
from amqpcodec._logging import TRACE, TRACE_SIZE, ConnectionLog, prepare
from amqpcodec.testing import Broker

TIMEOUT_S = 30


class FakeSource:
    """Stands for a client of the C library."""

    def __init__(self, *events: Event, trace: bytes = b"") -> None:
        self.waiting = deque(events)
        self.trace = trace

    def next_event(self) -> Event | None:
        return self.waiting.popleft() if self.waiting else None

    def read_trace(self) -> bytes:
        lines, self.trace = self.trace, b""
        return lines


REFUSED = AmqpConnectionError("nobody listens at 10.0.0.1:5672")
CONNECTED = Event("connected", "10.0.0.1:5672", 1, 0.0, None)
LOST = Event("disconnected", "10.0.0.1:5672", 2, 0.25, REFUSED)
AGAIN = Event("connected", "10.0.0.2:5672", 3, 0.0, None)
FAILED = Event("failed", "10.0.0.2:5672", 4, 0.0, REFUSED)
LINK = Event("link-failed", "orders-1", 0, 0.0, REFUSED)


def written(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, str]]:
    return [(record.name, record.levelname, record.getMessage()) for record in caplog.records]


def test_events_are_logged_by_what_they_are_about(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ConnectionLog(FakeSource(CONNECTED, LOST, AGAIN, LINK, FAILED)).report()
    assert written(caplog) == [
        ("amqpcodec.connection", "INFO", "10.0.0.1:5672: connected"),
        ("amqpcodec.reconnect", "WARNING", "10.0.0.1:5672: nobody listens at 10.0.0.1:5672; attempt 3 follows in 0.25 s"),
        ("amqpcodec.reconnect", "INFO", "10.0.0.2:5672: connected again, by attempt 3"),
        ("amqpcodec.link", "ERROR", "the link orders-1 has ended: nobody listens at 10.0.0.1:5672"),
        ("amqpcodec.connection", "ERROR", "10.0.0.2:5672: failed for good: nobody listens at 10.0.0.1:5672"),
    ]


def test_closing_is_logged_behind_what_came_before(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ConnectionLog(FakeSource(CONNECTED)).closed()
    assert [text for _, _, text in written(caplog)] == ["10.0.0.1:5672: connected", "10.0.0.1:5672: closed"]


def test_who_asks_for_events_gets_those_that_were_logged_too() -> None:
    source = FakeSource(CONNECTED, LOST)
    log = ConnectionLog(source)
    log.report()
    source.waiting.append(AGAIN)
    assert list(log.events()) == [CONNECTED, LOST, AGAIN]
    assert list(log.events()) == []


def test_events_that_nobody_asks_for_do_not_pile_up() -> None:
    log = ConnectionLog(FakeSource(*[LOST] * 1000))
    log.report()
    assert len(list(log.events())) == 64


def test_frames_are_logged_at_a_level_of_their_own(caplog: pytest.LogCaptureFixture) -> None:
    log = ConnectionLog(FakeSource(CONNECTED, trace=b"-> open()\n<- open()\n"), logs_frames=True)
    with caplog.at_level(TRACE, "amqpcodec.frames"):
        log.report()
    assert ("amqpcodec.frames", "TRACE", "10.0.0.1:5672: <- open()") in written(caplog)


def test_frames_of_a_time_when_nobody_wanted_them_are_not_kept(caplog: pytest.LogCaptureFixture) -> None:
    source = FakeSource(trace=b"-> open()\n")
    log = ConnectionLog(source, logs_frames=True)
    log.report()
    assert source.trace == b""
    assert written(caplog) == []


def test_ring_for_frames_is_made_while_they_are_wanted(caplog: pytest.LogCaptureFixture) -> None:
    options: dict[str, Any] = {}
    assert not prepare(options)
    assert options == {}
    with caplog.at_level(TRACE, "amqpcodec.frames"):
        assert prepare(options)
        assert options == {"trace_size": TRACE_SIZE}
        options["trace_size"] = 1000
        assert prepare(options)
    assert options == {"trace_size": 1000}


def test_handler_that_uses_the_connection_does_not_come_round_again(caplog: pytest.LogCaptureFixture) -> None:
    log = ConnectionLog(FakeSource(LOST, LOST))

    class Handler(logging.Handler):
        def emit(self, _: logging.LogRecord) -> None:
            log.report()

    handler = Handler()
    logging.getLogger("amqpcodec.reconnect").addHandler(handler)
    try:
        with caplog.at_level(logging.WARNING):
            log.report()
    finally:
        logging.getLogger("amqpcodec.reconnect").removeHandler(handler)
    assert [level for _, level, _ in written(caplog)] == ["WARNING", "WARNING"]


# --- Of connections.


def test_broker_that_is_lost_and_comes_back_is_told_while_somebody_waits(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Broker() as broker, amqpcodec.connect(broker.url, reconnect_delay_max=0.1) as connection, connection.receiver("queue") as receiver:
        receiver.wait_open()
        broker.kill()
        broker.start()
        connection.wait_open()
        with amqpcodec.connect(broker.url) as other, other.sender("queue") as sender:
            sender.send("after all")
        assert receiver.receive(timeout=TIMEOUT_S).body == "after all"
    of_connection = [text for name, _, text in written(caplog) if name in ("amqpcodec.connection", "amqpcodec.reconnect")]
    assert of_connection[0].endswith(": connected")
    assert any("follows in" in text for text in of_connection)
    assert any("connected again, by attempt" in text for text in of_connection)
    assert of_connection[-1].endswith(": closed")


def test_asyncio_tells_too(caplog: pytest.LogCaptureFixture, amqp_broker: Broker) -> None:
    caplog.set_level(TRACE)

    async def main() -> list[str]:
        async with aio.connect(amqp_broker.url) as connection, connection.sender("queue") as sender:
            await sender.send("hello")
            return [event.kind for event in connection.events()]

    assert asyncio.run(main()) == ["connected"]
    texts = [text for name, _, text in written(caplog) if name == "amqpcodec.frames"]
    assert any("-> 0 transfer(" in text for text in texts), texts
    levels = {(name, level) for name, level, _ in written(caplog) if name.startswith("amqpcodec")}
    assert levels == {("amqpcodec.connection", "INFO"), ("amqpcodec.frames", "TRACE")}


def test_refusal_is_told_once_with_the_reason(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with Broker(users={"alice": "secret"}) as broker, pytest.raises(amqpcodec.AuthenticationError):
        amqpcodec.connect(f"amqp://alice:wrong@127.0.0.1:{broker.port}")
    failures = [text for _, level, text in written(caplog) if level == "ERROR"]
    assert len(failures) == 1
    assert "failed for good" in failures[0]
    assert "wrong" not in failures[0]


def test_link_that_the_peer_ends_is_told(caplog: pytest.LogCaptureFixture, amqp_broker: Broker) -> None:
    with amqpcodec.connect(amqp_broker.url) as connection, connection.receiver("queue", filters={"odd": 5}) as receiver:
        with pytest.raises(amqpcodec.LinkError):
            receiver.receive(timeout=TIMEOUT_S)
        connection.wait_open()
    assert any(name == "amqpcodec.link" and level == "ERROR" for name, level, _ in written(caplog))


# --- Programs without handlers.


def run(program: str) -> Any:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)


def test_program_without_handlers_sees_nothing() -> None:
    done = run("import logging, amqpcodec._logging; logging.getLogger('amqpcodec.connection').error('failed')")
    assert (done.stdout, done.stderr) == ("", "")
