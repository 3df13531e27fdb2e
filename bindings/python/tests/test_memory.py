"""Allocations of the C module and of the library in it fail, one after another (hostile-inputs row 101)."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import amqpcodec
import failing_allocations
import pytest
from amqpcodec.testing import Broker

PATIENCE_S = 900  # reached only where a test fails
HERE = Path(__file__).parent

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(failing_allocations.module() is None, reason="the module whose allocations fail is built by develop.py alone"),
]


def survives(scenario: str, *arguments: str) -> None:
    """Runs a scenario of memory_scenarios.py; at least one failure has to have been told."""
    command = [sys.executable, "-W", "error", "failing_allocations.py", scenario, *arguments]
    ran = subprocess.run(command, cwd=HERE, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert ran.stdout.startswith("one: ")


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """The URL of a broker. What comes to its queue `requests` is answered."""
    with Broker() as broker, amqpcodec.connect(broker.url) as connection:
        requests, replies = connection.receiver("requests", settled=True), connection.sender()

        def answer() -> None:
            with contextlib.suppress(amqpcodec.ClosedError):
                for request in requests:
                    replies.post(amqpcodec.Message("answer", to=request.reply_to, correlation_id=request.message_id))

        thread = threading.Thread(target=answer)
        thread.start()
        yield broker.url
        requests.close()
        thread.join()


@pytest.mark.parametrize(
    "scenario",
    [
        "encoding_values",
        "encoding_a_message",
        "encoding_messages",
        "decoding_values",
        "decoding_messages",
        "decoding_messages_when_they_are_looked_at",
        "decoding_a_batch_that_ends_where_memory_does",
        "printing",
        "reading_frames",
    ],
)
def test_row_101_the_codec_survives_failing_allocations(scenario: str) -> None:
    survives(scenario)


@pytest.mark.parametrize("scenario", ["conversing", "receiving_bytes"])
def test_row_101_a_connection_without_io_survives_failing_allocations(scenario: str) -> None:
    survives(scenario)


@pytest.mark.parametrize("scenario", ["connecting", "making_links", "sending", "receiving", "settling", "requesting", "beginning_a_transaction"])
def test_row_101_clients_survive_failing_allocations(scenario: str, broker: str) -> None:
    survives(scenario, broker)
