"""What the client does with one broker that other people wrote; a test file for each says which, and what that broker cannot."""

from __future__ import annotations

import os
import tempfile
import time
import unittest
from pathlib import Path
from typing import ClassVar

import client
import matrix
from brokers.broker import USER, Broker
from brokers.certificates import Certificates
from embedded import EmbeddedBroker

# ./run interop takes the long form of what costs time.
LONG = os.environ.get("AMQPCODEC_INTEROP") == "long"
IDLE_MS = 180_000 if LONG else 12_000
LEDGER_COUNT = 100_000 if LONG else 12_000
MOVED_COUNT = 20_000 if LONG else 3_000

WORK = Path(os.environ.get("AMQPCODEC_INTEROP_WORK", tempfile.gettempdir()))

KILLED = "killed and started again amid unsettled sends: nothing lost"
FAILOVER = "failover to a second broker: nothing lost"

MIB_10 = 10 * 1024 * 1024

QUEUES = ("types", "settled", "unsettled", "large", "outcomes", "credit", "selector", "relay", "request", "idle", "restart", "failover",
          "transactions", "python-types", "python-large", "python-selector", "python-transactions", "python-restart")


class BrokerScenarios(unittest.TestCase):
    """Subclasses make the broker."""

    broker: ClassVar[Broker]
    peer: ClassVar[str]  # its name and version
    folder: ClassVar[tempfile.TemporaryDirectory[str]]

    # Cases of the scenario `types` that come back otherwise, by the part that does.
    differences: ClassVar[dict[str, str]] = {}
    # What comes back of five messages that are accepted, rejected, released, modified and modified as of no use on that link: to the same link,
    # and to another; pairs of a message's number and its count of failed deliveries.
    again: ClassVar[list[tuple[int, int]]] = [(2, 0), (3, 1)]
    elsewhere: ClassVar[list[tuple[int, int]]] = [(4, 1)]
    # What it cannot, with the reason.
    lacks: ClassVar[dict[str, str]] = {}
    # What it does otherwise than the specification says, with the bytes.
    findings: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def make_broker(cls, folder: Path, certificates: Certificates) -> Broker:
        raise NotImplementedError

    @classmethod
    def setUpClass(cls) -> None:
        WORK.mkdir(parents=True, exist_ok=True)
        cls.folder = tempfile.TemporaryDirectory(prefix="interop-", dir=WORK)
        cls.addClassCleanup(cls.folder.cleanup)
        folder = Path(cls.folder.name)
        cls.broker = cls.make_broker(folder / "broker", Certificates(folder / "certificates", USER))
        cls.addClassCleanup(cls.broker.stop)
        cls.broker.start()
        cls.peer = f"{cls.broker.name} {cls.broker.version}"
        for finding in cls.findings:
            matrix.note(cls.peer, "", "", finding)

    # --- What all tests use.

    def need(self, row: str) -> None:
        """Skips what the broker does not have."""
        if row in self.lacks:
            matrix.note(self.peer, row, "no", self.lacks[row])
            self.skipTest(f"{self.broker.name}: {self.lacks[row]}")

    def passed(self, row: str, text: str = "") -> None:
        matrix.note(self.peer, row, "yes", text)

    @property
    def quiet(self) -> dict[str, object]:
        """How the client finds that a queue is empty."""
        return {"quiet_ms": 1500, "prefetch": 100} if "drain" in self.lacks else {}

    def run_client(self, scenario: str, queue: str = "", url: str = "", /, **options: object) -> client.Summary:
        """Runs a scenario that has to go well."""
        summary = client.run(scenario, url or self.broker.url(options="reconnect=false"), address=self.broker.address(queue), **options)
        self.assertNotIn("failure", summary)
        return summary

    def assert_refused(self, status: str, url: str) -> None:
        summary = client.run("connect", url)
        self.assertEqual(summary.get("status"), status, summary)

    # --- Messages.

    def test_every_type_of_value(self) -> None:
        summary = self.run_client("types", "types", **self.quiet)
        others = {case["case"]: case["part"] for case in summary["cases"] if not case["same"]}
        self.assertEqual(others, self.differences, summary)
        same = summary["sent"] - len(others)
        self.passed(matrix.ROWS[0], f"{same} of {summary['sent']}" if others else "")

    def collect(self, queue: str, count: int, size: int = 100, ledger: Path | None = None) -> client.Summary:
        """Receives `count` different messages, and what comes beside them."""
        options: dict[str, object] = {"count": count, "size": size, "expect": count, "quiet_ms": 500, "prefetch": 2 if size > 100_000 else 100}
        if ledger:
            options["ledger"] = ledger
        return self.run_client("collect", queue, self.broker.url(), **options)

    def test_settled_messages(self) -> None:
        sent = self.run_client("send", "settled", count=MOVED_COUNT, settled=True)
        self.assertEqual((sent["sent_settled"], sent["missing"], sent["twice"]), (MOVED_COUNT, 0, 0))
        received = self.collect("settled", MOVED_COUNT)
        self.assertEqual((received["distinct"], received["corrupt"]), (MOVED_COUNT, 0))
        self.passed("settled messages")

    def test_unsettled_messages(self) -> None:
        sent = self.run_client("send", "unsettled", count=MOVED_COUNT)
        self.assertEqual((sent["accepted"], sent["missing"], sent["twice"]), (MOVED_COUNT, 0, 0))
        received = self.collect("unsettled", MOVED_COUNT)
        self.assertEqual((received["distinct"], received["corrupt"]), (MOVED_COUNT, 0))
        self.passed("unsettled messages")

    def test_messages_of_10_mib(self) -> None:
        sent = self.run_client("send", "large", count=3, size=MIB_10)
        self.assertEqual(sent["accepted"], 3)
        received = self.collect("large", 3, size=MIB_10)
        self.assertEqual((received["distinct"], received["corrupt"]), (3, 0))
        self.passed("messages of 10 MiB")

    # --- Links.

    def test_outcomes(self) -> None:
        unmodified = "modified" in self.lacks
        options = {**self.quiet, "expect": len(self.again)} if self.quiet else {}
        summary = self.run_client("outcomes", "outcomes", unmodified=unmodified, **options)
        pairs = {name: [(item["number"], item["delivery_count"]) for item in summary[name]] for name in ("first", "again", "elsewhere")}
        self.assertEqual(pairs, {"first": [(number, 0) for number in range(5)], "again": self.again, "elsewhere": self.elsewhere})
        self.passed("accepted, rejected, released", "rejected ones come again" if (1, 1) in self.again else "")
        if unmodified:
            matrix.note(self.peer, "modified", "no", self.lacks["modified"])
        else:
            self.passed("modified")

    def test_credit_and_drain(self) -> None:
        summary = self.run_client("credit", "credit", **self.quiet)
        found = [summary[name] for name in ("beyond_0", "beyond_1", "rest", "none")]
        self.assertEqual(found, [0, 0, 3, 0])
        self.passed("credit")
        if "drain" in self.lacks:
            matrix.note(self.peer, "drain", "no", self.lacks["drain"])
        else:
            self.passed("drain")

    def test_selectors(self) -> None:
        self.need("selectors")
        summary = self.run_client("selector", "selector", **self.quiet)
        found = [[item["number"] for item in summary[name]] for name in ("selected", "rest")]
        self.assertEqual(found, [[1, 3, 5, 7, 9], [0, 2, 4, 6, 8]])
        self.passed("selectors")

    def test_dynamic_nodes(self) -> None:
        self.need("dynamic nodes")
        summary = self.run_client("dynamic")
        self.assertEqual([item["number"] for item in summary["received"]], [0, 1, 2])
        self.passed("dynamic nodes")

    def test_anonymous_relay(self) -> None:
        self.need("anonymous relay")
        summary = self.run_client("relay", "relay")
        self.assertTrue(summary["offered"])
        self.assertEqual([item["number"] for item in summary["received"]], [0, 1, 2])
        self.passed("anonymous relay")

    def test_requests_and_replies(self) -> None:
        self.need("requests and replies")
        self.assertEqual(self.run_client("request", "request")["right"], 3)
        self.passed("requests and replies")

    def test_transactions(self) -> None:
        self.need("transactions")
        summary = self.run_client("transaction", "transactions")
        self.assertEqual(summary["retired"], 3)  # of 0 to 2, which were rolled back, nothing is there
        left = Path(self.folder.name) / "transactions.left"
        self.run_client("collect", "transactions", count=6, ledger=left)
        self.assertEqual(list(left.read_bytes()), [0, 0, 0, 0, 1, 1])
        self.passed("transactions")

    # --- Who may come in.

    def test_tls_with_the_check_of_the_host_name(self) -> None:
        made = self.broker.certificates
        trusted = f"reconnect=false&ca={made.authority}"
        for host in ("localhost", "127.0.0.1"):
            self.run_client("connect", "", self.broker.url("amqps", host, options=trusted))
        self.assert_refused("TLS_CERTIFICATE", self.broker.url("amqps", options=f"{trusted}&tls-host=other.example"))
        self.assert_refused("TLS_CERTIFICATE", self.broker.url("amqps", options=f"reconnect=false&ca={made.stranger}"))
        self.passed("TLS, with the check of the host's name")

    def test_sasl_with_passwords(self) -> None:
        scram = sorted(self.broker.mechanisms - {"PLAIN"})
        for mechanism in sorted(self.broker.mechanisms):
            with self.subTest(mechanism=mechanism):
                self.run_client("connect", "", self.broker.url(options=f"reconnect=false&sasl={mechanism}"))
                self.assert_refused("SASL_REFUSED", self.broker.url(password="a guess", options=f"reconnect=false&sasl={mechanism}"))
        self.passed("SASL PLAIN")
        names = ", ".join(name.removeprefix("SCRAM-") for name in scram)
        matrix.note(self.peer, "SASL SCRAM", "yes" if scram else "no", names if scram else "is not offered")

    def test_sasl_external(self) -> None:
        made = self.broker.certificates
        options = f"reconnect=false&sasl=EXTERNAL&ca={made.authority}"
        self.run_client("connect", "", self.broker.url("external", options=f"{options}&cert={made.client}&key={made.client_key}"))
        without = client.run("connect", self.broker.url("external", options=options))
        self.assertIn("failure", without)
        self.passed("SASL EXTERNAL")

    # --- Time, and failures.

    def test_idle_time_outs_are_kept(self) -> None:
        heartbeat = "" if LONG else "&heartbeat=10s"
        summary = self.run_client("idle", "idle", self.broker.url(options="reconnect=false" + heartbeat), hold_ms=IDLE_MS)
        self.assertEqual((summary["received"], summary["connects"], summary["connects_after"]), (1, 1, 1))
        self.passed("idle time-outs kept", f"{IDLE_MS // 1000} s")

    def interrupt_sends(self, queue: str, url: str, ledger: Path) -> client.Summary:
        """Kills the broker amid unsettled sends; all of them end up accepted."""
        started = time.monotonic()

        def kill() -> None:
            self.broker.kill()
            if queue == "restart":
                self.broker.start_again()

        summary = client.run_with_interruption("send", url, LEDGER_COUNT // 6, kill, address=self.broker.address(queue), count=LEDGER_COUNT,
                                               hold_at=LEDGER_COUNT * 2 // 3, ledger=ledger)
        self.assertNotIn("failure", summary)
        self.assertEqual((summary["accepted"], summary["missing"], summary["twice"]), (LEDGER_COUNT, 0, 0), summary)
        self.assertGreaterEqual(summary["connects"], 2)
        self.assertLess(time.monotonic() - started, client.TIMEOUT_S)
        return summary

    def test_the_broker_is_killed_and_started_again(self) -> None:
        sent = Path(self.folder.name) / "restart.sent"
        self.interrupt_sends("restart", self.broker.url(options="reconnect-delay-max=1s"), sent)
        self.assertEqual(sent.read_bytes(), b"a" * LEDGER_COUNT)
        summary = self.collect("restart", LEDGER_COUNT)
        self.assertEqual((summary["distinct"], summary["corrupt"]), (LEDGER_COUNT, 0))
        twice = summary["received"] - summary["distinct"]
        self.passed(KILLED, f"{LEDGER_COUNT} sent, {twice} came twice")

    def test_failover_to_a_second_broker(self) -> None:
        folder = Path(self.folder.name)
        sent, first, second = (folder / f"failover.{name}" for name in ("sent", "first", "second"))
        with EmbeddedBroker() as other:
            url = f"{self.broker.url(options='reconnect-delay-max=1s')},127.0.0.1:{other.port}"
            self.interrupt_sends("failover", url, sent)
            there = client.run("collect", other.url, address=self.broker.address("failover"), count=LEDGER_COUNT, ledger=second)
            self.assertNotIn("failure", there)
        self.broker.start_again()
        self.assertEqual(sent.read_bytes(), b"a" * LEDGER_COUNT)
        self.assertGreater(there["distinct"], 0)
        missing = [count == 0 for count in second.read_bytes()]
        # As long as something comes: what is missing may lie behind what came twice.
        while any(missing):
            here = self.run_client("collect", "failover", self.broker.url(), count=LEDGER_COUNT, expect=1, quiet_ms=1500, prefetch=100,
                                   ledger=first)
            self.assertEqual(here["corrupt"], 0)
            self.assertGreater(here["received"], 0, f"{sum(missing)} are lost")
            missing = [lacks and count == 0 for lacks, count in zip(missing, first.read_bytes())]
        self.passed(FAILOVER)
