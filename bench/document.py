#!/usr/bin/env python3
"""Puts the results of suites into docs/performance.md, and draws their charts.

    bench/document.py SUITE...

A suite's table stands between the lines `<!-- SUITE: figures -->` and `<!-- SUITE: end -->`. It is taken from build/bench/SUITE.json,
which bench/run.py writes; the charts go to docs/images. With `python` goes python_steps.json, of bench/python_profile.py. What is said about
the figures stays as it is: look whether it still holds.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import environments
import programs
import report

PAGE = programs.ROOT / "docs" / "performance.md"


def put_table(text: str, suite: str, table: str) -> str:
    """The page with another table."""
    begin, end = f"<!-- {suite}: figures -->\n", f"<!-- {suite}: end -->\n"
    before, found, rest = text.partition(begin)
    if not found or end not in rest:
        raise SystemExit(f"document: {PAGE.name} has no place for {suite}")
    return f"{before}{begin}\n{table}\n\n{end}{rest.partition(end)[2]}"


def steps_table(path: Path) -> str:
    """Nanoseconds by step and operation."""
    table: dict[str, dict[str, float]] = json.loads(path.read_text())
    steps = dict.fromkeys(step for column in table.values() for step in column)
    lines = ["| ns a message | " + " | ".join(table) + " |", "|" + " --- |" * (len(table) + 1)]
    lines += [f"| {step} | " + " | ".join(f"{column.get(step, 0):.0f}" for column in table.values()) + " |" for step in steps]
    return "\n".join(lines)


def draw(results: list[Path], folder: Path) -> int:
    """Charts of the results, into a folder; 1 where that cannot be."""
    try:
        python = environments.plotter()
    except environments.SetupError as error:
        print(f"document: no charts: {error}", file=sys.stderr)
        return 1
    command = [str(python), str(Path(__file__).with_name("plot.py")), *map(str, results), "--out", str(folder)]
    return subprocess.run(command, check=False).returncode


def main() -> int:
    """The suites that are named."""
    parser = argparse.ArgumentParser(description="Put results into docs/performance.md.")
    parser.add_argument("suites", nargs="+", metavar="SUITE")
    results = [programs.DEFAULT_BUILD_DIR / f"{suite}.json" for suite in parser.parse_args().suites]
    text = PAGE.read_text()
    for path in results:
        text = put_table(text, path.stem, report.to_markdown(report.read_json(path)))
        steps = path.with_name(f"{path.stem}_steps.json")
        if steps.exists():
            text = put_table(text, steps.stem, steps_table(steps))
    PAGE.write_text(text)
    return draw(results, PAGE.parent / "images")


if __name__ == "__main__":
    sys.exit(main())
