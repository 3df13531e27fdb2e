"""Other implementations that are no brokers: each sends to the client, and receives from it, through the project's own broker."""

from __future__ import annotations

import json
import os
import subprocess
import unittest
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import client
import matrix
from embedded import EmbeddedBroker

# Where what is fetched is kept; only ./run interop fetches.
DOWNLOADS = os.environ.get("AMQPCODEC_INTEROP_DOWNLOADS", "")

COUNT = 2000
SIZES = (100, 300_000)  # one frame, and several


def fetch(words: Sequence[str], folder: Path | None = None, **variables: str) -> None:
    """Runs a package manager, and shows what it said where it fails."""
    done = subprocess.run(words, cwd=folder, env={**os.environ, **variables}, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          timeout=900)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}:\n{done.stdout}{done.stderr}")


class OtherScenarios(unittest.TestCase):
    """Subclasses say how the other is started."""

    peer: ClassVar[str]
    runs_on: ClassVar[str] = ""  # what it was built by, or runs on, with its version

    def command(self, mode: str, broker: EmbeddedBroker, address: str, count: int, size: int) -> Sequence[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def run_other(self, mode: str, broker: EmbeddedBroker, address: str, count: int, size: int) -> client.Summary:
        words = list(self.command(mode, broker, address, count, size))
        done = subprocess.run(words, env=self.environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                              timeout=client.TIMEOUT_S)
        found: client.Summary = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual((found["failure"], found["bad"]), ("", 0), done.stderr)
        return found

    def test_what_the_other_sends_is_received(self) -> None:
        for size in SIZES:
            with self.subTest(size=size), EmbeddedBroker() as broker:
                count = COUNT if size < 1000 else 20
                self.assertEqual(self.run_other("send", broker, "queue", count, size)["sent"], count)
                received = client.run("collect", broker.url, address="queue", count=count, size=size)
                self.assertEqual((received.get("received"), received.get("distinct"), received.get("corrupt")), (count, count, 0), received)
        matrix.note(self.peer, "what the peer sends, through amqpcodec broker", "yes", self.runs_on)

    def test_what_the_client_sends_is_received_by_the_other(self) -> None:
        for size in SIZES:
            for settled in (False, True):
                with self.subTest(size=size, settled=settled), EmbeddedBroker() as broker:
                    count = COUNT if size < 1000 else 20
                    sent = client.run("send", broker.url, address="queue", count=count, size=size, settled=settled)
                    self.assertEqual(sent.get("sent_settled" if settled else "accepted"), count, sent)
                    received = self.run_other("receive", broker, "queue", count, size)
                    self.assertEqual((received["received"], received["distinct"]), (count, count))
        matrix.note(self.peer, "what the client sends, through amqpcodec broker", "yes", self.runs_on)
