"""Starts `amqpcodec broker` for a test, and speaks to it by raw sockets."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import subprocess
import threading
from types import TracebackType
from typing import Any

from frames import begin_frame, composite, frame, open_frame, string, uint
from tool import TOOL

TIMEOUT_S = 20
AMQP_HEADER = b"AMQP\x00\x01\x00\x00"
SASL_HEADER = b"AMQP\x03\x01\x00\x00"


class Broker:
    """A broker on a free port; it is stopped, and has to end well, when the block ends."""

    def __init__(self, *options: str, tcp: bool = True) -> None:
        ports = ("--port", "0") if tcp else ()
        self.process = subprocess.Popen([*TOOL, "broker", *ports, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self._watchdog = threading.Timer(10 * TIMEOUT_S, self.process.kill)
        self._watchdog.start()
        self.line = self.read_line()
        self.port = int(self.line.rsplit(":", 1)[1]) if tcp else 0

    def read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT_S)

    def stop(self, number: int = signal.SIGTERM) -> str:
        """Stops it; gives what it printed since."""
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=5 * TIMEOUT_S)
        self._watchdog.cancel()
        assert self.process.returncode == 0, (self.process.returncode, errors)
        return output

    def statistics(self) -> dict[str, Any]:
        """Stops a broker of --json, and gives what it counted."""
        document: dict[str, Any] = json.loads(self.stop().splitlines()[-1])
        return document

    def __enter__(self) -> Broker:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if self.process.poll() is None:
                self.stop()
        finally:
            self.process.kill()
            self._watchdog.cancel()
            for stream in (self.process.stdout, self.process.stderr):
                if stream is not None:
                    stream.close()


def read_until(peer: socket.socket, text: bytes) -> bytes:
    """Reads until the text has come; fails where the stream ends before."""
    data = b""
    while text not in data:
        piece = peer.recv(65536)
        assert piece, f"the stream ended before {text!r}: {data!r}"
        data += piece
    return data


def read_to_end(peer: socket.socket) -> bytes:
    """Reads until the other end closes, or resets."""
    data = b""
    try:
        while piece := peer.recv(65536):
            data += piece
    except ConnectionError:
        pass
    return data


def attach_frame(name: str, handle: int, role: bool, address: str) -> bytes:
    """Attach of a sender to a target, or of a receiver from a source."""
    terminus = composite(0x29 if not role else 0x28, string(address))
    here = composite(0x28 if not role else 0x29, string("here"))
    source, target = (terminus, here) if role else (here, terminus)
    fields = [string(name), uint(handle), b"\x41" if role else b"\x42", b"\x40", b"\x40", source, target]
    if not role:
        fields += [b"\x40", b"\x40", uint(0)]
    return frame(composite(0x12, *fields))


def opening(container: str = "raw") -> bytes:
    """What a client without SASL begins with: header, open, and a session."""
    return AMQP_HEADER + open_frame(container) + begin_frame()


def is_alive(broker: Broker) -> bool:
    """A client that opens and begins a session gets the answer."""
    with broker.connect() as peer:
        peer.sendall(opening())
        return b"amqpcodec-broker" in read_until(peer, b"\x00\x53\x11")


def wrap(peer: socket.socket, ca: str, client: tuple[str, str] | None = None) -> ssl.SSLSocket:
    """TLS over the connection, as a client that trusts only `ca`."""
    context = ssl.create_default_context(cafile=ca)
    context.check_hostname = False
    if client is not None:
        context.load_cert_chain(*client)
    return context.wrap_socket(peer)
