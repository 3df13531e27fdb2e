"""Runs client_peer, the program on the public interface of clients, and gives what it says that happened."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Callable
from typing import Any

CLIENT = shlex.split(os.environ.get("AMQPCODEC_CLIENT_PEER", ""))

# Only reached where something is wrong.
TIMEOUT_S = 1200

Summary = dict[str, Any]


def words_of(scenario: str, url: str, options: dict[str, object]) -> list[str]:
    """The command line: hold_ms=5 is --hold-ms 5, settled=True is --settled."""
    words = [*CLIENT, scenario, "--url", url]
    for name, value in options.items():
        word = "--" + name.replace("_", "-")
        if value is True:
            words.append(word)
        elif value is not False:
            words += [word, str(value)]
    return words


def summary_of(words: list[str], output: str, errors: str) -> Summary:
    lines = output.splitlines()
    assert lines and lines[-1].endswith("}"), f"{' '.join(words)} has no summary: {output}{errors}"
    found: Summary = json.loads(lines[-1])
    return found


def run(scenario: str, url: str, **options: object) -> Summary:
    words = words_of(scenario, url, options)
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S + hold_s(options), check=False)
    return summary_of(words, done.stdout, done.stderr)


def hold_s(options: dict[str, object]) -> float:
    return float(str(options.get("hold_ms", 0))) / 1000


def run_with_interruption(scenario: str, url: str, after: int, interrupt: Callable[[], None], **options: object) -> Summary:
    """Interrupts when so many messages have an outcome; what comes after --hold-at is sent only then."""
    words = words_of(scenario, url, options)
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None and process.stdin is not None
            for line in process.stderr:
                if line.startswith("progress ") and int(line.split()[1]) >= after:
                    break
            interrupt()
            output, errors = process.communicate("go on\n", timeout=TIMEOUT_S)
        finally:
            process.kill()
    return summary_of(words, output, errors)
