#!/usr/bin/env python3
"""Runs clients and `amqpcodec broker` for a while over a network that fails all the time, and checks what they kept.

Usage: soak.py --tool AMQPCODEC --programs FOLDER [--seconds N] [--interval S] [--rate N] [--seed N] [--tls] [--no-memory]

soak_client sends and receives through fault_proxy, which cuts each connection about every --interval
seconds and treats it badly in between. What has to hold:

- the ledger: each message has exactly one outcome; what was accepted arrives; what must not come twice does not;
- memory: behind a warm-up neither process grows, nor what the clients' allocator holds, which is all given back;
- the broker, at the end: no connection, link or message is left.

The seed is printed; it decides the faults, though not how threads take turns. Exits with 0 where all holds.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

STOP_SECONDS = 250  # reached only where something is wrong
WARM_UP_PART = 0.2
PROGRESS_SECONDS = 10
PAGE_SIZE = 4096
# The C library makes heaps for threads that meet, over minutes, and never gives them back: no growth of ours.
ENVIRONMENT = os.environ | {"MALLOC_ARENA_MAX": "1"}
MIB = 1 << 20
# What may be more in the second half of the time than in the first: a part, and bytes for what is by chance, of which
# there is more in a short run.
MEDIAN_GROWTH, MEDIAN_SLACK = 1.10, 2 * MIB
PEAK_GROWTH, PEAK_SLACK = 1.25, 8 * MIB
SHORT_SECONDS, SHORT_SLACK = 120, 8 * MIB


class Sample(NamedTuple):
    """Resident bytes of both processes at a time, and what the clients' allocator holds."""

    seconds: float
    client: int
    broker: int
    held: int


class Program:
    """A process whose lines are read as they come."""

    def __init__(self, *command: str) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=ENVIRONMENT)
        assert self.process.stdout is not None and self.process.stdin is not None
        self.first = self.process.stdout.readline().strip()
        self.input = self.process.stdin
        self.lines: list[str] = []
        self.reader = threading.Thread(target=self.read)
        self.reader.start()

    def read(self) -> None:
        """Keeps the lines; the thread's."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.strip())

    def say(self, line: str) -> None:
        """Writes a line to its standard input."""
        self.input.write(line + "\n")
        self.input.flush()

    def end_input(self) -> None:
        """Ends its standard input, once."""
        with contextlib.suppress(BrokenPipeError):
            self.input.close()

    def wait(self) -> int:
        """Waits for its end; returns its status. Kills what does not end."""
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"soak: {self.process.args!r} does not end", flush=True)
            self.process.kill()
            status = self.process.wait()
        self.reader.join()
        return status

    def resident(self) -> int:
        """Resident bytes now; 0 where it has ended."""
        try:
            return int(Path(f"/proc/{self.process.pid}/statm").read_text(encoding="ascii").split()[1]) * PAGE_SIZE
        except (OSError, IndexError):
            return 0

    def kill(self) -> None:
        """Ends it, however it stands."""
        self.process.kill()
        self.end_input()
        self.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()


def document(lines: list[str], index: int = -1) -> dict[str, Any]:
    """A line as JSON; empty where there is none."""
    found: dict[str, Any] = json.loads(lines[index]) if lines else {}
    return found


def watch(client: Program, broker: Program, seconds: float) -> list[Sample]:
    """Samples both every second, and prints how far they are, until the time or the client is over."""
    samples: list[Sample] = []
    started = time.monotonic()
    printed = 0.0
    while (now := time.monotonic() - started) < seconds and client.process.poll() is None and broker.process.poll() is None:
        samples.append(Sample(now, client.resident(), broker.resident(), document(client.lines).get("held", 0)))
        if now - printed >= PROGRESS_SECONDS and client.lines:
            printed = now
            print(f"{now:5.0f} s, client {samples[-1].client / MIB:.1f} MiB, broker {samples[-1].broker / MIB:.1f} MiB: {client.lines[-1]}", flush=True)
        time.sleep(min(1.0, seconds - now))
    return samples


def growth(samples: list[Sample]) -> list[str]:
    """What has grown behind the warm-up, in words; prints the figures."""
    warm = [sample for sample in samples if sample.seconds >= samples[-1].seconds * WARM_UP_PART]
    early, late = warm[: len(warm) // 2], warm[len(warm) // 2 :]
    slack = SHORT_SLACK if samples[-1].seconds < SHORT_SECONDS else 0
    faults = []
    for name in ("client", "broker", "held"):
        first, second = ([int(getattr(sample, name)) for sample in part] for part in (early, late))
        figures = (median(first), median(second), max(first), max(second))
        text = "{}: MiB, median {:.1f} then {:.1f}, peak {:.1f} then {:.1f}".format(name, *(figure / MIB for figure in figures))
        print(text, flush=True)
        if figures[1] > figures[0] * MEDIAN_GROWTH + MEDIAN_SLACK + slack or figures[3] > figures[2] * PEAK_GROWTH + PEAK_SLACK + slack:
            faults.append(f"memory of the {text}")
    return faults


def statistics_of(broker: Program) -> dict[str, Any]:
    """What the broker counts, once all its connections are gone."""
    for _ in range(STOP_SECONDS * 5):
        count = len(broker.lines)
        broker.process.send_signal(signal.SIGUSR1)
        while len(broker.lines) == count and broker.process.poll() is None:
            time.sleep(0.05)
        if broker.process.poll() is not None or document(broker.lines)["connections"] == 0:
            break
        time.sleep(0.2)
    return document(broker.lines)


def remains(statistics: dict[str, Any]) -> list[str]:
    """What is left in the broker, in words."""
    print(f"broker: {statistics}", flush=True)
    faults = [f"the broker has {statistics.get(name)} {name}" for name in ("connections", "links", "memory-used") if statistics.get(name) != 0]
    return faults + [f"queue {queue['name']} has messages" for queue in statistics.get("queues", ()) if queue["messages"] + queue["unsettled"] > 0]


def make_certificate(folder: str) -> str:
    """A certificate for 127.0.0.1 that is its own authority, with its key in the same file; the path."""
    path = f"{folder}/broker.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=soak", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-keyout", f"{folder}/key", "-out", path], check=True, capture_output=True)  # fmt: skip
    with open(path, "a", encoding="ascii") as file:
        file.write(Path(f"{folder}/key").read_text(encoding="ascii"))
    return path


def soak(arguments: argparse.Namespace, programs: list[Program], certificate: str) -> list[str]:
    """Runs it; returns what is wrong, in words. Programs that were started are added to the list. certificate: empty for clear text."""
    idle = int(max(2.0, min(arguments.interval / 2, 8.0)))
    programs.append(Program(arguments.tool, "broker", "--port", "0", "--json", "--memory", "64M", "--queue-memory", "16M",
                            "--idle-timeout", str(2 * idle), *(("--certificate", certificate) if certificate else ())))  # fmt: skip
    broker = programs[-1]
    port = broker.first.rsplit(":", 1)[1]
    programs.append(Program(f"{arguments.programs}/fault_proxy", port, str(arguments.seed), str(int(arguments.interval * 1000))))
    proxy = programs[-1]
    url = f"amqp{'s' if certificate else ''}://127.0.0.1:{proxy.first}/?heartbeat={idle}s{f'&ca={certificate}' if certificate else ''}"
    programs.append(Program(f"{arguments.programs}/soak_client", url, str(arguments.seconds + STOP_SECONDS), str(arguments.rate)))
    client = programs[-1]
    samples = watch(client, broker, arguments.seconds)
    proxy.say("calm")
    client.end_input()
    faults = [] if client.wait() == 0 else ["the clients' ledger"]
    print(f"clients: {client.lines[-1] if client.lines else 'nothing'}", flush=True)
    faults += [] if broker.process.poll() is None else [f"the broker ended with {broker.wait()}"]
    proxy.end_input()
    proxy.wait()
    done = document(proxy.lines)
    print(f"proxy: {done}", flush=True)
    if min(done[name] for name in ("resets", "ends", "silences")) == 0 and arguments.seconds > 10 * arguments.interval:
        faults.append("not every kind of cut happened")
    if not faults:
        faults += remains(statistics_of(broker))
    if arguments.memory and samples:
        faults += growth(samples)
    broker.process.send_signal(signal.SIGTERM)
    status = broker.wait()
    return faults + ([f"the broker ended with {status}"] if status != 0 else [])


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True, help="the command amqpcodec")
    parser.add_argument("--programs", required=True, help="the folder of soak_client and fault_proxy")
    parser.add_argument("--seconds", type=int, default=900)
    parser.add_argument("--interval", type=float, default=10.0, help="seconds until a connection is cut, about")
    parser.add_argument("--rate", type=int, default=100, help="messages a second of each sender, of which there are 18")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--tls", action="store_true", help="over TLS; needs the command openssl")
    parser.add_argument("--no-memory", dest="memory", action="store_false", help="do not look at memory, as under sanitizers")
    return parser.parse_args()


def main() -> int:
    """Runs the soak; returns the exit status."""
    arguments = parse_arguments()
    print(f"seed {arguments.seed}, {arguments.seconds} s, a cut every {arguments.interval:g} s", flush=True)
    programs: list[Program] = []
    with tempfile.TemporaryDirectory() as folder:
        try:
            faults = soak(arguments, programs, make_certificate(folder) if arguments.tls else "")
        finally:
            for program in programs:
                program.kill()
    for fault in faults:
        print(f"FAILED: {fault}", flush=True)
    print("soak: all was kept" if not faults else f"soak: seed {arguments.seed} failed", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
