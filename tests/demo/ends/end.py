"""What the programs have in common that move the demo's messages in Python: one implementation of AMQP each, sender or receiver.

    PROGRAM send|receive --url URL --address ADDRESS --count N --run N [--settled] [--backlog N --progress FILE]

A message is 100 bytes of data: the number of the run, the time, and letters. A receiver prints `ready` when its link is attached; both print
what it took as JSON at the end.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import mmap
import resource
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

SIZE = 100
BATCH = 64  # messages that share a stamp
STAMP = struct.Struct("=QQ")
NUMBER = struct.Struct("=Q")
LETTERS = b"x" * (SIZE - STAMP.size)
BACKLOG_PAUSE_S = 0.001
# No message for so long: the rest will not come.
STALLED_S = 20.0


@dataclass
class Work:
    """What one end has to do, and what it took."""

    url: str
    address: str
    count: int
    run: int
    settled: bool
    backlog: int
    progress: mmap.mmap | None
    moved: int = 0
    started: float = 0.0
    started_ns: int = 0
    ended_ns: int = 0
    latencies_ns: list[int] = field(default_factory=list)

    def begin(self) -> None:
        """The link is there: what comes now is measured."""
        self.started = time.process_time()
        self.started_ns = time.monotonic_ns()

    def ready(self) -> None:
        """Of a receiver: the sender may begin."""
        print("ready", flush=True)
        self.begin()

    # --- Sending.

    def bodies(self) -> Iterator[bytes]:
        """All that is to be sent. Waits where receivers are too far behind."""
        for first in range(0, self.count, BATCH):
            self._keep_backlog(first)
            body = STAMP.pack(self.run, time.monotonic_ns()) + LETTERS
            for _ in range(min(BATCH, self.count - first)):
                yield body
        self.moved = self.count

    def _keep_backlog(self, sent: int) -> None:
        if self.progress is None:
            return
        deadline = time.monotonic() + STALLED_S
        while sent - NUMBER.unpack_from(self.progress)[0] > self.backlog:
            if time.monotonic() > deadline:
                sys.exit("nobody takes messages")
            time.sleep(BACKLOG_PAUSE_S)

    # --- Receiving.

    def take(self, bodies: Iterable[bytes]) -> bool:
        """Counts what has come, of this run. Returns whether that was all."""
        run = NUMBER.pack(self.run)
        mine = [body for body in bodies if body[:8] == run]
        if not mine:
            return False
        self.ended_ns = time.monotonic_ns()
        self.moved += len(mine)
        self.latencies_ns += [self.ended_ns - STAMP.unpack_from(body)[1] for body in mine[::BATCH]]
        if self.progress is not None:
            NUMBER.pack_into(self.progress, 0, self.moved)
        return self.moved >= self.count

    # --- The end.

    def summary(self) -> dict[str, object]:
        """What it took."""
        latencies = sorted(self.latencies_ns) or [0]
        return {
            "moved": self.moved,
            "started_ns": self.started_ns,
            "ended_ns": self.ended_ns,
            "cpu_seconds": time.process_time() - self.started,
            "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "p50_us": latencies[len(latencies) // 2] / 1000,
            "p99_us": latencies[len(latencies) * 99 // 100] / 1000,
        }


def main(send: Callable[[Work], None], receive: Callable[[Work], None]) -> None:
    """Runs one end."""
    parser = argparse.ArgumentParser()
    parser.add_argument("end", choices=("send", "receive"))
    parser.add_argument("--url", required=True)
    parser.add_argument("--address", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--run", type=int, required=True)
    parser.add_argument("--settled", action="store_true")
    parser.add_argument("--backlog", type=int, default=0)
    parser.add_argument("--progress", type=Path)
    given = parser.parse_args()
    with contextlib.ExitStack() as stack:
        progress = None
        if given.progress is not None:
            file = stack.enter_context(given.progress.open("r+b"))
            progress = stack.enter_context(mmap.mmap(file.fileno(), NUMBER.size))
        work = Work(given.url, given.address, given.count, given.run, given.settled, given.backlog, progress)
        (send if given.end == "send" else receive)(work)
        print(json.dumps(work.summary()), flush=True)
