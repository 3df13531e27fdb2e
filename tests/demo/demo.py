#!/usr/bin/env python3
"""What ./run demo shows: messages through a broker, with their speed, and what a conversation looks like.

    demo.py TOOL [URL [ADDRESS]]

TOOL is the command `amqpcodec`. Without URL its own broker runs on a free port. The Python act builds the package in AMQPCODEC_BUILD_DIR; where that
is not set there is none.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import python_act
from table import Line, cpu_seconds, print_table

# The tests are content with fewer.
COUNT = int(os.environ.get("AMQPCODEC_DEMO_COUNT", "1000000"))
# A broker that is slower than that is not waited for.
SECONDS_MAX = 15
RATE_MAX = 20000
RATE_SECONDS = 3
# How far senders may be ahead of receivers at a broker that is not ours: some do little else when their queues are long.
BACKLOG = 1000
TEXTS = ("Good morning", "42 boxes have arrived", "Grüße aus Köln")
PLAIN_PORT = 5672


def hide_password(text: str) -> str:
    """A command line, without the password of its URL."""
    return re.sub(r"(//[^:@/ ]*):[^@/ ]*@", r"\1:...@", text)


class Tool:
    """The command."""

    def __init__(self, path: str) -> None:
        self.path = path

    def run(self, *words: str) -> str:
        """Runs it, shown as it is typed; its output. Its errors and its progress go to the terminal."""
        print(f"\n$ amqpcodec {hide_password(shlex.join(words))}", flush=True)
        done = subprocess.run([self.path, *words], stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{done.stdout}demo: that failed")
        return done.stdout


@contextmanager
def own_broker(tool: Tool) -> Iterator[tuple[str, int]]:
    """The embedded broker on a free port: its URL and its process."""
    print("\n$ amqpcodec broker --listen 127.0.0.1:0 &", flush=True)
    with subprocess.Popen([tool.path, "broker", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline().strip()
            found = re.search(r"amqp://\S+", line)
            if found is None:
                sys.exit("demo: the broker did not start")
            print(line)
            yield found.group(), process.pid
        finally:
            process.terminate()


# --- A load.


def measure(tool: Tool, name: str, broker: int | None, *words: str) -> Line:
    """One run of perf."""
    before = cpu_seconds(broker)
    summary = json.loads(tool.run("perf", "--json", *words))
    used = cpu_seconds(broker) - before
    return Line(name, summary, None if broker is None else used / summary["received"] * 1e6)


def load(tool: Tool, url: str, address: str, broker: int | None) -> list[Line]:
    """A million messages settled, a million unsettled, and some at a rate at which none has to wait."""
    many = ["--count", str(COUNT), "--duration", str(SECONDS_MAX)]
    if broker is None:
        many += ["--backlog", str(BACKLOG)]
    settled = measure(tool, "100 B, settled", broker, *many, "--settled", url, address)
    unsettled = measure(tool, "100 B, unsettled, accepted", broker, *many, url, address)
    rate = rate_below(unsettled.summary["messages_per_second"])
    some = ("--rate", str(rate), "--duration", str(RATE_SECONDS))
    return [settled, unsettled, measure(tool, f"the same, {rate:,} a second", broker, *some, url, address)]


def rate_below(most: float) -> int:
    """A round rate, less than half of what goes."""
    half = min(RATE_MAX, max(1, int(most / 2)))
    step = int("1" + "0" * (len(str(half)) - 1))
    return half // step * step


# --- A conversation.


class Recorder:
    """Stands between a client and a broker of clear text, and keeps what the client says."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.target = (parts.hostname or "localhost", parts.port or PLAIN_PORT)
        self.listener = socket.create_server(("127.0.0.1", 0))
        credentials = f"{parts.netloc.rpartition('@')[0]}@" if "@" in parts.netloc else ""
        place = f"{credentials}127.0.0.1:{self.listener.getsockname()[1]}"
        self.url = urlunsplit((parts.scheme, place, parts.path, parts.query, ""))
        self.said = b""
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self) -> None:
        """Carries the bytes of one connection."""
        client, _ = self.listener.accept()
        with client, socket.create_connection(self.target) as broker:
            back = threading.Thread(target=carry, args=(broker, client), daemon=True)
            back.start()
            while data := client.recv(65536):
                self.said += data
                broker.sendall(data)
            broker.shutdown(socket.SHUT_WR)
            back.join()

    def bytes_said(self) -> bytes:
        """All that the client said, once it is gone."""
        self.thread.join(10)
        self.listener.close()
        return self.said


def carry(source: socket.socket, target: socket.socket) -> None:
    """Carries bytes until there are no more."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other side is gone


def show_frame(tool: Tool, said: bytes) -> None:
    """One frame of what was said, as dump prints it."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "conversation"
        path.write_bytes(said)
        done = subprocess.run([tool.path, "dump", "--as", "stream", str(path)], stdout=subprocess.PIPE, text=True, check=True)
    transfers = [line for line in done.stdout.splitlines() if "transfer(" in line]
    print(f"\nOne of the {len(done.stdout.splitlines())} frames that `send` wrote, as amqpcodec dump prints it:\n")
    print(transfers[-1])


def converse(tool: Tool, url: str, address: str) -> None:
    """A few messages that people can read."""
    recorder = Recorder(url) if url.startswith("amqp:") and "," not in url else None
    tool.run("send", "--subject", "greeting", "--property", "from=demo", recorder.url if recorder else url, address, *TEXTS)
    print(tool.run("receive", "--count", str(len(TEXTS)), "--timeout", "10", url, address), end="")
    if recorder is not None:
        show_frame(tool, recorder.bytes_said())


# --- The acts.


def python_too(lines: list[Line], url: str, address: str, broker: int | None) -> None:
    """The same from Python, beside what C took."""
    build = os.environ.get("AMQPCODEC_BUILD_DIR")
    if build is None:
        return
    print("\nThe same from Python\n", flush=True)
    stage = python_act.Stage(url, address, broker, BACKLOG if broker is None else 0)
    try:
        environment = python_act.prepare(Path(build).resolve())
    except python_act.Missing as reason:
        print(f"The Python act is left out: {reason}")
        return
    beside = [Line(f"C, {mode}", line.summary, line.broker_cpu_us) for mode, line in zip(("settled", "unsettled"), lines)]
    counts = {settled: count_within(line) for settled, line in zip((True, False), beside)}
    measured = python_act.measure_all(environment, stage, counts)
    if measured:
        print_table([*beside, *measured], broker)
        python_act.draw_chart(environment, [*beside, *measured], Path(build).resolve() / "demo")


def count_within(line: Line) -> int:
    """How many messages to move where C moved those of the line: fewer where the broker is so slow that all would take long."""
    return min(COUNT, max(1, int(line.summary["messages_per_second"] * SECONDS_MAX)))


def show(tool: Tool, url: str, address: str, broker: int | None) -> None:
    """All of it, on a broker that is there."""
    lines = load(tool, url, address, broker)
    print_table(lines, broker)
    converse(tool, url, address)
    python_too(lines, url, address, broker)


def main() -> int:
    """Runs the demo."""
    tool = Tool(sys.argv[1])
    address = sys.argv[3] if len(sys.argv) > 3 else "amqpcodec-demo"
    if len(sys.argv) > 2:
        show(tool, sys.argv[2], address, None)
        return 0
    with own_broker(tool) as (url, process):
        show(tool, url, address, process)
    return 0


if __name__ == "__main__":
    sys.exit(main())
