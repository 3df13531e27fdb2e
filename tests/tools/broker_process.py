"""Runs `amqpcodec broker` on a free port, for tests of what talks to it."""

from __future__ import annotations

import re
import signal
import subprocess
import threading
import unittest

from tool import TOOL, run

STOP_SECONDS = 30  # reached only where something is wrong


class Broker:
    """A broker that runs; `url` is where. Its output is read on, so that it never waits for that."""

    def __init__(self, *options: str) -> None:
        if "there is no word" in run("broker", "--help").errors:
            raise unittest.SkipTest("there is no amqpcodec broker")
        self.process = subprocess.Popen([*TOOL, "broker", "--port=0", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert self.process.stdout is not None
        self.output = b""
        self.url = ""
        for line in self.process.stdout:
            self.output += line
            found = re.search(rb"amqp://127\.0\.0\.1:\d+", line)
            if found:
                self.url = found.group().decode()
                break
        else:
            raise AssertionError(f"the broker says no URL: {self.output!r}")
        self.reader = threading.Thread(target=self.read_on)
        self.reader.start()

    def read_on(self) -> None:
        assert self.process.stdout is not None
        self.output += self.process.stdout.read()

    def stop(self) -> None:
        """Ends it; it has to end in good order."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(STOP_SECONDS)
        self.reader.join()
        assert self.process.stdout is not None
        self.process.stdout.close()
        assert status == 0, (status, self.output)
