"""`amqpcodec broker` as a process: its options, its signals, its clients, and bytes that nobody should send."""

from __future__ import annotations

import json
import os
import random
import shlex
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

from broker_raw import (
    AMQP_HEADER,
    SASL_HEADER,
    TIMEOUT_S,
    Broker,
    attach_frame,
    is_alive,
    opening,
    read_to_end,
    read_until,
    wrap,
)
from frames import binary, sasl_frame, transfer_frame
from tool import TOOL, VECTORS, run

PEERS = {
    name: shlex.split(os.environ[variable])
    for name, variable in (("engine", "AMQPCODEC_ENGINE_PEER"), ("proton", "AMQPCODEC_PROTON_PEER"))
    if os.environ.get(variable)
}
REGRESSIONS = Path(__file__).parents[1] / "fuzz" / "regressions"


def client(broker: Broker, name: str, *options: str) -> subprocess.Popen[str]:
    """Starts a peer of tests/interop as a client."""
    return subprocess.Popen([*PEERS[name], "client", str(broker.port), *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def summary(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Waits for a peer, and gives what it says that happened."""
    with process:
        output, errors = process.communicate(timeout=3 * TIMEOUT_S)
    assert output, errors
    document: dict[str, Any] = json.loads(output.splitlines()[-1])
    return document


class Command(unittest.TestCase):
    def test_help_is_in_the_manual_and_fits_a_terminal(self) -> None:
        manual = (Path(__file__).parents[2] / "docs" / "amqpcodec-broker.1").read_text(encoding="utf-8").replace("\\-", "-")
        result = run("broker", "--help")
        self.assertEqual((result.status, result.errors), (0, ""))
        for line in result.lines:
            self.assertLessEqual(len(line), 100)
            if line.startswith("  --"):
                self.assertIn(line.split()[0], manual)

    def test_wrong_options_are_told(self) -> None:
        for options, text in (
            (("--listen", "nowhere:99999"), "--listen wants HOST:PORT"),
            (("--listen", "[::1"), "--listen wants HOST:PORT"),
            (("--port", "70000"), "--port wants a number"),
            (("--user", "nobody"), "--user wants NAME:PASSWORD"),
            (("--memory", "12X"), "--memory wants a number of bytes"),
            (("--memory", "1K"), "--memory wants a number of bytes"),
            (("--queue-memory", "99999999999999999999G"), "--queue-memory wants a number of bytes"),
            (("--key", "file"), "want a --certificate"),
            (("--no-tcp",), "--no-tcp wants --unix"),
            (("operand",), "one argument too many"),
        ):
            with self.subTest(options=options):
                result = run("broker", *options)
                self.assertEqual((result.status, result.output), (2, ""))
                self.assertIn(text, result.errors)

    def test_what_cannot_be_listened_at_is_told(self) -> None:
        with Broker() as broker:
            result = run("broker", "--port", str(broker.port))
            self.assertEqual((result.status, result.output), (1, ""))
            self.assertIn(str(broker.port), result.errors)

    def test_a_certificate_that_is_not_there_is_told(self) -> None:
        result = run("broker", "--port", "0", "--certificate", "/nonexistent/file.pem")
        self.assertEqual((result.status, result.output), (1, ""))
        self.assertIn("TLS", result.errors)


class Life(unittest.TestCase):
    def test_listens_at_loopback_and_ends_by_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            with Broker() as broker:
                self.assertRegex(broker.line, r"^listening on amqp://127\.0\.0\.1:\d+$")
                self.assertTrue(is_alive(broker))
                self.assertIn("connections-made=1 ", broker.stop(number))

    def test_ends_with_its_standard_input_where_that_is_asked_for(self) -> None:
        words = [*TOOL, "broker", "--port=0", "--stop-at-eof"]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None and process.stdout is not None
            self.assertIn("listening on", process.stdout.readline())
            process.stdin.write("not the end yet")
            output, _ = process.communicate(timeout=5 * TIMEOUT_S)
            self.assertIn("connections-made=0 ", output)
            self.assertEqual(process.returncode, 0)

    def test_statistics_come_by_signal_and_it_goes_on(self) -> None:
        with Broker("--json") as broker:
            self.assertTrue(is_alive(broker))
            broker.process.send_signal(signal.SIGUSR1)
            self.assertEqual(json.loads(broker.read_line())["connections-made"], 1)
            self.assertTrue(is_alive(broker))
            self.assertEqual(broker.statistics()["connections-made"], 2)

    def test_clients_hear_why_it_ends(self) -> None:
        with Broker() as broker, broker.connect() as peer:
            peer.sendall(opening())
            read_until(peer, b"\x00\x53\x11")
            broker.process.send_signal(signal.SIGTERM)
            self.assertIn(b"amqp:connection:forced", read_to_end(peer))

    def test_a_unix_socket_is_made_and_removed(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/broker"
            with Broker("--unix", path, "--no-tcp", tcp=False) as broker, socket.socket(socket.AF_UNIX) as peer:
                self.assertEqual(broker.line, f"listening on amqp+unix://{path}")
                peer.settimeout(TIMEOUT_S)
                peer.connect(path)
                peer.sendall(opening())
                read_until(peer, b"\x00\x53\x11")
            self.assertFalse(os.path.exists(path))

    def test_row_97_a_silent_client_is_dropped(self) -> None:
        with Broker("--idle-timeout", "1") as broker, broker.connect() as peer:
            peer.sendall(opening())
            self.assertIn(b"\x00\x53\x18", read_to_end(peer))  # close


@unittest.skipUnless("engine" in PEERS, "the engine's peer is not built")
class Clients(unittest.TestCase):
    def converse(self, broker: Broker, sender: str, receiver: str, options: tuple[str, ...], for_receiver: tuple[str, ...] = ()) -> None:
        receiving = client(broker, receiver, "--receive", "--count", "200", "--size", "20000", *options, *for_receiver)
        sent = summary(client(broker, sender, "--count", "200", "--size", "20000", *options))
        received = summary(receiving)
        self.assertEqual((sent["sent"], received["received"], received["bad"]), (200, 200, 0), (sent, received))
        self.assertEqual((sent["clean"], received["clean"]), (True, True), (sent, received))
        if "--settled" not in options:
            self.assertEqual(sent["accepted"], 200, sent)

    def test_messages_pass_between_all_peers_in_all_modes(self) -> None:
        with Broker("--json") as broker:
            for sender in PEERS:
                for receiver in PEERS:
                    for options in ((), ("--settled",), ("--second",)):
                        with self.subTest(sender=sender, receiver=receiver, options=options):
                            self.converse(broker, sender, receiver, options)
            messages = broker.statistics()["messages"]
            self.assertEqual(messages["received"], messages["sent"])
            self.assertEqual(messages["dropped"], 0)

    def test_outcomes_of_receivers_are_counted(self) -> None:
        with Broker("--json") as broker:
            for receiver in PEERS:
                self.converse(broker, "engine", receiver, (), ("--outcome", "rejected"))
            messages = broker.statistics()["messages"]
            self.assertEqual(messages["rejected"], 200 * len(PEERS))

    def test_users_come_in(self) -> None:
        with Broker("--user", "guest:not so secret", "--user", "other:x") as broker:
            for mechanism in ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"):
                for password, welcome in (("not so secret", True), ("wrong", False)):
                    with self.subTest(mechanism=mechanism, welcome=welcome):
                        ran = summary(client(broker, "engine", "--sasl", mechanism, "--user", "guest", "--password", password, "--count", "1"))
                        if "SASL_NO_MECHANISM" in ran["failure"]:
                            self.skipTest("built without OpenSSL")
                        self.assertEqual(ran["clean"], welcome, ran)
                        self.assertEqual("SASL_REFUSED" in ran["failure"], not welcome, ran)
            self.assertIn("SASL_NO_MECHANISM", summary(client(broker, "engine", "--sasl", "ANONYMOUS"))["failure"])


def make_certificates(folder: str) -> bool:
    """ca.pem, server.pem and client.pem with their keys in them; false where there is no openssl."""
    tool = shutil.which("openssl")
    if tool is None:
        return False
    for name in ("server", "client"):
        made = subprocess.run([tool, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={name}",
                               "-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"], capture_output=True, check=False)
        if made.returncode != 0:
            return False
    return True


class Tls(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        if not make_certificates(self.folder):
            self.skipTest("openssl is not installed")
        if "this build" in run("broker", "--port", "0", "--certificate", "/nonexistent/file.pem").errors:
            self.skipTest("built without TLS")

    def options(self, *more: str) -> tuple[str, ...]:
        return ("--certificate", f"{self.folder}/server.pem", "--key", f"{self.folder}/server.key", *more)

    def test_tls_on_tcp(self) -> None:
        with Broker(*self.options()) as broker:
            self.assertTrue(broker.line.startswith("listening on amqps://127.0.0.1:"), broker.line)
            with wrap(broker.connect(), f"{self.folder}/server.pem") as peer:
                peer.sendall(opening())
                read_until(peer, b"\x00\x53\x11")
            with broker.connect() as plain:
                plain.sendall(opening())
                self.assertNotIn(b"\x00\x53\x10", read_to_end(plain))

    def test_a_client_certificate_is_enough_for_external(self) -> None:
        with Broker(*self.options("--ca", f"{self.folder}/client.pem", "--user", "a:b")) as broker:
            certificate = (f"{self.folder}/client.pem", f"{self.folder}/client.key")
            with wrap(broker.connect(), f"{self.folder}/server.pem", certificate) as peer:
                peer.sendall(SASL_HEADER + sasl_frame(0x41, b"\xa3\x08EXTERNAL", binary(b"")) + opening())
                read_until(peer, b"\x00\x53\x11")
            with self.assertRaises((ssl.SSLError, ConnectionError)), wrap(broker.connect(), f"{self.folder}/server.pem") as peer:
                peer.sendall(opening())
                if not peer.recv(1):
                    raise ConnectionError("the broker ended it")


class Hostile(unittest.TestCase):
    """Whatever comes, the broker serves the next client."""

    def setUp(self) -> None:
        self.random = random.Random(20260726)
        self.broker = Broker("--memory", "1M", "--queue-memory", "256K")
        self.addCleanup(self.broker.__exit__, None, None, None)

    def throw(self, data: bytes) -> None:
        """Sends bytes, and goes away: in order, or by a reset."""
        with self.broker.connect() as peer:
            try:
                peer.sendall(data)
                if self.random.random() < 0.5:
                    peer.shutdown(socket.SHUT_WR)
                    read_to_end(peer)
                elif self.random.random() < 0.5:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            except ConnectionError:
                pass

    def conversation(self) -> bytes:
        pieces = [opening(), attach_frame("in", 0, False, "q"), attach_frame("out", 1, True, "q")]
        flow = b"\x00\x53\x13\xc0\x16\x07\x40\x52\x64\x43\x52\x64\x52\x01\x43\x70\x00\x00\xff\xff"
        pieces.append(struct.pack(">IBBH", 8 + len(flow), 2, 0, 0) + flow)
        for i in range(4):
            pieces.append(transfer_frame(b"\x00\x53\x70\xc0\x05\x03\x40\x40\x52\x4d\x00\x53\x77\xa1\x03abc", delivery_id=i))
        return b"".join(pieces)

    def test_random_bytes(self) -> None:
        for i in range(100):
            self.throw((AMQP_HEADER if i % 2 else b"") + self.random.randbytes(self.random.randrange(300)))
        self.assertTrue(is_alive(self.broker))

    def test_conversations_with_bytes_changed(self) -> None:
        whole = self.conversation()
        for _ in range(200):
            data = bytearray(whole)
            for _ in range(self.random.randrange(1, 6)):
                data[self.random.randrange(8, len(data))] = self.random.randrange(256)
            self.throw(bytes(data[: self.random.randrange(len(data)) if self.random.random() < 0.3 else len(data)]))
        self.assertTrue(is_alive(self.broker))

    def test_every_frame_of_the_vectors(self) -> None:
        for path in sorted(VECTORS.glob("*.tsv")):
            for line in path.read_text(encoding="utf-8").splitlines():
                fields = line.split("\t")
                if fields[0] == "frame":
                    self.throw(self.conversation() + bytes.fromhex(fields[5]))
        self.assertTrue(is_alive(self.broker))

    def test_what_the_fuzzers_have_found(self) -> None:
        for path in sorted(REGRESSIONS.glob("connection_*/*")):
            data = path.read_bytes()
            for start in (b"", AMQP_HEADER):
                self.throw(start + data)
        self.assertTrue(is_alive(self.broker))

    def test_links_and_sessions_without_end(self) -> None:
        with self.broker.connect() as peer:
            try:
                peer.sendall(opening())
                for i in range(3000):
                    peer.sendall(attach_frame(f"link {i}", i, i % 2 == 0, f"queue {i}"))
            except ConnectionError:
                pass
        self.assertTrue(is_alive(self.broker))


if __name__ == "__main__":
    unittest.main(verbosity=2)
