"""The client and rhea: through the project's own broker, and with rhea as a server."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import unittest
from collections.abc import Sequence
from pathlib import Path

import client
import matrix
from embedded import EmbeddedBroker
from others import DOWNLOADS, OtherScenarios, fetch

PACKAGES = ("rhea@3.0.4", "debug@4.4.1", "ms@2.1.3")
PROGRAM = Path(__file__).resolve().parent / "rhea" / "peer.js"
FOLDER = Path(DOWNLOADS) / "rhea"


@unittest.skipIf(not DOWNLOADS or shutil.which("npm") is None, "rhea is fetched by ./run interop")
class Rhea(OtherScenarios):
    peer = PACKAGES[0].replace("@", " ")

    @classmethod
    def setUpClass(cls) -> None:
        if not (FOLDER / "node_modules" / "rhea").is_dir():
            FOLDER.mkdir(parents=True, exist_ok=True)
            fetch(["npm", "install", "--prefix", str(FOLDER), "--no-package-lock", "--no-save", "--no-audit", "--no-fund", *PACKAGES])
        said = subprocess.run(["node", "--version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True, timeout=60)
        cls.runs_on = said.stdout.strip().replace("v", "Node.js ")
        matrix.note(cls.peer, "", "", """\
A server answers attach without source and target, which is how links are refused (AMQP 2.6.3), unless the program that uses it sets
them. The client waits for the detach that belongs to a refusal.

    -> attach(name="...-1", handle=0, role=sender, ..., target=target(address="queue"), initial-delivery-count=0)
    <- attach(name="...-1", handle=0, role=receiver)""")

    def command(self, mode: str, broker: EmbeddedBroker, address: str, count: int, size: int) -> Sequence[str]:
        return ["node", str(PROGRAM), mode, str(broker.port), address, str(count), str(size)]

    def environment(self) -> dict[str, str]:
        return {**os.environ, "NODE_PATH": str(FOLDER / "node_modules")}

    def test_rhea_as_a_server_with_every_outcome(self) -> None:
        for outcome in ("accepted", "rejected", "released", "modified"):
            with self.subTest(outcome=outcome), subprocess.Popen(["node", str(PROGRAM), "serve", outcome, "100", "100"], env=self.environment(),
                                                                 stdout=subprocess.PIPE, text=True) as server:
                try:
                    assert server.stdout is not None
                    port = server.stdout.readline().removeprefix("listening ").strip()
                    sent = client.run("send", f"amqp://127.0.0.1:{port}/?reconnect=false", address="queue", count=100)
                    output, _ = server.communicate(timeout=client.TIMEOUT_S)
                finally:
                    server.kill()
                self.assertEqual((sent.get(outcome), sent.get("missing")), (100, 0), sent)
                received = json.loads(output.splitlines()[-1])
                self.assertEqual((received["received"], received["bad"], received["clean"]), (100, 0, True), received)
        matrix.note(self.peer, "accepted, rejected, released", "yes")
        matrix.note(self.peer, "modified", "yes")


# What classes share is no test of its own.
del OtherScenarios

if __name__ == "__main__":
    unittest.main(verbosity=2)
