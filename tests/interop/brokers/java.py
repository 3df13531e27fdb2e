"""What brokers that run on Java have in common."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from .archives import Archive
from .broker import Broker
from .certificates import Certificates

# Little memory, and a machine that starts fast rather than runs fast.
JAVA = ("java", "-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xshare:auto", "-Djava.net.preferIPv4Stack=true")


class JavaBroker(Broker):
    archive: ClassVar[Archive]

    def __init__(self, folder: Path, certificates: Certificates, queues: Sequence[str], downloads: Path) -> None:
        super().__init__(folder, certificates, queues)
        self.home = self.archive.unpacked(downloads)

    @property
    def version(self) -> str:
        return self.archive.version


def can_run() -> bool:
    return shutil.which("java") is not None and shutil.which("mvn") is not None
