"""Runs tests/interop/python/scenarios.py, the Python package against brokers, and gives what it says that happened."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

from client import Summary

HERE = Path(__file__).resolve().parent
SCENARIOS = HERE / "python" / "scenarios.py"
# An interpreter, and where the package is for it; without them the tests are skipped.
PYTHON = os.environ.get("AMQPCODEC_PYTHON", "")
PACKAGE = os.environ.get("AMQPCODEC_PYTHON_PACKAGE", "")

# Only reached where something is wrong.
TIMEOUT_S = 1800


def words_of(scenario: str, url: str, options: dict[str, object]) -> list[str]:
    words = [PYTHON, "-B", "-W", "error", str(SCENARIOS), scenario, "--url", url]
    for name, value in options.items():
        words += ["--" + name.replace("_", "-"), str(value)]
    return words


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": PACKAGE}


def summary_of(status: int, output: str, errors: str) -> Summary:
    lines = output.splitlines()
    assert status == 0 and lines, f"the Python package failed: {output}{errors}"
    found: Summary = json.loads(lines[-1])
    return found


def run(scenario: str, url: str, **options: object) -> Summary:
    done = subprocess.run(words_of(scenario, url, options), env=environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False)
    return summary_of(done.returncode, done.stdout, done.stderr)


def run_with_interruption(scenario: str, url: str, after: int, interrupt: Callable[[], None], **options: object) -> Summary:
    """Interrupts when so many messages are sent; what comes after `hold_at` is sent only then."""
    words = words_of(scenario, url, options)
    with subprocess.Popen(words, env=environment(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            for line in process.stderr:
                if line.startswith("progress ") and int(line.split()[1]) >= after:
                    break
            interrupt()
            output, errors = process.communicate("go on\n", timeout=TIMEOUT_S)
        finally:
            process.kill()
    return summary_of(process.returncode, output, errors)
