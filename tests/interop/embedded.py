"""The project's own broker, which stands in where a second broker is needed."""

from __future__ import annotations

import os
import shlex
import subprocess
from types import TracebackType

from brokers.broker import PASSWORD, USER, dies_with_us

TOOL = shlex.split(os.environ.get("AMQPCODEC_TOOL", ""))


class EmbeddedBroker:
    """Runs while the context lasts; its users are those of the other brokers."""

    port: int

    def __enter__(self) -> EmbeddedBroker:
        self._process = subprocess.Popen([*dies_with_us(), *TOOL, "broker", "--port", "0", "--user", f"{USER}:{PASSWORD}"],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        self.port = int(line.strip().rstrip("/").rpartition(":")[2])
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def url(self) -> str:
        return f"amqp://{USER}:{PASSWORD.replace(' ', '%20')}@127.0.0.1:{self.port}/"
