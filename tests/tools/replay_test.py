"""What the fuzzers of connections begin with, and what they have found, as bytes over TCP to one `amqpcodec broker`.

Whatever comes, the broker serves the client that was there before and the one that comes after, and keeps nothing of
what has gone: no connection, and no more memory the third time than after the first.
"""

from __future__ import annotations

import json
import os
import random
import shlex
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from broker_raw import AMQP_HEADER, SASL_HEADER, TIMEOUT_S, Broker, opening, read_to_end, read_until
from frames import begin_frame
from tool import TOOL, VECTORS, run

FUZZ = Path(__file__).parents[1] / "fuzz"
SIMULATE = shlex.split(os.environ.get("AMQPCODEC_SIMULATE", ""))
SANITIZED = bool(os.environ.get("AMQPCODEC_SANITIZED"))
RECORDED_SEEDS = 12
HEAD_SIZE = 9  # CONNECTION_FUZZ_HEAD of connection_fuzz.h: what stands before the peer's stream
STREAM_TARGETS = ("frame_stream",)
PAGE_SIZE = 4096
GROWTH_BYTES = 2 << 20  # what the C library's heap may do by chance
MESSAGES = 200


def make_seeds(folder: Path) -> None:
    """Writes seeds as the fuzzers get them; with conversations of the simulation, where that is built."""
    command = [sys.executable, str(FUZZ / "make_seeds.py"), str(VECTORS), str(folder / "seeds")]
    if SIMULATE:
        (folder / "recordings").mkdir()
        subprocess.run([*SIMULATE, "--seeds", "1", str(RECORDED_SEEDS), "--corpus", str(folder / "recordings")], check=True, capture_output=True)
        command.append(str(folder / "recordings"))
    subprocess.run(command, check=True, capture_output=True)


def streams(folder: Path) -> Iterator[bytes]:
    """What a peer would send, from seeds and regressions of all targets that read what peers send."""
    for target in ("connection_client", "connection_server", "sasl", *STREAM_TARGETS):
        for path in sorted([*(folder / "seeds" / target).glob("*"), *(FUZZ / "regressions" / target).glob("*")]):
            data = path.read_bytes()
            yield data
            if target.startswith("connection_"):
                yield data[HEAD_SIZE:]
                yield opening() + data[HEAD_SIZE:].removeprefix(AMQP_HEADER)
            elif target == "sasl":
                yield SASL_HEADER + data


class Replay(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        make_seeds(Path(folder.name))
        self.streams = list(streams(Path(folder.name)))
        self.random = random.Random(20260727)
        self.broker = Broker("--json", "--memory", "8M", "--queue-memory", "2M", "--idle-timeout", "20")
        self.addCleanup(self.broker.__exit__, None, None, None)

    def throw(self, data: bytes) -> None:
        """Sends bytes, whole or in pieces, and goes away: in order, at once, or by a reset."""
        with self.broker.connect() as peer:
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            piece = self.random.choice((len(data) + 1, len(data) + 1, 61, 400))
            try:
                for start in range(0, len(data), piece):
                    peer.sendall(data[start : start + piece])
                way = self.random.randrange(3)
                if way == 0:
                    peer.shutdown(socket.SHUT_WR)
                    read_to_end(peer)
                elif way == 1:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except ConnectionError:
                pass  # the broker has had enough of it

    def statistics(self) -> dict[str, Any]:
        """What the broker counts now."""
        self.broker.process.send_signal(signal.SIGUSR1)
        found: dict[str, Any] = json.loads(self.broker.read_line())
        return found

    def settle(self, connections: int) -> dict[str, Any]:
        """Waits until only so many connections are left, and takes all messages out of the queues."""
        end = time.monotonic() + 3 * TIMEOUT_S
        while (statistics := self.statistics())["connections"] > connections:
            self.assertLess(time.monotonic(), end, statistics)
            time.sleep(0.02)
        for queue in statistics["queues"]:
            if queue["messages"] > 0:
                command = [*TOOL, "receive", f"amqp://127.0.0.1:{self.broker.port}", "--address", queue["name"], "--raw"]
                taken = subprocess.run([*command, "--count", str(queue["messages"])], capture_output=True, timeout=3 * TIMEOUT_S, check=False)
                self.assertLess(taken.returncode, 2, taken.stderr)  # 1 where some are no messages
        statistics = self.statistics()
        self.assertEqual([queue for queue in statistics["queues"] if queue["messages"] > 0], [])
        return statistics

    def resident(self) -> int:
        pages = Path(f"/proc/{self.broker.process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * PAGE_SIZE

    def serves(self) -> None:
        """A client of today sends and receives."""
        url = f"amqp://127.0.0.1:{self.broker.port}"
        sent = run("send", url, "after", "--count", str(MESSAGES), "hello")
        self.assertEqual((sent.status, sent.errors), (0, ""))
        received = run("receive", url, "after", "--count", str(MESSAGES), "--lines")
        self.assertEqual((received.status, received.output), (0, "hello\n" * MESSAGES))

    def test_every_seed_of_the_connection_fuzzers(self) -> None:
        self.assertGreater(len(self.streams), 500)
        with self.broker.connect() as witness:
            witness.sendall(opening("witness"))
            read_until(witness, b"\x00\x53\x11")
            used = []
            for _ in range(3):
                for data in self.streams:
                    self.throw(data)
                statistics = self.settle(1)
                used.append((statistics["links"], statistics["memory-used"], self.resident()))
            witness.sendall(begin_frame(channel=1))
            read_until(witness, b"\x00\x53\x11")
        self.assertGreater(statistics["connections-made"], 3 * len(self.streams))
        self.assertEqual(used[0][:2], used[2][:2], used)
        if not SANITIZED:
            self.assertLess(used[2][2], used[0][2] + GROWTH_BYTES, used)
        self.serves()


if __name__ == "__main__":
    unittest.main(verbosity=2)
