"""The contenders of the suite `python`: their environments below build/bench, and one turn of one of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import environments
import programs
from python_cases import C_CLIENT, CPYTHON, INTERPRETERS, OURS, PROTON, PYAMQP, PYPY, Case

HERE = Path(__file__).resolve().parent / "python"
COMMANDS = {CPYTHON: "python3", PYPY: "pypy3"}
PROGRAMS = {OURS: "ours.py", PYAMQP: "peer_pyamqp.py", PROTON: "peer_proton.py"}
SAMPLE_VARIANTS = 16
MASK = (1 << 64) - 1
# Beyond what any turn takes.
TURN_SECONDS = 100


@dataclass(frozen=True)
class Contender:
    """Who does operations: one package with one interpreter.

    python  of its environment; empty for the C client
    path    where its package is, besides
    """

    name: str
    interpreter: str
    python: Path
    path: Path | None = None

    def environment(self) -> dict[str, str]:
        """Of its processes. pip compiles what it installs; what is not installed is compiled when it is first imported."""
        kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        return {**kept, **({"PYTHONPATH": str(self.path)} if self.path else {})}


def prepare_ours(interpreter: str) -> Contender:
    """The package as it is in the sources, built for the interpreter."""
    python = environments.ensure(f"ours-{interpreter}", COMMANDS[interpreter], "python/ours.txt")
    develop = programs.ROOT / "bindings" / "python" / "develop.py"
    command = [sys.executable, str(develop), str(python), "--build-dir", str(programs.DEFAULT_BUILD_DIR)]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        raise environments.SetupError(f"the package does not build for {interpreter}: {result.stdout[-2000:]}")
    return Contender(OURS, interpreter, python, Path(result.stdout.strip().splitlines()[-1]))


def prepare(name: str, interpreter: str) -> Contender:
    """Makes the contender's environment."""
    if name == OURS:
        return prepare_ours(interpreter)
    return Contender(name, interpreter, environments.ensure(f"{name}-{interpreter}", COMMANDS[interpreter], f"python/{name}.txt"))


def prepare_all() -> tuple[list[Contender], list[str]]:
    """All that can be made, and why the others cannot."""
    found: list[Contender] = []
    missing: list[str] = []
    for interpreter in INTERPRETERS:
        for name in PROGRAMS:
            try:
                found.append(prepare(name, interpreter))
            except (environments.SetupError, SystemExit) as error:
                missing.append(f"{name}, {interpreter}: {error}")
        found.append(Contender(C_CLIENT, interpreter, Path()))
    return found, missing


def placed(core: int) -> list[str]:
    """On a core of its own, and before all others, where that is permitted."""
    pinned = ["taskset", "-c", str(core)] if shutil.which("taskset") and (os.cpu_count() or 1) > 1 else []
    chrt = ["chrt", "-f", "50"]
    permitted = shutil.which("chrt") and subprocess.run([*chrt, "true"], capture_output=True, check=False).returncode == 0
    return [*pinned, *chrt] if permitted else pinned


def write_samples(peer: Path, folder: Path) -> None:
    """The messages, for the Python programs."""
    for kind in "AB":
        (folder / f"samples_{kind}.json").write_text(programs.run_text([peer, "samples", kind]))


@contextmanager
def started_peer(peer: Path, case: Case, count: int) -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """The C peer, and its port."""
    words = [case.peer or "", case.kind, "settled" if case.settled else "unsettled", str(count)]
    with subprocess.Popen([*placed(0), str(peer), *words], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            line = process.stdout.readline().strip()
            if not line.isdigit():
                raise programs.ProgramError("the C peer did not start")
            yield int(line), process
        finally:
            process.kill()


def finished(process: subprocess.Popen[str]) -> dict[str, int]:
    """What the peer tells at its end."""
    try:
        text, _ = process.communicate(timeout=TURN_SECONDS)
    except subprocess.TimeoutExpired:
        raise programs.ProgramError("the C peer's connection was not closed") from None
    if process.returncode != 0:
        raise programs.ProgramError("the C peer failed")
    report: dict[str, int] = json.loads(text)
    return report


def expected_sum(samples: list[dict[str, Any]], count: int) -> int:
    """What a sink adds up to when it was sent `count` messages, one variant after the other."""
    sums = [int(sample["checksum"]) for sample in samples]
    return (sum(sums) * (count // SAMPLE_VARIANTS) + sum(sums[: count % SAMPLE_VARIANTS])) & MASK


def check_peer(case: Case, report: dict[str, int], samples: list[dict[str, Any]], count: int) -> None:
    """Whether the peer saw what it should have seen."""
    if case.peer == "sink" and report["checksum"] != expected_sum(samples, count):
        raise programs.ProgramError(f"a sink that was sent {count} messages read {report}")
    # A program may close the connection before its last outcomes have gone out.
    if case.peer == "source" and not case.settled and report["accepted"] < count * 0.99:
        raise programs.ProgramError(f"of {count} messages {report['accepted']} were accepted")


class Turns:
    """Runs contenders, one turn after the other."""

    def __init__(self, peer: Path, folder: Path) -> None:
        self.peer = peer
        self.folder = folder
        write_samples(peer, folder)

    def samples(self, kind: str) -> Path:
        """The messages' file."""
        return self.folder / f"samples_{kind}.json"

    def command(self, contender: Contender, case: Case, count: int, port: int) -> list[str]:
        """What does the operation."""
        if contender.name == C_CLIENT:
            return [*placed(1), str(self.peer), "trips", str(port), str(count)]
        words = [case.name, "--samples", str(self.samples(case.kind)), "--count", str(count), "--port", str(port)]
        return [*placed(1), str(contender.python), str(HERE / PROGRAMS[contender.name]), *words]

    def run(self, contender: Contender, case: Case, count: int) -> dict[str, float]:
        """One turn. Raises ProgramError."""
        if case.peer is None:
            return self.run_program(contender, self.command(contender, case, count, 0))
        with started_peer(self.peer, case, count) as (port, process):
            result = self.run_program(contender, self.command(contender, case, count, port))
            check_peer(case, finished(process), json.loads(self.samples(case.kind).read_text()), count)
        return result

    def run_program(self, contender: Contender, command: list[str]) -> dict[str, float]:
        """Runs the contender's program, and reads what it prints."""
        try:
            ran = subprocess.run(command, env=contender.environment(), capture_output=True, text=True, check=False, timeout=TURN_SECONDS)
        except subprocess.TimeoutExpired:
            raise programs.ProgramError(f"no end after {TURN_SECONDS} s") from None
        if ran.returncode != 0:
            raise programs.ProgramError((ran.stderr.strip().splitlines() or ["it failed without a word"])[-1][:300])
        result: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
        return result
