"""`amqpcodec send` and `amqpcodec receive`: the command line, and messages by way of `amqpcodec broker`."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from broker_process import Broker
from tool import TOOL, Result, run

MANUAL = Path(__file__).parents[2] / "docs" / "amqpcodec.1"
WAIT = 30  # seconds; reached only where something is wrong
# A message with what JSON finds hard.
MESSAGE = {
    "header": {"durable": True, "priority": 7},
    "message-annotations": {"map": [[{"symbol": "x-opt"}, {"ulong": 18446744073709551615}], [{"symbol": "y"}, None]]},
    "properties": {
        "message-id": {"uuid": "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"},
        "user-id": {"binary": "00ff"},
        "subject": "a \"b\"\n\u00e4",
        "content-type": "text/plain",
        "creation-time": {"timestamp": 1311704463521},
    },
    "application-properties": {"map": [["n", {"int": -1}], ["d", {"double": -0.0}], ["c", {"char": "U+1F600"}]]},
    "amqp-value": {"map": [["list", [{"ubyte": 1}, True, {"described": [{"symbol": "d"}, "v"]}]], [{"byte": -1}, {"float": 1.5}]]},
}  # fmt: skip


def has_json() -> bool:
    """Whether the command under test reads JSON."""
    return "reads no JSON" not in run("send", "--json-lines", "nowhere", "q").errors


class Help(unittest.TestCase):
    def test_names_every_option_and_fits_a_terminal(self) -> None:
        manual = MANUAL.read_text(encoding="utf-8").replace("\\-", "-")
        for word in ("send", "receive"):
            result = run(word, "--help")
            self.assertEqual((result.status, result.errors), (0, ""))
            for line in result.lines:
                self.assertLessEqual(len(line), 100)
                if line.startswith("  --"):
                    self.assertIn(line.split()[0], manual)


class Usage(unittest.TestCase):
    def assert_usage_error(self, text: str, *arguments: str) -> None:
        result = run(*arguments)
        self.assertEqual((result.status, result.output), (2, ""))
        self.assertTrue(result.errors.startswith("amqpcodec: "), result.errors)
        self.assertIn(text, result.errors)

    def test_arguments_that_are_missing_or_too_many(self) -> None:
        self.assert_usage_error("the URL is missing", "send")
        self.assert_usage_error("the URL is missing", "receive")
        self.assert_usage_error("the URL is missing", "send", "--address=q")
        self.assert_usage_error("the address is missing", "send", "amqp://localhost")
        self.assert_usage_error("the address is missing", "receive", "amqp://localhost")
        self.assert_usage_error("there is no message", "send", "amqp://localhost", "q")
        self.assert_usage_error("there is no message", "send", "--address=q", "amqp://localhost")
        self.assert_usage_error("one argument too many", "receive", "--address=q", "amqp://localhost", "q")
        self.assert_usage_error("one argument too many", "receive", "amqp://localhost", "q", "r")

    def test_options_that_do_not_go_together(self) -> None:
        self.assert_usage_error("only one of --json, --raw and --lines", "receive", "--json", "--raw", "amqp://h", "q")
        self.assert_usage_error("only one of --accept", "receive", "--browse", "--reject", "amqp://h", "q")
        if has_json():
            self.assert_usage_error("not both", "send", "--lines", "--json-lines", "amqp://h", "q")

    def test_property_without_key_or_value(self) -> None:
        for text in ("key", "=value", ""):
            self.assert_usage_error(f"--property wants KEY=VALUE, not '{text}'", "send", "--property", text, "amqp://h", "q", "m")

    def test_url_that_is_wrong(self) -> None:
        self.assert_usage_error("a URL begins with amqp://", "send", "localhost", "q", "m")
        self.assert_usage_error("heartbeat: '5x' is not a number", "receive", "amqp://h/?heartbeat=5x", "q")

    def test_no_message_shows_a_password(self) -> None:
        result = run("send", "amqp://me:hidden@example.org", "q", "m")
        self.assertEqual(result.status, 2)
        self.assertIn("credentials would go to example.org over clear text", result.errors)
        self.assertNotIn("hidden", result.errors)


class Unreachable(unittest.TestCase):
    def test_nobody_listens(self) -> None:
        with socket.socket() as taken:  # bound, and not listening: nobody else gets the port
            taken.bind(("127.0.0.1", 0))
            url = f"amqp://127.0.0.1:{taken.getsockname()[1]}"
            for arguments in (("send", url, "q", "m"), ("receive", url, "q")):
                result = run(*arguments)
                self.assertEqual((result.status, result.output), (1, ""))
                self.assertIn("refused", result.errors.lower())

    def test_peer_that_says_nothing_is_waited_for_as_long_as_asked(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"amqp://127.0.0.1:{silent.getsockname()[1]}"
            result = run("send", "--timeout=1", url, "q", "m")
            self.assertEqual((result.status, result.output), (1, ""))
            self.assertIn("the time is up", result.errors)
            result = run("receive", f"{url}?connect-timeout=1s", "q")
            self.assertEqual((result.status, result.output), (1, ""))
            self.assertIn("receiving failed: ", result.errors)


class Messages(unittest.TestCase):
    broker: Broker

    @classmethod
    def setUpClass(cls) -> None:
        cls.broker = Broker()

    @classmethod
    def tearDownClass(cls) -> None:
        cls.broker.stop()

    def setUp(self) -> None:
        self.queue = self.id().rsplit(".", 1)[1]

    def send(self, *arguments: str, data: bytes = b"") -> None:
        """Sends to the test's queue; all has to be accepted."""
        options = [argument for argument in arguments if argument.startswith("--")]
        texts = [argument for argument in arguments if not argument.startswith("--")]
        result = run("send", *options, self.broker.url, self.queue, *texts, data=data)
        self.assertEqual((result.status, result.output, result.errors), (0, "", ""))

    def receive(self, count: int, *options: str) -> Result:
        """Receives so many from the test's queue."""
        result = run("receive", f"--count={count}", f"--timeout={WAIT}", *options, self.broker.url, self.queue)
        self.assertEqual((result.status, result.errors), (0, ""))
        return result

    def assert_empty(self) -> None:
        result = run("receive", "--timeout=1", self.broker.url, self.queue)
        self.assertEqual((result.status, result.output, result.errors), (0, "", ""))

    def test_texts_arrive_in_order_and_are_accepted(self) -> None:
        self.send("one", "two \u00e4")
        first, second = self.receive(2).lines
        self.assertTrue(first.endswith('amqp-value("one")'), first)
        self.assertTrue(second.endswith('amqp-value("two \u00e4")'), second)
        self.assert_empty()

    def test_options_stand_in_header_and_properties(self) -> None:
        self.send("--durable", "--priority=3", "--ttl=600000", "--message-id=m1", "--correlation-id=c1", "--to=t", "--reply-to=r",
                  "--subject=s", "--content-type=text/plain", "--property=a=1", "--property=b==", "--property=a=2", "text")  # fmt: skip
        (document,) = self.receive(1, "--json").documents()
        self.assertEqual(document["header"]["durable"], True)
        self.assertEqual(document["header"]["priority"], 3)
        expected = {"message-id": "m1", "correlation-id": "c1", "to": "t", "reply-to": "r", "subject": "s", "content-type": "text/plain"}
        self.assertEqual(document["properties"], expected)
        self.assertEqual(document["application-properties"], {"map": [["a", "2"], ["b", "="]]})
        self.assertEqual(document["data"], [b"text".hex()])

    def test_lines_and_their_bodies_are_the_same(self) -> None:
        lines = b"first\n\n  third \xc3\xa4\nlast without newline"
        self.send("--lines", data=lines)
        self.assertEqual(self.receive(4, "--lines").output.encode(), lines + b"\n")

    def test_files_are_data_and_arrive_byte_for_byte(self) -> None:
        bytes_of_all_kinds = bytes(range(256)) * 1000
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "file")
            path.write_bytes(bytes_of_all_kinds)
            self.send(f"--file={path}")
        done = subprocess.run([*TOOL, "receive", "--raw", "--count=1", f"--timeout={WAIT}", self.broker.url, self.queue],
                              capture_output=True, timeout=60, check=True)  # fmt: skip
        self.assertEqual(done.stdout, bytes_of_all_kinds)

    def test_bytes_that_are_no_text_want_data(self) -> None:
        result = run("send", "--lines", self.broker.url, self.queue, data=b"\xff\xfe\n")
        self.assertEqual(result.status, 1)
        self.assertIn("message 1: it cannot be encoded; texts that are not UTF-8 want --data", result.errors)
        self.send("--lines", "--data", data=b"\xff\xfe\n")
        self.assertIn("data(fffe)", self.receive(1).output)

    def test_file_that_is_not_there(self) -> None:
        result = run("send", "--file=/nonexistent/file", self.broker.url, self.queue)
        self.assertEqual(result.status, 1)
        self.assertIn("/nonexistent/file: No such file", result.errors)

    def test_count_sends_many_and_takes_no_more_than_asked(self) -> None:
        self.send("--count=1000", "again")
        self.assertEqual(len(self.receive(999).lines), 999)
        self.assertEqual(len(self.receive(1).lines), 1)
        self.assert_empty()

    def test_settled_both_ways(self) -> None:
        self.send("--settled", "--count=100", "gone")
        self.assertEqual(len(self.receive(100, "--settled").lines), 100)
        self.assert_empty()

    def test_fewer_than_asked(self) -> None:
        self.send("one")
        for seconds in (1, 5, WAIT):  # more on a machine that is slow
            result = run("receive", "--count=2", f"--timeout={seconds}", self.broker.url, self.queue)
            if result.lines:
                break
        self.assertEqual((result.status, len(result.lines)), (1, 1))
        self.assertIn('amqp-value("one")', result.output)
        self.assertIn("1 messages came, not 2", result.errors)

    def test_browse_and_release_leave_messages_where_they_are(self) -> None:
        self.send("stays")
        for option in ("--browse", "--release"):
            self.assertIn('amqp-value("stays")', self.receive(1, option).output)
        self.assertIn('amqp-value("stays")', self.receive(1).output)
        self.assert_empty()

    def test_rejected_messages_are_gone(self) -> None:
        self.send("bad")
        self.assertIn('amqp-value("bad")', self.receive(1, "--reject").output)
        self.assert_empty()

    def test_selector_lets_some_through(self) -> None:
        self.send("--property=color=red", "a")
        self.send("--property=color=blue", "b")
        self.assertIn('amqp-value("b")', self.receive(1, "--selector=color = 'blue'").output)
        self.assertIn('amqp-value("a")', self.receive(1).output)

    def test_json_is_copied_as_it_is(self) -> None:
        if not has_json():
            self.skipTest("built without json-c")
        documents = [MESSAGE, {"data": ["00ff", ""]}, {"amqp-sequence": [[{"uint": 1}], []]}, {"payload": "0053ff"}]
        text = "".join(json.dumps(document) + "\n" for document in documents).encode()
        self.send("--json-lines", data=text)
        first = run("receive", "--json", f"--count={len(documents)}", f"--timeout={WAIT}", self.broker.url, self.queue)
        self.send("--json-lines", data=first.output.encode())
        second = run("receive", "--json", f"--count={len(documents)}", f"--timeout={WAIT}", self.broker.url, self.queue)
        self.assertEqual(first.output, second.output)
        arrived = first.documents()
        self.assertEqual(arrived[0]["properties"], MESSAGE["properties"])
        self.assertEqual(arrived[0]["amqp-value"], MESSAGE["amqp-value"])
        self.assertEqual(arrived[0]["message-annotations"], MESSAGE["message-annotations"])
        self.assertEqual(arrived[1]["data"], ["00ff", ""])
        self.assertEqual(arrived[3], {"payload": "0053ff"})

    def test_json_line_that_is_no_message_is_reported_and_the_others_are_sent(self) -> None:
        if not has_json():
            self.skipTest("built without json-c")
        data = b'{"body": 1}\n\n{"boddy": 2}\n{"body": 3}\n'
        result = run("send", "--json-lines", self.broker.url, self.queue, data=data)
        self.assertEqual(result.status, 1)
        self.assertIn("line 3: a message has no section 'boddy'", result.errors)
        self.assertEqual(self.receive(2, "--lines").lines, ["long(1)", "long(3)"])

    def test_options_change_json_messages(self) -> None:
        if not has_json():
            self.skipTest("built without json-c")
        data = b'{"properties": {"to": "x", "subject": "s"}, "application-properties": {"a": 1, "b": 2}, "body": 1}\n'
        self.send("--json-lines", "--to=y", "--property=b=3", "--property=c=4", data=data)
        (document,) = self.receive(1, "--json").documents()
        self.assertEqual(document["properties"], {"to": "y", "subject": "s"})
        self.assertEqual(document["application-properties"], {"map": [["a", {"long": 1}], ["b", "3"], ["c", "4"]]})

    def test_anonymous_relay_goes_by_the_message(self) -> None:
        result = run("send", "--address=", f"--to={self.queue}", self.broker.url, "relayed")
        self.assertEqual((result.status, result.errors), (0, ""))
        self.assertIn('amqp-value("relayed")', self.receive(1).output)

    def test_rejected_messages_are_listed(self) -> None:
        result = run("send", "--address=", self.broker.url, "one", "two")  # nobody says where to
        self.assertEqual((result.status, result.output), (1, ""))
        self.assertIn("amqpcodec: message 1: rejected: amqp:not-found", result.errors)
        self.assertIn("amqpcodec: message 2: rejected: amqp:not-found", result.errors)

    def test_rejected_messages_are_counted_where_they_are_many(self) -> None:
        result = run("send", "--address=", "--count=100", self.broker.url, "text")
        self.assertEqual(result.status, 1)
        self.assertIn("100 of 100 messages were not accepted", result.errors)
        self.assertEqual(result.errors.count("rejected"), 20)

    def test_address_may_be_an_option(self) -> None:
        result = run("send", f"--address={self.queue}", self.broker.url, "text")
        self.assertEqual((result.status, result.errors), (0, ""))
        result = run("receive", f"--address={self.queue}", "--count=1", f"--timeout={WAIT}", self.broker.url)
        self.assertEqual(result.status, 0)
        self.assertIn('amqp-value("text")', result.output)

    def test_interrupt_ends_receive_in_good_order(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            self.send("last")
            with subprocess.Popen([*TOOL, "receive", "--lines", self.broker.url, self.queue], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                assert process.stdout is not None
                assert process.stderr is not None
                self.assertEqual(process.stdout.readline(), b"last\n")
                process.send_signal(number)
                self.assertEqual(process.wait(WAIT), 0)
                self.assertEqual(process.stderr.read(), b"")
            self.assert_empty()

    def test_messages_that_output_does_not_take_stay_with_the_peer(self) -> None:
        self.send("kept")
        reader, writer = os.pipe()
        os.close(reader)
        done = subprocess.run([*TOOL, "receive", "--count=1", self.broker.url, self.queue], stdout=writer, stderr=subprocess.PIPE,
                              timeout=60, check=False)  # fmt: skip
        os.close(writer)
        self.assertEqual((done.returncode, done.stderr), (1, b""))
        self.assertIn('amqp-value("kept")', self.receive(1).output)

    def test_large_message(self) -> None:
        size = 3 << 20
        self.send("--lines", "--data", data=b"x" * size)
        self.assertEqual(len(self.receive(1, "--lines").output), size + 1)

    def test_queue_that_is_full_is_waited_for_as_long_as_asked(self) -> None:
        broker = Broker("--queue-memory=20K", "--max-message-size=10K")
        result = run("send", "--timeout=3", "--count=10000", broker.url, "q", "m")
        self.assertEqual((result.status, result.output), (1, ""))
        self.assertRegex(result.errors, r"^amqpcodec: message \d+: the time is up\n$")
        result = run("send", "--lines", broker.url, "r", data=b"x" * 20000)
        self.assertEqual(result.status, 1)
        self.assertIn("message 1: the delivery is larger than max-message-size", result.errors)
        broker.stop()

    def test_broker_that_goes_away_ends_both(self) -> None:
        broker = Broker()
        with subprocess.Popen([*TOOL, "receive", "--lines", broker.url, "q"], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            self.assertEqual(run("send", broker.url, "q", "m").status, 0)
            self.assertEqual(process.stdout.readline(), b"m\n")
            broker.stop()
            self.assertEqual(process.wait(WAIT), 1)
            self.assertTrue(process.stderr.read().startswith(b"amqpcodec: receiving failed: "))


if __name__ == "__main__":
    unittest.main()
