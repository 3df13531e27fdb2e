"""Builds the benchmark programs, and runs one of them."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Where ./run builds, and what it builds with.
DEFAULT_BUILD_DIR = ROOT / os.environ.get("AMQPCODEC_BUILD_DIR", "build") / "bench"
COMPILER = "gcc"

# Far beyond what any program takes.
TIMEOUT_SECONDS = 120


class ProgramError(Exception):
    """A program failed: it crashed, or refused its work."""


def run_quietly(command: list[str]) -> None:
    """Runs a step of the build in the project's folder; shows what it printed only where it fails."""
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if result.returncode != 0:
        raise SystemExit(f"{result.stdout}\nbench: this failed: {' '.join(command)}")


def configure(build_dir: Path) -> None:
    """Configures a release build with benchmarks, unless that was done."""
    cache = build_dir / "CMakeCache.txt"
    command = ["cmake", "--preset", "release", "-B", str(build_dir), "-DAMQPCODEC_BUILD_BENCHES=ON"]
    if not cache.exists():
        command += [f"-DCMAKE_C_COMPILER={COMPILER}", "-DAMQPCODEC_BUILD_TESTS=OFF"]
        command += ["-DAMQPCODEC_WARNINGS_AS_ERRORS=OFF"]
    elif "AMQPCODEC_BUILD_BENCHES:BOOL=ON" in cache.read_text():
        return
    run_quietly(command)


def build(build_dir: Path, *targets: str) -> None:
    """Configures and builds the targets, or everything where none is named."""
    configure(build_dir)
    run_quietly(["cmake", "--build", str(build_dir), *(["--target", *targets] if targets else [])])


@dataclass(frozen=True)
class Timing:
    """One benchmark of one program: nanoseconds per operation, and the checksum of its work."""

    nanoseconds: float
    checksum: str


def run_text(command: list[str | Path], environment: dict[str, str] | None = None) -> str:
    """Runs a program and returns what it prints; ProgramError where it fails, or hangs."""
    name = Path(command[0]).name
    try:
        result = subprocess.run(
            [str(word) for word in command],
            env={**os.environ, **(environment or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise ProgramError(f"{name}: no end after {TIMEOUT_SECONDS} s") from None
    if result.returncode != 0:
        why = f"signal {-result.returncode}" if result.returncode < 0 else result.stderr.strip()
        raise ProgramError(f"{name}: {why or result.returncode}")
    return result.stdout


def time_benchmark(program: Path, name: str, seconds: float) -> Timing:
    """Times one benchmark for at least `seconds`, by a process of its own."""
    text = run_text(
        [
            program,
            f"--benchmark_filter=^{name}$",
            f"--benchmark_min_time={seconds}",
            "--benchmark_format=json",
        ]
    )
    benchmarks = json.loads(text)["benchmarks"]
    if len(benchmarks) != 1 or benchmarks[0]["time_unit"] != "ns":
        raise ProgramError(f"{program.name}: no benchmark {name}")
    return Timing(benchmarks[0]["cpu_time"], benchmarks[0]["label"])


def list_benchmarks(program: Path) -> set[str]:
    """The names of the benchmarks that the program has; none where there is no such program."""
    if not program.exists():
        return set()
    return set(run_text([program, "--benchmark_list_tests"]).split())
