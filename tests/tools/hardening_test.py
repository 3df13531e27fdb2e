"""The tool is hardened as Debian asks for it (hardening-check of devscripts).

Control flow integrity is a mark of the whole program, which the C library's start-up objects take away where they lack it (Debian 12):
there our own code is looked at instead.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import unittest

TOOL = os.environ["AMQPCODEC_TOOL"]


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


@unittest.skipIf(shutil.which("hardening-check") is None, "hardening-check is not installed")
class Hardening(unittest.TestCase):
    def test_every_check_passes(self) -> None:
        lines = [line.strip() for line in output("hardening-check", TOOL).splitlines()]
        for name in ("Position Independent Executable: yes", "Stack protected: yes", "Fortify Source functions: yes",
                     "Read-only relocations: yes", "Immediate binding: yes"):
            self.assertTrue(any(line.startswith(name) for line in lines), f"{name} is not in {lines}")
        self.assertFalse([line for line in lines if ": no" in line and not line.startswith("Control flow integrity")])

    def test_control_flow_integrity(self) -> None:
        if os.uname().machine != "x86_64":
            self.skipTest("only x86-64 has it")
        start_up = output("cc", "-print-file-name=Scrt1.o").strip()
        if "IBT" in output("readelf", "-n", start_up):
            self.assertIn("Control flow integrity: yes", output("hardening-check", TOOL))
        else:
            # Every function whose address is taken begins with this instruction, and the words are called by theirs.
            self.assertRegex(output("objdump", "-d", TOOL), r"<dump_command>:\n.*endbr64")


if __name__ == "__main__":
    unittest.main(verbosity=2)
