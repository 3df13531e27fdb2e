"""The client against Qpid Broker-J."""

from __future__ import annotations

import os
import unittest
from pathlib import Path
from typing import ClassVar

from broker_scenarios import QUEUES
from brokers.broker_j import BrokerJ
from brokers.certificates import Certificates
from python_scenarios import PythonScenarios

# Where what Maven fetches is kept; only ./run interop fetches.
DOWNLOADS = os.environ.get("AMQPCODEC_INTEROP_DOWNLOADS", "")


@unittest.skipIf(not DOWNLOADS, "Qpid Broker-J is fetched by ./run interop")
class WithBrokerJ(PythonScenarios):
    # What is rejected counts as failed, and comes again.
    again: ClassVar[list[tuple[int, int]]] = [(1, 1), (2, 0), (3, 1)]

    findings: ClassVar[tuple[str, ...]] = (
        """Messages that are sent settled are lost where `close` comes in the same read of 256 KiB: of 1,000 of 156 bytes none is kept, of 6,000 the
first 5,028. Nothing is lost where the link is detached first, as amqpc_client_close does.

    -> transfer(handle=0, delivery-id=2999, delivery-tag=binary(0bb7), message-format=0, settled=true) ...
    -> close()
    <- close()""",
        """A connection that is refused is opened with a max-frame-size of 0, below the 512 bytes that everybody has to take (AMQP 2.7.1); the reason
stands in the close behind it, and is taken from there.

    <- open(container-id=..., max-frame-size=0, ...)
    <- close(error=error(condition=:"amqp:not-found", description="Unknown hostname in connection open: '127.0.0.1'"))""",
        """What is rejected counts as failed, and is delivered again, where no dead-letter queue is set.""",
    )

    @classmethod
    def make_broker(cls, folder: Path, certificates: Certificates) -> BrokerJ:
        return BrokerJ(folder, certificates, QUEUES, Path(DOWNLOADS))


# What the classes share is no test of its own.
del PythonScenarios

if __name__ == "__main__":
    unittest.main(verbosity=2)
