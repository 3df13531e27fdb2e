"""The client against Apache Artemis."""

from __future__ import annotations

import os
import unittest
from pathlib import Path

from broker_scenarios import QUEUES
from brokers.artemis import Artemis
from brokers.certificates import Certificates
from python_scenarios import PythonScenarios

# Where what Maven fetches is kept; only ./run interop fetches.
DOWNLOADS = os.environ.get("AMQPCODEC_INTEROP_DOWNLOADS", "")


@unittest.skipIf(not DOWNLOADS, "Apache Artemis is fetched by ./run interop")
class WithArtemis(PythonScenarios):
    @classmethod
    def make_broker(cls, folder: Path, certificates: Certificates) -> Artemis:
        return Artemis(folder, certificates, QUEUES, Path(DOWNLOADS))


# What the classes share is no test of its own.
del PythonScenarios

if __name__ == "__main__":
    unittest.main(verbosity=2)
