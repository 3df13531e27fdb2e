"""The client and go-amqp, through the project's own broker."""

from __future__ import annotations

import shutil
import subprocess
import unittest
from collections.abc import Sequence
from pathlib import Path

from embedded import EmbeddedBroker
from others import DOWNLOADS, OtherScenarios, fetch

SOURCES = Path(__file__).resolve().parent / "go_amqp"
FOLDER = Path(DOWNLOADS) / "go"
PROGRAM = FOLDER / "peer"


def version() -> str:
    return (SOURCES / "go.mod").read_text().split()[-1].removeprefix("v")


@unittest.skipIf(not DOWNLOADS or shutil.which("go") is None, "go-amqp is fetched by ./run interop")
class GoAmqp(OtherScenarios):
    peer = f"go-amqp {version()}"

    @classmethod
    def setUpClass(cls) -> None:
        # Without cgo, for which Go tries what the C compiler can, with outputs in places that are not its own.
        fetch(["go", "build", "-o", str(PROGRAM), "."], SOURCES, GOMODCACHE=str(FOLDER / "modules"), GOCACHE=str(FOLDER / "cache"),
              GOFLAGS="-modcacherw", GOTOOLCHAIN="local", CGO_ENABLED="0")
        said = subprocess.run(["go", "env", "GOVERSION"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60)
        cls.runs_on = said.stdout.strip().replace("go", "Go ")

    def command(self, mode: str, broker: EmbeddedBroker, address: str, count: int, size: int) -> Sequence[str]:
        return [str(PROGRAM), mode, f"amqp://127.0.0.1:{broker.port}", address, str(count), str(size)]


# What classes share is no test of its own.
del OtherScenarios

if __name__ == "__main__":
    unittest.main(verbosity=2)
