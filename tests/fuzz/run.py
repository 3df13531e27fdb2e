#!/usr/bin/env python3
"""Builds the fuzz targets and runs each for a while.

Usage: run.py SECONDS_EACH [TARGET...] [--jobs N] [--build-dir DIR] [--recordings DIR]

Configures a build of its own with clang (coverage, AddressSanitizer, UndefinedBehaviorSanitizer), makes
seeds from the vectors, replays the reproducers of tests/fuzz/regressions/TARGET, and then fuzzes each
TARGET (all without one) for SECONDS_EACH. What crashes a target is kept in DIR/crashes/TARGET,
what the fuzzer learns in DIR/corpus/TARGET. 0 seconds only replay.

Exits with 0 where nothing crashed, 1 where something did, 2 where nothing could be run.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

FOLDER = pathlib.Path(__file__).resolve().parent
PROJECT = FOLDER.parent.parent
TARGETS = (
    "value",
    "value_roundtrip",
    "performative",
    "composite",
    "message",
    "frame_stream",
    "explain",
    "sasl",
    "import",
    "url",
    "marshal",
    "encoder",
    "connection_client",
    "connection_server",
    "engine_calls",
)
MAX_INPUT_SIZE = 4096
MEMORY_LIMIT_MB = 1024
INPUT_TIMEOUT_SECONDS = 10
# A child of libFuzzer stops by itself; this catches one that does not.
STOP_GRACE_SECONDS = 60
COMPILE_FLAGS = (
    "-g -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined "
    "-fno-sanitize-recover=all"
)
OPTIONS = (
    f"-max_len={MAX_INPUT_SIZE}",
    f"-rss_limit_mb={MEMORY_LIMIT_MB}",
    f"-timeout={INPUT_TIMEOUT_SECONDS}",
)
# Calls in a row: short inputs reach nothing.
TARGET_OPTIONS = {"engine_calls": ("-len_control=0",)}
WITH_DICTIONARY = ("connection_client", "connection_server")
DICTIONARY = "performatives.dict"


class Outcome(NamedTuple):
    """What became of one target."""

    target: str
    executions: int
    coverage: int
    features: int
    crashes: list[pathlib.Path]
    failed: bool


def find_clang() -> str:
    """Returns the name of a clang; ends the program where there is none."""
    for name in (os.environ.get("CLANG", "clang"), "clang-14", "clang-15", "clang-16"):
        if shutil.which(name):
            return name
    sys.exit("run.py: needs clang (Debian: clang libclang-rt-14-dev)")


def build(build_dir: pathlib.Path, jobs: int) -> None:
    """Configures and builds the targets; raises where that fails."""
    configure = ["cmake", "-S", str(PROJECT), "-B", str(build_dir)]
    if shutil.which("ninja"):
        configure += ["-G", "Ninja"]
    settings = {
        "CMAKE_BUILD_TYPE": "Debug",
        "CMAKE_C_COMPILER": find_clang(),
        "CMAKE_C_FLAGS": COMPILE_FLAGS,
        "AMQPCODEC_BUILD_SHARED": "OFF",
        "AMQPCODEC_BUILD_TESTS": "OFF",
        "AMQPCODEC_BUILD_TOOLS": "OFF",
        "AMQPCODEC_BUILD_FUZZERS": "ON",
    }
    configure += [f"-D{name}={value}" for name, value in settings.items()]
    for command in (configure, ["cmake", "--build", str(build_dir), f"-j{jobs}"]):
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            print(done.stdout + done.stderr, file=sys.stderr)
            done.check_returncode()


def make_seeds(build_dir: pathlib.Path, recordings: pathlib.Path | None) -> None:
    """Writes the seeds of all targets, and the dictionary; recordings: see make_seeds.py."""
    command = [sys.executable, str(FOLDER / "make_seeds.py")]
    command += [str(PROJECT / "tests" / "vectors"), str(build_dir / "seeds")]
    command += [str(recordings)] if recordings else []
    subprocess.run(command, check=True)


def files_of(folder: pathlib.Path) -> list[pathlib.Path]:
    """Returns the files of a folder, which need not exist."""
    return sorted(path for path in folder.glob("*") if path.is_file())


def replay(program: pathlib.Path, target: str, log: pathlib.Path) -> list[pathlib.Path]:
    """Runs the reproducers of the target, each alone; returns those that crash."""
    crashes = []
    with log.open("ab") as output:
        for path in files_of(FOLDER / "regressions" / target):
            command = [str(program), *OPTIONS, str(path)]
            if subprocess.run(command, stdout=output, stderr=output, check=False).returncode != 0:
                crashes.append(path)
    return crashes


def last_number(pattern: str, text: str) -> int:
    """Returns the last number that the pattern finds, or 0."""
    found = re.findall(pattern, text)
    return int(found[-1]) if found else 0


def fuzz(build_dir: pathlib.Path, target: str, seconds: int) -> Outcome:
    """Replays the reproducers of a target and then fuzzes it."""
    program = build_dir / "tests" / "fuzz" / f"fuzz_{target}"
    corpus = build_dir / "corpus" / target
    crashes = build_dir / "crashes" / target
    log = build_dir / f"{target}.log"
    corpus.mkdir(parents=True, exist_ok=True)
    crashes.mkdir(parents=True, exist_ok=True)
    known = set(files_of(crashes))
    log.write_bytes(b"")
    found = replay(program, target, log)
    if seconds == 0:
        return Outcome(target, 0, 0, 0, found, bool(found))
    command = [str(program), *OPTIONS, f"-max_total_time={seconds}", "-print_final_stats=1"]
    command += TARGET_OPTIONS.get(target, ())
    command += [f"-dict={build_dir}/seeds/{DICTIONARY}"] if target in WITH_DICTIONARY else []
    command += [f"-artifact_prefix={crashes}/", str(corpus), str(build_dir / "seeds" / target)]
    with log.open("ab") as output:
        try:
            status = subprocess.run(
                command,
                stdout=output,
                stderr=output,
                check=False,
                timeout=seconds + STOP_GRACE_SECONDS,
            ).returncode
        except subprocess.TimeoutExpired:
            status = 1
    text = log.read_text(encoding="utf-8", errors="replace")
    found += [path for path in files_of(crashes) if path not in known]
    return Outcome(
        target,
        last_number(r"stat::number_of_executed_units: +(\d+)", text),
        last_number(r"cov: (\d+)", text),
        last_number(r"ft: (\d+)", text),
        found,
        bool(found) or status != 0,
    )


def report(outcome: Outcome, log: pathlib.Path) -> None:
    """Prints the line of a target, and what crashed it."""
    verdict = "CRASHED" if outcome.failed else "ok"
    print(
        f"{outcome.target:18} {verdict:8} {outcome.executions:>10} executions"
        f" {outcome.coverage:>6} edges {outcome.features:>7} features",
        flush=True,
    )
    for path in outcome.crashes:
        print(f"    {path}: {path.read_bytes()[:64].hex()}")
    if outcome.failed:
        print(f"    see {log}")


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("seconds", type=int, help="how long each target runs; 0 only replays")
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=", ".join(TARGETS))
    parser.add_argument("--jobs", type=int, default=1, help="targets that run at once")
    parser.add_argument("--build-dir", type=pathlib.Path, default=PROJECT / "build" / "fuzz")
    parser.add_argument("--recordings", type=pathlib.Path, help="what simulate --corpus wrote")
    arguments = parser.parse_intermixed_args()
    unknown = set(arguments.targets) - set(TARGETS)
    if unknown or arguments.seconds < 0 or arguments.jobs < 1:
        parser.error(f"unknown target: {', '.join(sorted(unknown))}" if unknown else "bad number")
    return arguments


def main() -> int:
    """Runs the targets; returns the exit status."""
    arguments = parse_arguments()
    build_dir = arguments.build_dir.resolve()
    try:
        build(build_dir, arguments.jobs)
        make_seeds(build_dir, arguments.recordings)
    except subprocess.CalledProcessError as error:
        print(f"run.py: {error}", file=sys.stderr)
        return 2
    targets = arguments.targets or TARGETS
    failed = False
    with ThreadPoolExecutor(max_workers=arguments.jobs) as pool:
        for outcome in pool.map(lambda name: fuzz(build_dir, name, arguments.seconds), targets):
            report(outcome, build_dir / f"{outcome.target}.log")
            failed = failed or outcome.failed
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
