"""What the Python package does with one broker that other people wrote, beside what the client does (broker_scenarios.py)."""

from __future__ import annotations

from typing import ClassVar

import matrix
import python_client
from broker_scenarios import LONG, BrokerScenarios
from client import Summary

COUNT = 50_000 if LONG else 6_000
LARGE_COUNT = 3


class PythonScenarios(BrokerScenarios):
    """All that BrokerScenarios has, and the Python package."""

    # Cases of the scenario `types` that come back otherwise, by what does.
    python_differences: ClassVar[dict[str, str]] = {}

    def need_python(self, row: str = "") -> None:
        """Skips where the package is not built, and what the broker does not have."""
        if not python_client.PYTHON:
            self.skipTest("the Python package is not built")
        if row in self.lacks:
            matrix.note(self.peer, f"Python package: {row}", "no", self.lacks[row])
            self.skipTest(f"{self.broker.name}: {self.lacks[row]}")

    def run_python(self, scenario: str, queue: str = "", url: str = "", **options: object) -> Summary:
        return python_client.run(scenario, url or self.broker.url(), address=self.broker.address(queue), **options)

    def test_python_every_type_of_value(self) -> None:
        self.need_python()
        summary = self.run_python("types", "python-types", self.broker.url(options="reconnect=false"))
        self.assertEqual(summary["differences"], self.python_differences)
        same = summary["sent"] - len(self.python_differences)
        self.passed("Python package: every type of value", f"{same} of {summary['sent']}" if self.python_differences else "")

    def test_python_messages_of_10_mib(self) -> None:
        self.need_python()
        summary = self.run_python("large", "python-large", count=LARGE_COUNT)
        self.assertEqual(summary, {"accepted": LARGE_COUNT, "same": True})
        self.passed("Python package: messages of 10 MiB")

    def test_python_selectors(self) -> None:
        self.need_python("selectors")
        summary = self.run_python("selector", "python-selector")
        self.assertEqual(summary, {"selected": [1, 3, 5, 7, 9], "rest": [0, 2, 4, 6, 8]})
        self.passed("Python package: selectors")

    def test_python_transactions(self) -> None:
        self.need_python("transactions")
        summary = self.run_python("transaction", "python-transactions")
        self.assertEqual(summary, {"received": ["first", "second"], "left": []})
        self.passed("Python package: transactions")

    def test_python_tls_and_sasl(self) -> None:
        self.need_python()
        made = self.broker.certificates
        trusted = self.run_python("connect", url=self.broker.url("amqps", options=f"ca={made.authority}"))
        self.assertEqual(trusted, {"state": "open"})
        stranger = self.run_python("connect", url=self.broker.url("amqps", options=f"ca={made.stranger}"))
        self.assertEqual((stranger["status"], stranger["kind"]), ("TLS_CERTIFICATE", "AmqpConnectionError"), stranger)
        for mechanism in sorted(self.broker.mechanisms):
            with self.subTest(mechanism=mechanism):
                self.assertEqual(self.run_python("connect", url=self.broker.url(options=f"sasl={mechanism}")), {"state": "open"})
                refused = self.run_python("connect", url=self.broker.url(password="a guess", options=f"sasl={mechanism}"))
                self.assertEqual((refused["status"], refused["kind"]), ("SASL_REFUSED", "AuthenticationError"), refused)
                self.assertNotIn("a guess", refused["text"])
        self.passed("Python package: TLS, SASL PLAIN and SCRAM", ", ".join(sorted(self.broker.mechanisms)))

    def test_python_bears_that_the_broker_is_killed_and_started_again(self) -> None:
        self.need_python()

        def kill() -> None:
            self.broker.kill()
            self.broker.start_again()

        summary = python_client.run_with_interruption("restart", self.broker.url(), COUNT // 6, kill,
                                                      address=self.broker.address("python-restart"), count=COUNT, hold_at=COUNT * 2 // 3)
        self.assertEqual(summary["states"], {"accepted": COUNT})
        self.assertEqual(summary["distinct"], COUNT)
        self.assertGreaterEqual(summary["connects"], 2)
        twice = summary["received"] - COUNT
        self.passed("Python package: killed and started again amid unsettled sends: nothing lost", f"{COUNT} sent, {twice} came twice")
