"""Counts instructions by callgrind: of programs that dump a part for each operation that they name."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path

# glibc chooses memcpy and its like by the machine's CPU; this chooses the same on every x86-64.
BASELINE_CPU = (
    "glibc.cpu.hwcaps=-ERMS,-FSRM,-SSSE3,-AVX2,-AVX2_Usable,-AVX512F,-AVX512VL,-AVX_Fast_Unaligned_Load"
    ":glibc.cpu.x86_non_temporal_threshold=0x40000000"
    ":glibc.cpu.x86_rep_movsb_threshold=0x40000000"
)


class CallgrindError(Exception):
    """The program failed, or nothing was counted."""


def parse_part(text: str) -> tuple[str, int] | None:
    """The operation and the instructions of one part of callgrind's output; None for the part at the program's end."""
    name = re.search(r"^desc: Trigger: Client Request: (\S+)$", text, re.MULTILINE)
    total = re.search(r"^summary: (\d+)$", text, re.MULTILINE)
    return (name.group(1), int(total.group(1))) if name and total else None


def count(program: Path, *arguments: str) -> dict[str, float]:
    """Instructions of each operation, divided by the last number that the program prints: how often each was run."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["valgrind", "--quiet", "--tool=callgrind", "--collect-atstart=no"]
        command += [f"--callgrind-out-file={folder}/part", str(program), *arguments]
        environment = {**os.environ, "GLIBC_TUNABLES": BASELINE_CPU}
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise CallgrindError(f"{program.name} failed under callgrind: {result.stderr.strip()}")
        times = int(result.stdout.split()[-1])
        parts = [parse_part(path.read_text()) for path in Path(folder).glob("part.*")]
    counted = {part[0]: part[1] / times for part in parts if part is not None}
    if not counted:
        raise CallgrindError(f"{program.name}: callgrind counted nothing")
    return dict(sorted(counted.items()))
