#!/usr/bin/env python3
"""Holds the library to its budgets: instructions per operation, counted by callgrind.

    bench/budget.py check [--build-dir DIR]    fails where an operation takes 3% more than its budget
    bench/budget.py renew [--build-dir DIR]    writes what was counted as the new budgets

Budgets are kept for each compiler, C library and architecture; for others `check` only reports. See docs/budgets.md.
"""

from __future__ import annotations

import argparse
import json
import platform
import re
import sys
from pathlib import Path

import callgrind
import programs

BUDGETS = Path(__file__).resolve().parent / "budgets"
TOLERANCE = 0.03
# Names of operations do not repeat among them.
PROGRAMS = ("codec_count_ours", "engine_count_ours", "crossing_count")


def cached(build_dir: Path, name: str) -> str:
    """A variable of the build's CMake cache."""
    text = (build_dir / "CMakeCache.txt").read_text()
    found = re.search(rf"^{name}:[A-Z]+=(.*)$", text, re.MULTILINE)
    if found is None:
        raise SystemExit(f"budget: {name} is not in {build_dir}/CMakeCache.txt")
    return found.group(1)


def compiler_version(compiler: str) -> str:
    """The compiler's name and version, such as gcc-12.2.0."""
    text = programs.run_text([compiler, "--version"])
    name = "clang" if "clang" in text else "gcc"
    found = re.search(r"\d+\.\d+\.\d+", text)
    return f"{name}-{found.group(0) if found else 'unknown'}"


def machine_key(build_dir: Path) -> str:
    """What the counts depend on besides our code: compiler, C library and architecture."""
    compiler = compiler_version(cached(build_dir, "CMAKE_C_COMPILER"))
    libc = "-".join(platform.libc_ver()) or "unknown"
    return f"{compiler}_{libc}_{platform.machine()}"


def count(build_dir: Path) -> dict[str, float]:
    """Instructions for one operation, the mean over the variants of its input."""
    counted: dict[str, float] = {}
    for program in PROGRAMS:
        try:
            counted.update(callgrind.count(build_dir / "bench" / program, "instructions"))
        except callgrind.CallgrindError as error:
            raise SystemExit(f"budget: {error}") from None
    return dict(sorted(counted.items()))


def change(counted: float, budget: float) -> str:
    """How far from the budget, in percent."""
    percent = round((counted / budget - 1) * 100, 1)
    return f"{percent + 0.0:+.1f}%"


def verdict(counted: float | None, budget: float | None) -> tuple[str, bool]:
    """What to say of an operation, and whether it passes."""
    if counted is None:
        return "is no more: renew", False
    if budget is None:
        return "has no budget: renew", False
    if counted > budget * (1 + TOLERANCE):
        return f"{change(counted, budget)} OVER BUDGET", False
    return change(counted, budget), True


def print_table(counted: dict[str, float], budgets: dict[str, float]) -> bool:
    """Prints each operation with its budget; tells whether all pass."""
    names = sorted({*counted, *budgets})
    width = max(len(name) for name in names)
    passes = True
    print(f"{'instructions per operation':{width}}  {'counted':>10}  {'budget':>10}")
    for name in names:
        words, passed = verdict(counted.get(name), budgets.get(name))
        shown = [f"{table[name]:.1f}" if name in table else "-" for table in (counted, budgets)]
        print(f"{name:{width}}  {shown[0]:>10}  {shown[1]:>10}  {words if budgets else ''}".rstrip())
        passes = passes and passed
    return passes


def check(build_dir: Path, path: Path) -> int:
    """Compares with the budgets of this machine, if there are any."""
    counted = count(build_dir)
    if not path.exists():
        print_table(counted, {})
        print(f"budget: no budgets for {path.stem}; nothing is checked")
        return 0
    if print_table(counted, json.loads(path.read_text())):
        return 0
    print(f"budget: over the budgets of {path.stem}; docs/budgets.md says what to do", file=sys.stderr)
    return 1


def renew(build_dir: Path, path: Path) -> int:
    """Writes what is counted now, and shows what changed."""
    counted = count(build_dir)
    print_table(counted, json.loads(path.read_text()) if path.exists() else {})
    path.parent.mkdir(exist_ok=True)
    rounded = {name: round(value, 1) for name, value in counted.items()}
    path.write_text(json.dumps(rounded, indent=2) + "\n")
    print(f"budget: wrote {path.relative_to(programs.ROOT)}; say why in the commit message")
    return 0


def main() -> int:
    """Builds what is needed, counts, and checks or renews."""
    parser = argparse.ArgumentParser(description="Check or renew the budgets of instructions.")
    parser.add_argument("action", choices=("check", "renew"))
    parser.add_argument("--build-dir", type=Path, default=programs.DEFAULT_BUILD_DIR)
    arguments = parser.parse_args()
    build_dir = arguments.build_dir.resolve()
    programs.build(build_dir, *PROGRAMS)
    path = BUDGETS / f"{machine_key(build_dir)}.json"
    return check(build_dir, path) if arguments.action == "check" else renew(build_dir, path)


if __name__ == "__main__":
    sys.exit(main())
