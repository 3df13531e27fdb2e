"""The engine against itself over a socket: what no other implementation here can, and what tshark makes of its bytes."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path
from typing import Any

import captures
from peers import Conversation
from scenarios import Scenarios
from tool import TOOL, dump
from tshark_test import ARGUMENTS, PERFORMATIVES, normal_document, normal_pdml

CREDENTIALS = ("--user", "guest", "--password", "not so secret")


class Engine(Scenarios):
    other = "engine"

    def test_sasl(self) -> None:
        for mechanism in ("ANONYMOUS", "PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
            with self.subTest(mechanism=mechanism):
                credentials = () if mechanism == "ANONYMOUS" else CREDENTIALS
                ran = Conversation("engine", "engine", ("--sasl", mechanism, *credentials))
                if "SASL_NO_MECHANISM" in ran.client["failure"]:
                    self.skipTest("built without OpenSSL")
                self.assertEqual((ran.client["clean"], ran.server["clean"]), (True, True), (ran.client, ran.server))
                self.assertEqual((ran.server["mechanism"], ran.server["identity"]), (mechanism, "guest" if credentials else "anonymous"))

    def test_sasl_with_a_wrong_password(self) -> None:
        for mechanism in ("PLAIN", "SCRAM-SHA-256"):
            with self.subTest(mechanism=mechanism):
                ran = Conversation("engine", "engine", ("--sasl", mechanism, "--user", "guest"),
                                   for_server=("--password", "right"), for_client=("--password", "wrong"))
                if "SASL_NO_MECHANISM" in ran.client["failure"]:
                    self.skipTest("built without OpenSSL")
                self.assertIn("SASL_REFUSED", ran.client["failure"])
                self.assertIn("SASL_REFUSED", ran.server["failure"])


def make_capture(conversation: Conversation) -> bytes:
    made = captures.Conversation()
    for from_server, piece in conversation.pieces:
        (made.answer if from_server else made.send)(piece)
    made.finish()
    return made.pcap()


def source_of(packet: ElementTree.Element) -> str:
    field = packet.find(".//field[@name='ip.src']")
    assert field is not None
    return "->" if field.get("show") == "10.0.0.1" else "<-"


@unittest.skipIf(not TOOL, "the command is not built")
@unittest.skipIf(shutil.which("tshark") is None, "tshark is not installed")
class Dissected(unittest.TestCase):
    """tshark takes all of a conversation for what it is, and shows the fields that amqpcodec dump shows."""

    maxDiff = None

    def tshark(self, capture: bytes) -> list[tuple[str, dict[str, Any]]]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "conversation.pcap"
            path.write_bytes(capture)
            done = subprocess.run(["tshark", "-r", str(path), "-d", "tcp.port==5672,amqp", "-T", "pdml"], capture_output=True,
                                  check=True, timeout=60)
        found: list[tuple[str, dict[str, Any]]] = []
        for packet in ElementTree.fromstring(done.stdout):
            for proto in packet:
                normal = normal_pdml(proto) if proto.get("name") == "amqp" else None
                if normal is not None:
                    normal.pop("message", None)
                    found.append((source_of(packet), normal))
                # tshark takes the first frame of a delivery for all of the message.
                if "malformed" in (proto.get("name") or ""):
                    self.assertEqual(found[-1][1]["arguments"].get(ARGUMENTS + "more"), "1", found[-1])
        return found

    def check(self, conversation: Conversation) -> Counter[str]:
        """Gives how many frames there were of each performative."""
        for summary in (conversation.client, conversation.server):
            self.assertEqual((summary["failure"], summary["clean"]), ("", True))
        capture = make_capture(conversation)
        ours = dump(capture, "--json", "--port=5672")
        self.assertEqual((ours.status, ours.errors), (0, ""))
        documents = [document for document in ours.documents() if "protocol-header" not in document]
        theirs = self.tshark(capture)
        for direction in ("->", "<-"):
            expected = [normal_document(document) for document in documents if document["direction"] == direction]
            for frame in expected:
                frame.pop("message", None)
            self.assertEqual(expected, [frame for source, frame in theirs if source == direction])
        return Counter(next(iter(document["performative"])) for document in documents if document["performative"])

    def test_a_whole_conversation(self) -> None:
        whole = Conversation("engine", "engine", ("--sasl", "PLAIN", *CREDENTIALS, "--max-frame-size", "4096", "--size", "9000", "--drain"),
                             for_client=("--hold-ms", "100"), relayed=True)
        frames = self.check(whole)
        # Four sizes: 9000, 6750, 4500 and 2250 bytes, which are three, two, two frames, and one.
        self.assertEqual(frames["transfer"], 3 * 3 + 3 * 2 + 2 * 2 + 2 * 1)
        self.assertEqual(set(frames), set(PERFORMATIVES) - {"sasl-challenge", "sasl-response"})

    def test_challenges_modes_errors_and_heartbeats(self) -> None:
        whole = Conversation("engine", "engine", ("--sasl", "SCRAM-SHA-256", *CREDENTIALS, "--second", "--idle-ms", "200"),
                             for_client=("--hold-ms", "300", "--end", "detach"), for_server=("--outcome", "rejected"), relayed=True)
        if "SASL_NO_MECHANISM" in whole.client["failure"]:
            self.skipTest("built without OpenSSL")
        frames = self.check(whole)
        self.assertEqual((frames["sasl-challenge"], frames["sasl-response"]), (1, 1))


# What classes share is no test of its own.
del Scenarios

if __name__ == "__main__":
    unittest.main(verbosity=2)
