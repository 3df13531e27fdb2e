#!/usr/bin/env python3
"""Where a Python message's time goes, in nanoseconds for each step: samples of `perf record`, sorted by whose function it was.

    bench/python_profile.py [OPERATION...]

OPERATION: as in python_cases.py; by CPython, whose functions have names. The suite `python` calls this at its end. Samples of what is
imported and warmed up are among them; there are enough messages that they do not matter.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import document
import programs
from python_cases import CASES, CPYTHON, OURS, Case
from python_contenders import HERE, PROGRAMS, Contender, Turns, placed, prepare, started_peer

OPERATIONS = ("decode_all", "encode_batch", "receive_batch", "receive_one", "send_pipelined", "send_one", "asyncio_batch", "asyncio_tasks")
JSON = programs.DEFAULT_BUILD_DIR / "python_steps.json"
SECONDS = 2.0
BYTECODE = r"eval|Eval|[Ff]rame|[Cc]all|[Gg]et[Aa]ttr|_PyType_Lookup|descr|method|initialize_locals|PyStack|[Vv]ector|_next|builtin|property|func"
CODEC = r"amqpc_(message|value|items|map|writer|text)|amqpci_.*(decode|encode|value|take|read|write|utf8|map|key|message|store)"
# The first that fits an object's name and a function's is the step. The last fits everything.
STEPS: tuple[tuple[str, str, str], ...] = (
    ("system calls, sockets", r"kernel|vdso|unknown", r"."),
    ("C: codec (messages, values)", r"_native", CODEC),
    ("C: crossing (marshal's bytes)", r"_native", r"crossing|put_|get_|marshal|take_object|read_"),
    ("C: engine, transport, client", r"_native", r"."),
    ("marshal: objects out of bytes", r"python", r"^(r_|marshal_load|read_object)"),
    ("marshal: bytes out of objects", r"python", r"^(w_|marshal_dump|PyMarshal|_Py_hashtable|hashtable_)"),
    ("Python: allocation and garbage", r"python", r"[Aa]lloc|[Dd]ealloc|[Ff]ree|gc_|_Py_NewReference|visit|collect|subtype_clear|untrack|IS_GC|GC_"),
    ("Python: dicts, strings, tuples, numbers", r"python", r"dict|Dict|unicode|Unicode|[Tt]uple|[Ll]ist|long_|Long|PyBytes|bytes|keys|x_add"),
    ("Python: bytecode", r"python", BYTECODE),
    ("cffi", r"_cffi_backend|_native", r"_cffi|cffi"),
    ("C library: copies, allocation", r"libc", r"."),
    ("the rest", r".", r"."),
)


def step_of(owner: str, function: str) -> str:
    """The step that a function belongs to."""
    return next(step for step, owners, functions in STEPS if re.search(owners, owner) and re.search(functions, function))


def parse(text: str) -> Counter[str]:
    """Shares of steps, from what `perf report` prints: share, object, function."""
    shares: Counter[str] = Counter()
    for line in text.splitlines():
        found = re.match(r"\s*([\d.]+)%\s+(\S+)\s+\[[.k]\]\s+(\S+)", line)
        if found:
            shares[step_of(found.group(2), found.group(3))] += float(found.group(1))  # type: ignore[assignment]
    return shares


def is_possible() -> bool:
    """Whether there is a perf that may look at processes."""
    command = ["perf", "record", "-q", "-o", "/dev/null", "--", "true"]
    return bool(shutil.which("perf")) and subprocess.run(command, capture_output=True, check=False).returncode == 0


def record(turns: Turns, contender: Contender, case: Case, count: int) -> tuple[dict[str, float], Counter[str]]:
    """What a turn under perf printed, and the shares of steps."""
    with tempfile.TemporaryDirectory() as folder:
        data = str(Path(folder) / "perf.data")
        prefix = [*placed(1), "perf", "record", "-q", "-F", "5000", "-o", data, "--"]

        def run(port: int) -> dict[str, float]:
            words = [case.name, "--samples", str(turns.samples(case.kind)), "--count", str(count), "--port", str(port)]
            return turns.run_program(contender, [*prefix, str(contender.python), str(HERE / PROGRAMS[OURS]), *words])

        if case.peer is None:
            result = run(0)
        else:
            with started_peer(turns.peer, case, count) as (port, _):
                result = run(port)
        report = ["perf", "report", "-q", "--stdio", "--no-children", "--percent-limit", "0", "--sort", "dso,symbol", "-i", data]
        text = subprocess.run(report, capture_output=True, text=True, check=True).stdout
    return result, parse(text)


def write_steps(turns: Turns, contender: Contender, operations: Sequence[str], path: Path) -> None:
    """Profiles our contender's operations, and writes the table as JSON. Raises ProgramError."""
    table: dict[str, dict[str, float]] = {}
    for case in CASES:
        if case.name in operations:
            count = int(case.rates[OURS][0] * 1000 * SECONDS) // 1024 * 1024
            result, shares = record(turns, contender, case, count)
            scale = 1e9 / result["messages"]
            column = {"wall clock": result["seconds"] * scale, "CPU time": result["cpu_seconds"] * scale}
            whole = sum(shares.values())
            table[case.name] = {**column, **{step: shares[step] / whole * column["CPU time"] for step, _, _ in STEPS}}
    path.write_text(json.dumps(table, indent=2) + "\n")


def main() -> int:
    """The operations that are named."""
    parser = argparse.ArgumentParser(description="Where a Python message's time goes.")
    parser.add_argument("operations", nargs="*", default=OPERATIONS)
    operations = parser.parse_args().operations
    if not is_possible():
        sys.exit("python_profile: there is no perf")
    turns = Turns(programs.DEFAULT_BUILD_DIR / "bench" / "python_peer", programs.DEFAULT_BUILD_DIR)
    write_steps(turns, prepare(OURS, CPYTHON), operations, JSON)
    print(document.steps_table(JSON))
    return 0


if __name__ == "__main__":
    sys.exit(main())
