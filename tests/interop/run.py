#!/usr/bin/env python3
"""Runs the client against everybody, long form, and writes down what passed with whom.

    tests/interop/run.py --build-dir DIR [--peer NAME]... [--short] [--only TEXT]

DIR/release is built; the Python package is built for the interpreter that runs this. What is fetched, and what brokers keep, lies in DIR/interop;
docs/interop.md then has what was tried in the long form, and of what was not tried what it had. --only: tests with that in their names.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

import matrix

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parent.parent
PAGE = PROJECT / "docs" / "interop.md"

# Names of the test files.
PEERS = ("rabbitmq", "artemis", "broker_j", "proton", "rhea", "go_amqp")

TEXT = """\
# Other implementations

Written by `./run interop`, which starts each of them on a free port of 127.0.0.1; do not edit. `./run test` does the same with RabbitMQ and
Proton alone, in a shorter form. "no" stands where the peer does not have it. Node.js for rhea, Maven and Java for the brokers, and Go, 1.18 or
later, for go-amqp are taken from the PATH, or installed: Debian 12 has Go 1.19, which serves.

{table}
## What peers do otherwise than the specification says

Frames are as `amqpcodec dump` prints them: `->` by the client, `<-` by the peer.
{findings}"""


def environment(build: Path, short: bool) -> dict[str, str]:
    work = build / "interop"
    programs = build / "release" / "tests" / "interop"
    return {
        **os.environ,
        "AMQPCODEC_INTEROP": "short" if short else "long",
        "AMQPCODEC_INTEROP_DOWNLOADS": str(work / "downloads"),
        "AMQPCODEC_INTEROP_WORK": str(work / "work"),
        "AMQPCODEC_MATRIX": str(work / "matrix.jsonl"),
        "AMQPCODEC_CLIENT_PEER": str(programs / "client_peer"),
        "AMQPCODEC_ENGINE_PEER": str(programs / "engine_peer"),
        "AMQPCODEC_PROTON_PEER": str(programs / "proton_peer"),
        **python_package(build),
        "AMQPCODEC_TOOL": str(build / "release" / "lib" / "tools" / "amqpcodec"),
        "PYTHONPATH": str(PROJECT / "tests" / "tools"),
    }


def python_package(build: Path) -> dict[str, str]:
    """Where the Python package is, once it is built; without it its tests are skipped."""
    words = [sys.executable, str(PROJECT / "bindings" / "python" / "develop.py"), "--build-dir", str(build)]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"The Python package cannot be built, and is left out:\n{done.stdout}{done.stderr}", flush=True)
        return {}
    return {"AMQPCODEC_PYTHON": sys.executable, "AMQPCODEC_PYTHON_PACKAGE": done.stdout.splitlines()[-1]}


def findings_of(notes: list[matrix.Note]) -> str:
    text = ""
    for peer in dict.fromkeys(note.peer for note in notes if not note.row):
        text += f"\n### {peer}\n"
        for note in notes:
            if note.peer == peer and not note.row:
                text += f"\n{note.text}\n"
    return text


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    parser.add_argument("--peer", action="append", choices=PEERS)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--only", metavar="TEXT")
    arguments = parser.parse_args()
    build = arguments.build_dir.resolve()
    found = environment(build, arguments.short)
    notes_file = Path(found["AMQPCODEC_MATRIX"])
    Path(found["AMQPCODEC_INTEROP_DOWNLOADS"]).mkdir(parents=True, exist_ok=True)
    notes_file.unlink(missing_ok=True)
    only = ["-k", arguments.only] if arguments.only else []
    failed: list[str] = []
    for name in arguments.peer or PEERS:
        file = HERE / f"{name}_test.py"
        started = time.monotonic()
        print(f"{name} ...", flush=True)
        done = subprocess.run([sys.executable, "-B", "-W", "error", str(file), *only], env=found, stdin=subprocess.DEVNULL, check=False)
        print(f"{name}: {'passed' if done.returncode == 0 else 'FAILED'}, {time.monotonic() - started:.0f} s\n", flush=True)
        if done.returncode != 0:
            failed.append(name)
    notes = matrix.read(notes_file)
    print(matrix.table(notes))
    if not failed and not arguments.short:
        all_notes = matrix.merged(matrix.read_page(PAGE.read_text()), notes)
        PAGE.write_text(TEXT.format(table=matrix.table(all_notes), findings=findings_of(all_notes)))
    print(f"{len(arguments.peer or PEERS) - len(failed)} passed, {len(failed)} failed" + "".join(f"\nfailed: {name}" for name in failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
