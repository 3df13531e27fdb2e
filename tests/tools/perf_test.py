"""`amqpcodec perf`: short runs of every kind, and what they print; no times are asserted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import unittest
from pathlib import Path
from typing import Any

from broker_process import Broker
from tool import TOOL, run

MANUAL = Path(__file__).parents[2] / "docs" / "amqpcodec.1"
WAIT = 60  # seconds; reached only where something is wrong


def measure(*arguments: str) -> Any:
    """Runs `amqpcodec perf` quietly; its summary."""
    result = run("perf", "--quiet", "--json", *arguments)
    if result.status != 0 or result.errors != "":
        raise AssertionError((result.status, result.output, result.errors))
    return json.loads(result.output)


class Help(unittest.TestCase):
    def test_names_every_option_and_fits_a_terminal(self) -> None:
        manual = MANUAL.read_text(encoding="utf-8").replace("\\-", "-")
        result = run("perf", "--help")
        self.assertEqual((result.status, result.errors), (0, ""))
        for line in result.lines:
            self.assertLessEqual(len(line), 100)
            if line.startswith("  --"):
                self.assertIn(line.split()[0], manual)


class Usage(unittest.TestCase):
    def assert_usage_error(self, text: str, *arguments: str) -> None:
        result = run("perf", *arguments)
        self.assertEqual((result.status, result.output), (2, ""))
        self.assertIn(text, result.errors)

    def test_what_does_not_go_together(self) -> None:
        self.assert_usage_error("--direct takes no URL", "--direct", "amqp://localhost")
        self.assert_usage_error("more connections than threads", "--connections=3", "--threads=2")

    def test_sizes_without_room_for_the_stamp(self) -> None:
        self.assert_usage_error("--size", "--size=15")


class Runs(unittest.TestCase):
    def assert_whole(self, summary: Any, count: int) -> None:
        self.assertEqual((summary["sent"], summary["received"], summary["refused"]), (count, count, 0))
        latencies = [summary["latency_us"][name] for name in ("p50", "p90", "p99", "p99.9", "p99.99", "max")]
        self.assertEqual(latencies, sorted(latencies))
        self.assertGreater(latencies[0], 0)
        self.assertGreater(summary["messages_per_second"], 0)

    def test_through_a_broker_of_its_own(self) -> None:
        summary = measure("--count=3001")
        self.assert_whole(summary, 3001)
        self.assertEqual(summary["accepted"], 3001)
        self.assertEqual((summary["settled"], summary["direct"], summary["size"]), (False, False, 100))
        self.assertIsNotNone(summary["cpu_us"]["broker"])

    def test_settled(self) -> None:
        summary = measure("--count=3000", "--settled")
        self.assert_whole(summary, 3000)
        self.assertTrue(summary["settled"])

    def test_direct_to_a_second_process(self) -> None:
        for options in ([], ["--settled"], ["--size=300"], ["--size=200K", "--count=20"]):
            summary = measure("--direct", "--count=2000", *options)
            self.assert_whole(summary, 20 if "--count=20" in options else 2000)
            self.assertIsNone(summary["cpu_us"]["broker"])

    def test_threads_share_connections(self) -> None:
        summary = measure("--count=4000", "--connections=2", "--threads=5", "--batch=7")
        self.assert_whole(summary, 4000)
        self.assertEqual((summary["connections"], summary["threads"]), (2, 5))

    def test_windows_smaller_than_batches(self) -> None:
        self.assert_whole(measure("--count=500", "--window=3", "--prefetch=2"), 500)
        self.assert_whole(measure("--count=500", "--prefetch=2", "--settled"), 500)

    def test_a_backlog_bounds_what_is_in_the_queue(self) -> None:
        summary = measure("--count=3000", "--settled", "--batch=10", "--backlog=20")
        self.assert_whole(summary, 3000)
        self.assert_whole(measure("--count=3000", "--backlog=20", "--threads=2"), 3000)

    def test_a_rate(self) -> None:
        self.assert_whole(measure("--count=200", "--rate=2000", "--threads=2"), 200)

    def test_a_duration_ends_it(self) -> None:
        summary = measure("--duration=1", "--rate=500")
        self.assert_whole(summary, summary["sent"])
        self.assertGreater(summary["sent"], 0)

    def test_a_broker_that_is_there(self) -> None:
        broker = Broker()
        self.addCleanup(broker.stop)
        foreign = run("send", "--data", "--count", "3", broker.url, "load", "not of this run")
        self.assertEqual(foreign.status, 0)
        summary = measure("--count=1000", broker.url, "load")
        self.assert_whole(summary, 1000)
        self.assertIsNone(summary["cpu_us"]["broker"])

    def test_in_words(self) -> None:
        result = run("perf", "--quiet", "--count=1000")
        self.assertEqual((result.status, result.errors), (0, ""))
        self.assertIn("1000 sent, 1000 received, of 100 bytes, unsettled", result.output)
        for word in ("rate", "latency", "CPU", "memory"):
            self.assertTrue(any(line.startswith(word) for line in result.lines), word)

    def test_a_peer_that_is_not_there(self) -> None:
        broker = Broker()
        broker.stop()
        result = run("perf", "--quiet", "--count=10", broker.url)
        self.assertEqual((result.status, result.output), (1, ""))
        self.assertIn("Connection refused", result.errors)


class Interrupt(unittest.TestCase):
    def test_ctrl_c_prints_the_summary(self) -> None:
        command = [*TOOL, "perf", "--duration=600", "--rate=100", "--json"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True) as process:
            assert process.stderr is not None
            line = process.stderr.readline()  # of the progress: messages go
            self.assertIn("messages", line)
            os.killpg(process.pid, signal.SIGINT)
            output, _ = process.communicate(timeout=WAIT)
        self.assertEqual(process.returncode, 0)
        summary = json.loads(output)
        self.assertEqual(summary["sent"], summary["received"])


if __name__ == "__main__":
    unittest.main()
