"""What all tests of the package share."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import hypothesis

# The binding's own build scripts are tested, too.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

# The same examples each time, so that what a change broke is that change's; no limits in time, because machines are busy.
_CHECKS = list(hypothesis.HealthCheck)
hypothesis.settings.register_profile("full", max_examples=200, deadline=None, derandomize=True, suppress_health_check=_CHECKS)
hypothesis.settings.register_profile("quick", max_examples=30, deadline=None, derandomize=True, suppress_health_check=_CHECKS)
hypothesis.settings.load_profile(os.environ.get("AMQPCODEC_TEST_PROFILE", "full"))
