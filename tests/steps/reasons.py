#!/usr/bin/env python3
"""Says why a step of ./run failed: the part of its log that somebody needs who sees nothing else.

    tests/steps/reasons.py LOG

Of ctest and pytest that is what each failed test printed, cut to what can be read; of anything else the end of the log.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

TEST_LINES = 40  # of one test
STEP_LINES = 100  # of all tests of a step together, but LEAST_LINES of each
LEAST_LINES = 8
STEP_TESTS = 10
END_LINES = 60  # of a log without tests
LINE_SIZE = 300  # characters

CTEST_RESULT = re.compile(r" *\d+/\d+ Test +#\d+: ")
CTEST_FAILED = re.compile(r" *\d+/\d+ Test +#\d+: .*\*\*\*(?!Skipped|Not Run \(Disabled\))")
CTEST_OTHER = re.compile(r" +Start +\d+: |\d+% tests passed, ")
PYTEST_FAILURES = re.compile(r"=+ (FAILURES|ERRORS) =+$")
PYTEST_TEST = re.compile(r"_{3,} .* _{3,}$")
PYTEST_OTHER = re.compile(r"=+ .* =+$")
PYTEST_SUMMARY = re.compile(r"(FAILED|ERROR) \S+::")
# A sanitizer's report begins with what it found; its memory around the address tells nobody anything.
FOUND = re.compile(r"(Address|Leak|Thread|Memory)Sanitizer: |: runtime error: ")
SHADOW = re.compile(r"Shadow bytes around |(=>| +)0x[0-9a-f]+: ?[0-9a-f[ ]|Shadow byte legend|  [A-Z][A-Za-z ]+: +[0-9a-f]{2}( [0-9a-f]{2})*$")


def failed_tests(lines: list[str]) -> list[list[str]]:
    """What the log has of each failed test, title first."""
    tests: list[list[str]] = []
    inside = in_pytest = False
    for line in lines:
        if PYTEST_FAILURES.match(line):
            in_pytest, inside = True, False
        elif CTEST_FAILED.match(line) or (in_pytest and PYTEST_TEST.match(line)):
            tests.append([line])
            inside = True
        elif CTEST_RESULT.match(line) or CTEST_OTHER.match(line):
            inside = False
        elif PYTEST_OTHER.match(line) and in_pytest:
            in_pytest = inside = False
        elif inside and line.strip():
            tests[-1].append(line)
    return tests


def cut(lines: list[str], most: int) -> list[str]:
    """The last lines, and where a sanitizer found something the first of that."""
    lines = [line for line in lines if not SHADOW.match(line)]
    if len(lines) <= most:
        return lines
    found = next((index for index, line in enumerate(lines) if FOUND.search(line)), len(lines))
    first = lines[found : found + most // 2] if found < len(lines) - most else []
    return ["[...]", *first, *(["[...]"] if first else []), *lines[-(most - len(first)) :]]


def reasons(log: str) -> list[str]:
    """The lines that say why."""
    lines = log.splitlines()
    tests = failed_tests(lines)
    if not tests:
        told = cut(lines, END_LINES)
    else:
        most = max(LEAST_LINES, min(TEST_LINES, STEP_LINES // len(tests)))
        told = [line for test in tests[:STEP_TESTS] for line in (test[0], *cut(test[1:], most))]
        told += [f"and {len(tests) - STEP_TESTS} tests more"] if len(tests) > STEP_TESTS else []
        told += [line for line in lines if PYTEST_SUMMARY.match(line)][:STEP_TESTS]
    return [line if len(line) <= LINE_SIZE else line[:LINE_SIZE] + " [...]" for line in told]


def main() -> int:
    print("\n".join(reasons(Path(sys.argv[1]).read_text(errors="replace"))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
