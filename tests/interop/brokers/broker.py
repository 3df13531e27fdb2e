"""What all brokers have in common: a process with ports and a folder, that is started, stopped, killed, and started again."""

from __future__ import annotations

import contextlib
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from .certificates import Certificates

USER = "alice"
PASSWORD = "not so secret"

START_TIMEOUT_S = 180
STOP_TIMEOUT_S = 30

# Below what systems give out by themselves (32768 and up on Linux), so that a port is still free when a killed broker wants it again.
PORTS = range(20000, 32000)

# SASL's protocol header (AMQP 5.3.1), which every broker here answers with its own.
SASL_HEADER = b"AMQP\x03\x01\x00\x00"


class Broker:
    """One broker.

    Subclasses say what it is called and what it has, write its configuration, and give the command that starts it.
    """

    name: ClassVar[str] = ""
    # Which ports it has: `amqp` for clear text, `amqps`, and `external` where client certificates name the user.
    port_names: ClassVar[Sequence[str]] = ("amqp", "amqps", "external")
    # SASL mechanisms of the port `amqp` that take a password.
    mechanisms: ClassVar[frozenset[str]] = frozenset({"PLAIN"})
    # What it prints when it serves; some listen before they know their queues.
    ready_text: ClassVar[str] = ""

    def __init__(self, folder: Path, certificates: Certificates, queues: Sequence[str]) -> None:
        self.folder = folder
        self.certificates = certificates
        self.queues = queues
        self.ports: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None

    # What subclasses say.

    @property
    def version(self) -> str:
        raise NotImplementedError

    def configure(self) -> None:
        """Writes the configuration, with the ports of now."""
        raise NotImplementedError

    def command(self) -> Sequence[str]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str] | None:
        """Of the process; None for the caller's."""
        return None

    def address(self, queue: str) -> str:
        """What a link's source or target says for a queue."""
        return queue

    # What tests call.

    def url(self, port: str = "amqp", host: str = "127.0.0.1", user: str = USER, password: str = PASSWORD, options: str = "") -> str:
        scheme = "amqp" if port == "amqp" else "amqps"
        credentials = "" if port == "external" else f"{quote(user, safe='')}:{quote(password, safe='')}@"
        return f"{scheme}://{credentials}{host}:{self.ports[port]}/" + (f"?{options}" if options else "")

    def start(self) -> None:
        """For the first time: on free ports, and on other ones where another process was faster."""
        for attempt in range(3):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True)
            self.ports = dict(zip(self.port_names, free_ports(len(self.port_names))))
            self.configure()
            try:
                self.start_again()
                return
            except BrokerFailed:
                if attempt == 2:
                    raise

    def start_again(self) -> None:
        """With the ports, the configuration and the messages that it had."""
        with self.log.open("ab") as log:
            log_start = log.tell()
            self._process = subprocess.Popen([*dies_with_us(), *self.command()], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                             cwd=self.folder, env=self.environment(), start_new_session=True)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._is_ready(log_start):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise BrokerFailed(f"{self.name} does not start:\n{self.last_words()}")
            time.sleep(0.1)

    def stop(self) -> None:
        """Asks it to end, and waits until it has."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(STOP_TIMEOUT_S)
        self.kill()

    def kill(self) -> None:
        """Ends it at once, as a crash does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    @property
    def log(self) -> Path:
        return self.folder / "output.log"

    def last_words(self) -> str:
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-40:])

    def _is_ready(self, log_start: int) -> bool:
        with self.log.open("rb") as log:
            log.seek(log_start)
            said = self.ready_text.encode() in log.read()
        return said and all(self._answers(self.ports[name], name == "amqp") for name in self.port_names)

    def _answers(self, port: int, in_clear: bool) -> bool:
        """Whether it does what a broker does on that port: shake hands in clear text, or take a connection for TLS."""
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                if not in_clear:
                    return True
                connection.sendall(SASL_HEADER)
                return connection.recv(4) == SASL_HEADER[:4]
        except OSError:
            return False


class BrokerFailed(Exception):
    """It does not start; the text says what it printed."""


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens at."""
    found: list[int] = []
    while len(found) < count:
        port = random.choice(PORTS)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in found:
            found.append(port)
    return found


def dies_with_us() -> Sequence[str]:
    """Goes before a command, so that what it starts ends with this process, however that ends."""
    return ("setpriv", "--pdeathsig", "KILL") if shutil.which("setpriv") else ()
