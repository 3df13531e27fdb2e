"""The engine against Qpid Proton."""

from __future__ import annotations

import unittest

from peers import PEERS, Conversation
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


# What both classes share is no test of its own.
del Scenarios

if __name__ == "__main__":
    unittest.main(verbosity=2)
