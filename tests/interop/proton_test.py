"""The engine against Qpid Proton."""

from __future__ import annotations

import json
import subprocess
import unittest
from typing import ClassVar

import matrix
from client import CLIENT, run
from peers import PEERS, TIMEOUT_S, Conversation, Summary
from scenarios import Scenarios

REASON = "Qpid Proton is not installed"


@unittest.skipIf("proton" not in PEERS, REASON)
class Proton(Scenarios):
    other = "proton"

    def test_sasl_anonymous(self) -> None:
        for server, client, _ in self.pairs():
            with self.subTest(server=server, client=client):
                ran = Conversation(server, client, ("--sasl", "ANONYMOUS"))
                self.assertEqual((ran.client["clean"], ran.server["clean"]), (True, True), (ran.client, ran.server))
                self.assertEqual((ran.client["mechanism"], ran.server["identity"]), ("ANONYMOUS", "anonymous"))

    def test_sasl_plain(self) -> None:
        # Debian's Proton is built without Cyrus SASL: as a server it knows no PLAIN.
        ran = Conversation("engine", "proton", ("--sasl", "PLAIN", "--user", "guest", "--password", "not so secret"))
        self.assertEqual((ran.client["clean"], ran.server["clean"]), (True, True), (ran.client, ran.server))
        self.assertEqual((ran.server["mechanism"], ran.server["identity"]), ("PLAIN", "guest"))

    def test_sasl_plain_with_a_wrong_password(self) -> None:
        ran = Conversation("engine", "proton", ("--sasl", "PLAIN", "--user", "guest"),
                           for_server=("--password", "right"), for_client=("--password", "wrong"))
        self.assertIn("amqp:unauthorized-access", ran.client["failure"])
        self.assertIn("SASL_REFUSED", ran.server["failure"])
        self.assertEqual(ran.client["sent"], 0)

    def test_a_mechanism_that_the_server_does_not_offer(self) -> None:
        ran = Conversation("proton", "engine", for_server=("--sasl", "ANONYMOUS"), for_client=("--sasl", "PLAIN", "--user", "a", "--password", "b"))
        self.assertIn("SASL_NO_MECHANISM", ran.client["failure"])


class Server:
    """Proton as a server, for one client; `options` are those of peer.h."""

    def __init__(self, *options: str) -> None:
        self._process = subprocess.Popen([*PEERS["proton"], "server", "--any", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = f"amqp://127.0.0.1:{self._process.stdout.readline().removeprefix('listening ').strip()}/?sasl=none&reconnect=false"

    def summary(self) -> Summary:
        output, _ = self._process.communicate(timeout=TIMEOUT_S)
        found: Summary = json.loads(output.splitlines()[-1])
        return found

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@unittest.skipIf("proton" not in PEERS or not CLIENT, REASON)
class Client(unittest.TestCase):
    """The client of the public interface; what it does with brokers needs none of them twice."""

    peer: ClassVar[str]

    @classmethod
    def setUpClass(cls) -> None:
        done = subprocess.run([*PEERS["proton"], "version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT_S, check=True)
        cls.peer = f"Qpid Proton {done.stdout.strip()}"

    def send(self, *options: str, **others: object) -> tuple[Summary, Summary]:
        """Gives what the client says of a hundred messages that it sends, and what Proton does."""
        server = Server("--count", "100", *options)
        self.addCleanup(server.end)
        summary = run("send", server.url, address="queue", count=100, **others)
        self.assertNotIn("failure", summary)
        received = server.summary()
        self.assertEqual((received["received"], received["clean"], received["failure"]), (100, True, ""), received)
        return summary, received

    def test_unsettled_messages(self) -> None:
        summary, _ = self.send()
        self.assertEqual((summary["accepted"], summary["missing"], summary["twice"]), (100, 0, 0))
        matrix.note(self.peer, "unsettled messages", "yes")

    def test_settled_messages(self) -> None:
        summary, _ = self.send("--settled", settled=True)
        self.assertEqual((summary["sent_settled"], summary["missing"]), (100, 0))
        matrix.note(self.peer, "settled messages", "yes")

    def test_messages_of_10_mib(self) -> None:
        server = Server("--count", "3", "--size", "10485760")
        self.addCleanup(server.end)
        summary = run("send", server.url, address="queue", count=3, size=10485760)
        self.assertEqual(summary.get("accepted"), 3, summary)
        self.assertEqual(server.summary()["received"], 3)
        matrix.note(self.peer, "messages of 10 MiB", "yes")

    def test_rejected_and_released_messages(self) -> None:
        for outcome in ("rejected", "released", "modified"):
            with self.subTest(outcome=outcome):
                summary, _ = self.send("--outcome", outcome)
                self.assertEqual((summary["accepted"], summary[outcome], summary["missing"]), (0, 100, 0))
        matrix.note(self.peer, "accepted, rejected, released", "yes")
        matrix.note(self.peer, "modified", "yes")


# What both classes share is no test of its own.
del Scenarios

if __name__ == "__main__":
    unittest.main(verbosity=2)
