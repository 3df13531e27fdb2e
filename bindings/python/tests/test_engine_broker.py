"""Connections without I/O over sockets: the example, and the embedded broker with and without SASL."""

from __future__ import annotations

import importlib.util
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from amqpcodec import AuthenticationError, Message, ReceivedMessage, Status
from amqpcodec import performatives as p
from amqpcodec.engine import Connection, Receiver, Sasl, Sender, Update
from amqpcodec.testing import Broker

EXAMPLE = Path(__file__).resolve().parents[3] / "docs/examples/engine_loop.py"
TIMEOUT_S = 30.0


class Loop:
    """A connection and its socket, which is closed at the end of a with statement."""

    def __init__(self, broker: Broker, connection: Connection) -> None:
        self.connection = connection
        self.socket = socket.create_connection((broker.host, broker.port), TIMEOUT_S)

    def __enter__(self) -> Loop:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def run_until(self, is_done: Callable[[], bool]) -> None:
        """Moves bytes until something holds, or the connection is finished."""
        end = time.monotonic() + TIMEOUT_S
        while not is_done() and not self.connection.is_finished:
            self.connection.tick(time.monotonic())
            self.socket.sendall(self.connection.data_to_send())
            if select.select([self.socket], [], [], 0.05)[0]:
                self.connection.receive_data(self.socket.recv(65536))
            assert time.monotonic() < end, self.connection

    def close(self) -> None:
        self.connection.close()
        self.run_until(lambda: False)


def load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("engine_loop", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_example_sends_hello_and_sees_it_accepted(amqp_broker: Broker) -> None:
    assert load(EXAMPLE).main(amqp_broker.host, amqp_broker.port) == "Accepted()"


def test_messages_go_through_the_broker_and_come_back(amqp_broker: Broker) -> None:
    connection = Connection(trace_size=65536)
    connection.open("test")
    session = connection.session().begin()
    sender: Sender = session.sender("out").attach(target="queue")
    receiver: Receiver = session.receiver("in").attach(source=p.Source("queue"))
    receiver.set_prefetch(50)
    sent = [Message(f"message {i}", subject="s", application_properties={"i": i}) for i in range(100)]
    numbers: list[int] = []
    received: list[ReceivedMessage] = []
    outcomes: list[Update] = []

    def is_done() -> bool:
        if sender.credit:
            numbers.extend(sender.send_batch(sent[len(numbers) :]))
        messages = receiver.receive()
        receiver.accept(messages)
        received.extend(messages)
        outcomes.extend(sender.updates())
        return len(received) == len(outcomes) == len(sent)

    with Loop(amqp_broker, connection) as loop:
        loop.run_until(is_done)
        loop.close()
    assert received == sent
    assert sorted(outcome.number for outcome in outcomes) == numbers
    assert all(outcome.state == p.Accepted() for outcome in outcomes)
    assert connection.failure is None
    assert connection.read_trace()[-1].startswith("<- 0 close(")


@pytest.mark.parametrize(("password", "is_right"), [("secret", True), ("wrong", False)])
def test_users_come_in_with_the_right_password(password: str, is_right: bool) -> None:
    connection = Connection(sasl=Sasl(user="ann", password=password))
    connection.open("test")
    with Broker(users={"ann": "secret"}) as broker, Loop(broker, connection) as loop:
        loop.run_until(lambda: connection.remote_open is not None or connection.failure is not None)
        if is_right:
            assert connection.sasl.mechanism.startswith("SCRAM")
            loop.close()
            assert connection.failure is None
            return
    assert isinstance(connection.failure, AuthenticationError)
    assert connection.failure.status == Status.SASL_REFUSED
