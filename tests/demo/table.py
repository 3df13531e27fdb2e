"""The demo's tables: a line for each load, and what it cost."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HEADINGS = ("", "messages", "messages/s", "MB/s", "p50", "p99", "CPU a message: sender", "receiver", "broker", "memory")


@dataclass
class Line:
    """One line: what was measured, its summary in the words of `amqpcodec perf --json`, and what it cost the broker, where that is ours."""

    name: str
    summary: Any
    broker_cpu_us: float | None


def cpu_seconds(process: int | None) -> float:
    """CPU time of the broker so far, where it is ours."""
    if process is None:
        return 0.0
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_bytes(process: int) -> int:
    """The most memory that a process had."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(found.group(1)) * 1024 if found else 0


def print_table(lines: Sequence[Line], broker: int | None) -> None:
    """What the loads took."""
    rows = [HEADINGS, *map(row_of, lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(HEADINGS))]
    print()
    for row in rows:
        print("  ".join(text.ljust(width) if i == 0 else text.rjust(width) for i, (text, width) in enumerate(zip(row, widths))))
    print("\nmemory: at most, of the process that sends and receives, or of the larger of two", end="")
    print("" if broker is None else f"; of the broker {peak_bytes(broker) / 1e6:.1f} MB")
    print("p50, p99: from sending to receiving; flat out that is mostly the time in the queue")


def row_of(line: Line) -> tuple[str, ...]:
    """Its texts."""
    summary = line.summary
    latency, cpu = summary["latency_us"], summary["cpu_us"]
    return (
        line.name,
        f"{summary['received']:,}",
        f"{summary['messages_per_second']:,.0f}",
        f"{summary['megabytes_per_second']:.1f}",
        time_text(latency["p50"]),
        time_text(latency["p99"]),
        f"{cpu['sender']:.2f} us",
        f"{cpu['receiver']:.2f} us",
        "-" if line.broker_cpu_us is None else f"{line.broker_cpu_us:.2f} us",
        f"{summary['peak_bytes'] / 1e6:.1f} MB",
    )


def time_text(microseconds: float) -> str:
    """A latency, in the unit that suits it."""
    return f"{microseconds:.0f} us" if microseconds < 10000 else f"{microseconds / 1000:.0f} ms"
