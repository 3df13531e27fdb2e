"""The demo's second act: the same messages from Python, by this project's package and by others, through the same broker."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from table import Line, cpu_seconds

HERE = Path(__file__).resolve().parent
ENDS = HERE / "ends"
PROJECT = HERE.parent.parent
REQUIREMENTS = HERE / "requirements.txt"
# Only reached where something is wrong.
TIMEOUT_S = 90
SIZE = 100
# How many messages fewer the slow ones get.
FEWER = 50


class Missing(Exception):
    """Something cannot be had; says what, and why."""


@dataclass(frozen=True)
class Contender:
    """An implementation, its program, and the package that it wants; the smaller `share` is the fewer messages it gets."""

    name: str
    program: Path
    requirement: str
    divisor: int


OURS = Contender("Python, amqpcodec", ENDS / "amqpcodec_end.py", "", 1)
PEERS = (
    Contender("Python, pyamqp", ENDS / "pyamqp_end.py", "azure-eventhub", FEWER),
    Contender("Python, Qpid Proton", ENDS / "proton_end.py", "python-qpid-proton", FEWER),
)


@dataclass
class Stage:
    """Where messages go through.

    broker   its process, where it is ours
    backlog  how far senders may be ahead of receivers; 0: as far as the broker lets them
    """

    url: str
    address: str
    broker: int | None
    backlog: int = 0


# --- What has to be there.


@dataclass
class Environment:
    """A Python with what could be installed; `missing` says of each requirement that could not why."""

    python: Path
    missing: dict[str, str] = field(default_factory=dict)
    package: Path | None = None

    def lacks(self, requirement: str) -> str | None:
        """Why it is missing; None where it is there."""
        return self.missing.get(requirement)


def requirements() -> list[str]:
    """Such as cffi==2.1.1."""
    lines = [line.strip() for line in REQUIREMENTS.read_text().splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def name_of(requirement: str) -> str:
    return requirement.partition("==")[0]


def run_quietly(words: Sequence[object]) -> str | None:
    """Runs a command; why it failed, in a line, where it did."""
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 0:
        return None
    lines = [line.strip() for line in done.stdout.splitlines() if line.strip()] or [f"{words[0]} failed"]
    return next((line for line in lines if line.lower().startswith("error")), lines[-1])


def prepare(build: Path) -> Environment:
    """An environment with what is wanted, each on its own, and the package, built; what is there is used.

    Raises Missing where there is no environment at all, or no package.
    """
    folder = build / "demo" / "venv"
    found = Environment(folder / "bin" / "python")
    if not found.python.exists():
        reason = run_quietly([sys.executable, "-m", "venv", folder])
        if reason:
            raise Missing(f"there is no environment for Python packages ({reason})")
    stamps = folder / "installed"
    stamps.mkdir(exist_ok=True)
    for requirement in requirements():
        stamp = stamps / requirement
        if stamp.exists():
            continue
        print(f"Installing with pip into {folder}: {requirement}", flush=True)
        reason = run_quietly([found.python, "-m", "pip", "-q", "--disable-pip-version-check", "--retries", "1", "install", requirement])
        if reason:
            found.missing[name_of(requirement)] = reason
        else:
            stamp.touch()
    found.package = build_package(found, build)
    return found


def build_package(environment: Environment, build: Path) -> Path:
    """Builds the package for the environment's Python; the folder for PYTHONPATH."""
    if environment.lacks("cffi"):
        raise Missing(f"pip cannot install cffi, which the package is built with ({environment.missing['cffi']})")
    print(f"Building the Python package in {build / 'python'}", flush=True)
    words = [environment.python, PROJECT / "bindings" / "python" / "develop.py", "--build-dir", build]
    done = subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = (done.stdout + done.stderr).strip().splitlines() or ["it says nothing"]
        raise Missing(f"the package cannot be built ({lines[-1]})")
    return Path(done.stdout.splitlines()[-1])


# --- A load.


class Pair:
    """A receiver and a sender, each a process of its own."""

    def __init__(self, python: Path, package: Path | None, contender: Contender, stage: Stage, count: int, settled: bool) -> None:
        self.words = [str(python), "-B", str(contender.program)]
        self.options = ["--url", stage.url, "--address", stage.address, "--count", str(count), "--run", str(random.getrandbits(63))]
        if settled:
            self.options.append("--settled")
        self.environment = {**os.environ, **({} if package is None else {"PYTHONPATH": str(package)})}
        self.contender = contender
        self.backlog = stage.backlog

    def start(self, end: str) -> subprocess.Popen[str]:
        words = [*self.words, end, *self.options]
        return subprocess.Popen(words, env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, process: subprocess.Popen[str]) -> Any:
        """Its summary. Raises Missing where it has none."""
        try:
            output, errors = process.communicate(timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            raise Missing(f"{self.contender.name} does not come to an end") from None
        if process.returncode != 0 or not output:
            raise Missing(f"{self.contender.name} failed: {(errors.strip().splitlines() or ['it says nothing'])[-1]}")
        return json.loads(output.splitlines()[-1])

    def run(self) -> tuple[Any, Any]:
        """Both summaries, the sender's and the receiver's."""
        with tempfile.NamedTemporaryFile() as progress:
            if self.backlog:
                progress.write(bytes(8))
                progress.flush()
                self.options += ["--backlog", str(self.backlog), "--progress", progress.name]
            with self.start("receive") as receiver:
                try:
                    assert receiver.stdout is not None
                    if receiver.stdout.readline() != "ready\n":
                        self.finish(receiver)
                    with self.start("send") as sender:
                        try:
                            return self.finish(sender), self.finish(receiver)
                        finally:
                            sender.kill()
                finally:
                    receiver.kill()


def summary_of(sender: Any, receiver: Any) -> dict[str, Any]:
    """In the words of `amqpcodec perf --json`."""
    count = receiver["moved"]
    seconds = (receiver["ended_ns"] - sender["started_ns"]) / 1e9
    return {
        "received": count,
        "messages_per_second": count / seconds,
        "megabytes_per_second": count * SIZE / seconds / 1e6,
        "latency_us": {"p50": receiver["p50_us"], "p99": receiver["p99_us"]},
        "cpu_us": {"sender": sender["cpu_seconds"] / count * 1e6, "receiver": receiver["cpu_seconds"] / count * 1e6},
        "peak_bytes": max(sender["peak_bytes"], receiver["peak_bytes"]),
    }


def measure(python: Path, package: Path | None, contender: Contender, stage: Stage, count: int, settled: bool) -> Line:
    """One contender, one mode. Raises Missing where it fails."""
    name = f"{contender.name}, {'settled' if settled else 'unsettled'}"
    print(f"{name}: {count:,} messages ...", flush=True)
    before = cpu_seconds(stage.broker)
    sender, receiver = Pair(python, package, contender, stage, count, settled).run()
    used = cpu_seconds(stage.broker) - before
    summary = summary_of(sender, receiver)
    return Line(name, summary, None if stage.broker is None else used / summary["received"] * 1e6)


def measure_all(environment: Environment, stage: Stage, counts: dict[bool, int]) -> list[Line]:
    """Our package and, where the broker is ours, the others. counts: messages, by whether they go settled."""
    contenders = [OURS] if stage.broker is None else [OURS, *PEERS]
    lines: list[Line] = []
    for contender in contenders:
        reason = environment.lacks(contender.requirement)
        if reason:
            print(f"{contender.name} is not measured: pip cannot install {contender.requirement} ({reason})")
            continue
        for settled in (True, False):
            try:
                count = max(1, counts[settled] // contender.divisor)
                lines.append(measure(environment.python, environment.package, contender, stage, count, settled))
            except Missing as reason_text:
                print(f"{contender.name} is left out: {reason_text}")
    return lines


# --- The chart.


def draw_chart(environment: Environment, lines: Sequence[Line], folder: Path) -> None:
    """As PNG and SVG."""
    reason = environment.lacks("matplotlib")
    if reason:
        print(f"There is no chart: pip cannot install matplotlib ({reason})")
        return
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / "messages.json"
    results.write_text(json.dumps([{"name": line.name, "messages_per_second": line.summary["messages_per_second"]} for line in lines]))
    reason = run_quietly([environment.python, "-B", HERE / "chart.py", results, folder / "messages"])
    print(f"There is no chart: {reason}" if reason else f"\n{folder}/messages.png and .svg show it as bars")
