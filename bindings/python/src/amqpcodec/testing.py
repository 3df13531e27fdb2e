"""The broker `amqpcodec broker`, in memory, for tests of programs that talk AMQP 1.0.

    with amqpcodec.testing.Broker() as broker, amqpcodec.connect(broker.url) as connection:
        ...

With pytest the fixture `amqp_broker` gives one to each test, or to the whole session: see `Broker` for what it has, and
docs/guide-python.md for the fixture's options.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Union
from urllib.parse import quote

if TYPE_CHECKING:
    StrPath = Union[str, os.PathLike[str]]

__all__ = ["Broker", "BrokerError", "find_tool"]

# Reached only where something is wrong.
_TIMEOUT_S = 30.0

# Below what systems give out by themselves (32768 and up on Linux), so that nobody takes a broker's port while it is down.
_PORTS = range(20000, 32000)
_PORT_ATTEMPTS = 50
_PORT_TAKEN = "Address already in use"

_LISTENING = re.compile(rb"listening on amqps?://\S+:(\d+)\s*$")


class BrokerError(RuntimeError):
    """The broker cannot be started, or does not do what it is asked for. The text ends with what it printed."""


def find_tool() -> str:
    """The path of the command `amqpcodec`: that of this package, else what AMQPCODEC_TOOL says, else by PATH.

    Raises BrokerError where it is nowhere.
    """
    packaged = Path(__file__).parent / "_tool" / "amqpcodec"
    if os.access(packaged, os.X_OK):
        return str(packaged)
    named = os.environ.get("AMQPCODEC_TOOL")
    found = shutil.which(named) if named else shutil.which("amqpcodec")
    if found is None:
        where = f"AMQPCODEC_TOOL={named} cannot be run" if named else "AMQPCODEC_TOOL is not set, and PATH has no amqpcodec"
        raise BrokerError(f"the command amqpcodec is missing: it is not in this package ({packaged}), {where}")
    return found


class Broker:
    """An embedded broker: a process of its own on a free port of this machine, with queues that are made on use.

    A context manager; or call start() and stop(). What it holds is gone when it ends. It ends with this process at the
    latest, however that ends.

    users              names and passwords of those who may come in; without any everybody may
    certificate, key   PEM files: the port speaks TLS. The key may lie in the certificate's file.
    authority          the PEM file that clients have to trust, of which `url` tells them; by default the certificate itself
    client_authority   PEM file: clients have to show a certificate from it (SASL EXTERNAL)
    memory             bytes that all messages may take; senders wait when it is used up
    queue_memory       the same of one queue
    max_message_size   bytes; larger messages are refused
    credit             how many messages a sender may be ahead
    idle_timeout       seconds of silence after which a connection is dropped; 0: never
    host               an address of this machine, or localhost, which listens at 127.0.0.1; the certificate has to be for it
    port               0: any that is free; it stays the same when the broker is started again
    log                a file, to which all that the broker prints is appended
    options            more words for the command line of `amqpcodec broker`
    """

    def __init__(
        self,
        *,
        users: Mapping[str, str] | None = None,
        certificate: StrPath | None = None,
        key: StrPath | None = None,
        authority: StrPath | None = None,
        client_authority: StrPath | None = None,
        memory: int | None = None,
        queue_memory: int | None = None,
        max_message_size: int | None = None,
        credit: int | None = None,
        idle_timeout: int | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        log: StrPath | None = None,
        options: Sequence[str] = (),
    ) -> None:
        values = {
            "--certificate": certificate,
            "--key": key,
            "--ca": client_authority,
            "--memory": memory,
            "--queue-memory": queue_memory,
            "--max-message-size": max_message_size,
            "--credit": credit,
            "--idle-timeout": idle_timeout,
        }
        self._users = dict(users or {})
        self._words = [f"{name}={os.fspath(value) if isinstance(value, os.PathLike) else value}" for name, value in values.items() if value is not None]
        self._words += [f"--user={name}:{password}" for name, password in self._users.items()]
        self._words += options
        self._authority = authority or certificate
        self._is_secure = certificate is not None
        self._host = host
        self._port = port
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._output = _Output(b"")
        self._asking = threading.Lock()

    def __repr__(self) -> str:
        state = "stopped" if self._process is None else f"process {self._process.pid}"
        return f"<amqpcodec.testing.Broker {self._host}:{self._port or '?'}, {state}>"

    def __enter__(self) -> Broker:
        if self._process is None:
            self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.stop()

    # --- What clients need.

    @property
    def url(self) -> str:
        """For amqpcodec.connect: with the first of the users, and, with TLS, what to trust. It stays when the broker is started again.

        Raises BrokerError before the first start.
        """
        user = next((f"{quote(name, safe='')}:{quote(password, safe='')}@" for name, password in self._users.items()), "")
        trust = f"?ca={quote(os.fspath(self._authority), safe='/')}" if self._authority is not None else ""
        return f"{'amqps' if self._is_secure else 'amqp'}://{user}{self._bracketed_host}:{self.port}/{trust}"

    @property
    def host(self) -> str:
        """The address that it listens at."""
        return self._host

    @property
    def port(self) -> int:
        """The port that it listens at. Raises BrokerError before the first start."""
        if self._port == 0:
            raise BrokerError("the broker has no port yet: start it, or use it as a context manager")
        return self._port

    @property
    def pid(self) -> int | None:
        """The number of its process; None while it does not run."""
        return None if self._process is None else self._process.pid

    @property
    def output(self) -> str:
        """What it has printed since it was started, warnings and errors included."""
        return self._output.text()

    # --- Its life.

    def start(self) -> None:
        """Starts it, and waits until it serves: on the port that it had before, if any. Nothing happens where it runs.

        Raises BrokerError with what it printed where it does not come up.
        """
        if self._process is not None and self._process.poll() is None:
            return
        self.kill()
        attempts = 1 if self._port else _PORT_ATTEMPTS
        for left in reversed(range(attempts)):
            try:
                self._start_at(self._port or random.choice(_PORTS))
                return
            except _PortTakenError:
                if left == 0:
                    raise

    def stop(self) -> None:
        """Ends it in good order: what receivers still have credit for is sent, and connections are closed. Harmless where it does not run.

        Raises BrokerError where it did not end well, as where it had crashed.
        """
        process = self._process
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        status = self._wait(process)
        self._let_go()
        if status != 0:
            raise BrokerError(f"the broker ended with status {status}:\n{self.output}")

    def kill(self) -> None:
        """Ends it at once, as a crash does: connections are cut, and what it held is lost. Harmless where it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._let_go()

    def restart(self) -> None:
        """Stops it, if it runs, and starts it on the same port, without the messages that it had."""
        self.stop()
        self.start()

    def statistics(self) -> dict[str, Any]:
        """What has happened since it was started: counts of connections and links, of messages, and of each queue (`man amqpcodec-broker`).

        After stop() those of its end. Raises BrokerError before the first start, and after kill().
        """
        if self._process is None:
            found = self._output.last_statistics()
            if found is None:
                raise BrokerError("the broker does not run, and has left no statistics")
            return found
        with self._asking:
            before = self._output.statistics_count()
            self._process.send_signal(signal.SIGUSR1)
            found = self._output.wait_for_statistics(before)
        if found is None:
            raise BrokerError(f"the broker gives no statistics:\n{self.output}")
        return found

    @property
    def _bracketed_host(self) -> str:
        return f"[{self._host}]" if ":" in self._host else self._host

    # --- The process.

    def _start_at(self, port: int) -> None:
        host = "127.0.0.1" if self._host == "localhost" else self._bracketed_host
        # It ends when its standard input does, which is when this process is gone.
        words = [find_tool(), "broker", f"--listen={host}:{port}", "--json", "--stop-at-eof", *self._words]
        process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0)
        self._process = process
        assert process.stdout is not None
        self._output = _Output(self._log_start(words), process.stdout, self._log)
        found = self._output.wait_for_port()
        if found is None:
            self.kill()
            text = self._output.text()
            failure = _PortTakenError if _PORT_TAKEN in text else BrokerError
            raise failure(f"the broker did not start ({' '.join(self._hidden(words))}):\n{text}")
        self._port = found

    def _hidden(self, words: Sequence[str]) -> list[str]:
        """The command line without passwords."""
        return [re.sub(r"^(--user=[^:]*|--key-password=).*", r"\1:...", word) for word in words]

    def _log_start(self, words: Sequence[str]) -> bytes:
        return os.fsencode(f"$ {' '.join(self._hidden(words))}\n") if self._log is not None else b""

    def _wait(self, process: subprocess.Popen[bytes]) -> int:
        try:
            return process.wait(_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BrokerError(f"the broker does not stop:\n{self.output}") from None

    def _let_go(self) -> None:
        """Of a process that has ended: its descriptors, and the thread that reads."""
        process = self._process
        self._process = None
        assert process is not None and process.stdin is not None
        self._output.finish()
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()


class _PortTakenError(BrokerError):
    """Somebody else listens there."""


class _Output:
    """What a broker prints, read on by a thread, so that it never waits for us."""

    def __init__(self, log_start: bytes, pipe: IO[bytes] | None = None, log: StrPath | None = None) -> None:
        self._changed = threading.Condition()
        self._lines: list[bytes] = []
        self._statistics: list[dict[str, Any]] = []
        self._has_ended = pipe is None
        self._thread: threading.Thread | None = None
        if pipe is not None:
            self._thread = threading.Thread(target=self._read, args=(pipe, log, log_start), name="amqpcodec broker", daemon=True)
            self._thread.start()

    def _read(self, pipe: IO[bytes], log: StrPath | None, log_start: bytes) -> None:
        with pipe, open(log if log is not None else os.devnull, "ab", buffering=0) as file:
            file.write(log_start)
            for line in _lines_of(pipe):
                file.write(line)
                self._take(line)
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def _take(self, line: bytes) -> None:
        found = json.loads(line) if line.startswith(b"{") else None
        with self._changed:
            if found is not None:
                self._statistics.append(found)
            else:
                self._lines.append(line)
            self._changed.notify_all()

    def text(self) -> str:
        with self._changed:
            return b"".join(self._lines).decode(errors="replace")

    def wait_for_port(self) -> int | None:
        """Of the line that says where it listens; None where it ended before, or says nothing."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_ended or (self._lines and _LISTENING.match(self._lines[-1])), _TIMEOUT_S)
            found = next(filter(None, map(_LISTENING.match, self._lines)), None)
        return int(found.group(1)) if found else None

    def statistics_count(self) -> int:
        with self._changed:
            return len(self._statistics)

    def wait_for_statistics(self, before: int) -> dict[str, Any] | None:
        """The first beyond so many."""
        with self._changed:
            self._changed.wait_for(lambda: self._has_ended or len(self._statistics) > before, _TIMEOUT_S)
            return self._statistics[before] if len(self._statistics) > before else None

    def last_statistics(self) -> dict[str, Any] | None:
        with self._changed:
            return self._statistics[-1] if self._statistics else None

    def finish(self) -> None:
        """Reads what is left of a process that has ended."""
        if self._thread is not None:
            self._thread.join(_TIMEOUT_S)


def _lines_of(pipe: IO[bytes]) -> Any:
    """The lines of an unbuffered pipe as they come, the last one even without its end."""
    rest = b""
    while piece := pipe.read(65536):
        *lines, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in lines)
    if rest:
        yield rest
