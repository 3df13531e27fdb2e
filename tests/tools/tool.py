"""Runs the tool under test; ctest names it, and the vectors, in the environment."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from pathlib import Path
from typing import Any

# The tool, behind an emulator where it is of another machine.
TOOL = shlex.split(os.environ["AMQPCODEC_TOOL"])
VECTORS = Path(os.environ["AMQPCODEC_VECTORS"])


class Result:
    """What one run printed and returned."""

    def __init__(self, status: int, output: bytes, errors: bytes) -> None:
        self.status = status
        self.output = output.decode("utf-8")
        self.errors = errors.decode("utf-8")
        self.lines = self.output.split("\n")[:-1]

    def documents(self) -> list[Any]:
        """One JSON document from every line."""
        return [json.loads(line) for line in self.lines]


def run(*arguments: str, data: bytes = b"") -> Result:
    """Runs `amqpcodec ARGUMENTS` with data on standard input."""
    done = subprocess.run([*TOOL, *arguments], input=data, capture_output=True, timeout=60, check=False)
    return Result(done.returncode, done.stdout, done.stderr)


def dump(data: bytes, *options: str) -> Result:
    """Runs `amqpcodec dump OPTIONS` with data on standard input."""
    return run("dump", *options, data=data)
