"""Runs two peers against each other, over a socket, and gives what each says that happened; ctest names the peers in the environment."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import Any

# How to start each peer; a peer that is not installed is missing here.
PEERS = {
    name: shlex.split(os.environ[variable])
    for name, variable in (("engine", "AMQPCODEC_ENGINE_PEER"), ("proton", "AMQPCODEC_PROTON_PEER"), ("rhea", "AMQPCODEC_RHEA_PEER"))
    if os.environ.get(variable)
}

TIMEOUT_S = 20

Summary = dict[str, Any]


class Relay:
    """Stands between a client and a server, and keeps what passes: pairs of whether the server sent it, and the bytes."""

    def __init__(self, server_port: int) -> None:
        self.pieces: list[tuple[bool, bytes]] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._server_port = server_port
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        client, _ = self._listener.accept()
        self._listener.close()
        with client, socket.create_connection(("127.0.0.1", self._server_port)) as server:
            back = threading.Thread(target=self._move, args=(server, client, True))
            back.start()
            self._move(client, server, False)
            back.join()

    def _move(self, source: socket.socket, to: socket.socket, from_server: bool) -> None:
        while piece := source.recv(65536):
            with self._lock:
                self.pieces.append((from_server, piece))
            to.sendall(piece)
        to.shutdown(socket.SHUT_WR)

    def finish(self) -> list[tuple[bool, bytes]]:
        self._thread.join()
        return self.pieces


class Conversation:
    """One connection between two peers, from the first byte to the last."""

    def __init__(self, server: str, client: str, both: Sequence[str] = (), for_server: Sequence[str] = (),
                 for_client: Sequence[str] = (), relayed: bool = False) -> None:
        """The words are options of the peers (peer.h)."""
        self.pieces: list[tuple[bool, bytes]] = []
        started_s = time.monotonic()
        with subprocess.Popen([*PEERS[server], "server", *both, *for_server], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                port = process.stdout.readline().removeprefix("listening ").strip()
                assert port, f"{server} does not listen: {process.communicate()[1]}"
                relay = Relay(int(port)) if relayed else None
                self.client = self._run_client(client, relay.port if relay else port, [*both, *for_client])
                output, errors = process.communicate(timeout=TIMEOUT_S)
            finally:
                process.kill()
        if relay:
            self.pieces = relay.finish()
        self.server = self._summary(server, output, errors)
        self.seconds = time.monotonic() - started_s

    def _run_client(self, name: str, port: int | str, options: Sequence[str]) -> Summary:
        done = subprocess.run([*PEERS[name], "client", str(port), *options], capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
        return self._summary(name, done.stdout, done.stderr)

    def _summary(self, name: str, output: str, errors: str) -> Summary:
        lines = output.splitlines()
        assert lines and lines[-1].startswith("{"), f"{name} has no summary: {output}{errors}"
        summary: Summary = json.loads(lines[-1])
        return summary
