#!/usr/bin/env python3
"""Runs benchmark suites: prints one table for each, writes build/bench/SUITE.json, and draws charts of it beside that.

    bench/run.py [SUITE...] [--quick] [--markdown] [--build-dir DIR]

bench/document.py puts the results into docs/performance.md. Exits with 0 when our programs ran, whether or not every bar is met; the table tells
which are not.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

import codec_suite
import document
import engine_suite
import programs
import python_suite
import report
import transport_suite

SUITES: dict[str, Callable[[Path, bool], tuple[list[report.Row], bool]]] = {
    "codec": codec_suite.run,
    "engine": engine_suite.run,
    "transport": transport_suite.run,
    "python": python_suite.run,
}


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Run benchmark suites; without a name, all of them.")
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"one of: {', '.join(SUITES)}")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: one to two minutes a suite")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--build-dir", type=Path, default=programs.DEFAULT_BUILD_DIR)
    return parser.parse_args()


def main() -> int:
    """Runs the suites that are asked for."""
    arguments = parse_arguments()
    unknown = [name for name in arguments.suites if name not in SUITES]
    if unknown:
        print(f"bench: no suite {', '.join(unknown)}; there is: {', '.join(SUITES)}", file=sys.stderr)
        return 2
    build_dir = arguments.build_dir.resolve()
    programs.build(build_dir)
    all_ran = True
    results = []
    for name in arguments.suites or SUITES:
        rows, ran = SUITES[name](build_dir, arguments.quick)
        print(report.to_markdown(rows) if arguments.markdown else report.to_text(rows))
        results.append(programs.DEFAULT_BUILD_DIR / f"{name}.json")
        report.write_json(rows, results[-1])
        all_ran = all_ran and ran
    document.draw(results, programs.DEFAULT_BUILD_DIR)
    return 0 if all_ran else 1


if __name__ == "__main__":
    sys.exit(main())
