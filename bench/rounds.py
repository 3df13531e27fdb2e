"""Rounds of timing: each operation by each contender in turn, in changing order, and what they gave."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import programs
from report import Spread


@dataclass
class Measured:
    """All that the rounds gave.

    contenders  in the order of the first round
    times       by contender and operation: nanoseconds, one for each round
    checksums   by contender and operation
    failures    by contender and operation: what went wrong
    """

    contenders: tuple[str, ...]
    times: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    checksums: dict[tuple[str, str], str] = field(default_factory=dict)
    failures: dict[tuple[str, str], str] = field(default_factory=dict)

    def spread(self, contender: str, operation: str) -> Spread | None:
        """What the contender took, or None where it does not do the operation, or failed."""
        values = self.times.get((contender, operation))
        return Spread.of(values) if values else None

    def ratios(self, over: tuple[str, str], under: tuple[str, str]) -> Spread | None:
        """One operation's time over another's, pair by pair of one round."""
        above = self.times.get(over)
        below = self.times.get(under)
        if not above or not below:
            return None
        return Spread.of([a / b for a, b in zip(above, below)])

    def wrong_work(self, operation: str) -> str:
        """Why the contenders' work on an operation cannot be compared; empty where it can."""
        for contender in self.contenders:
            failure = self.failures.get((contender, operation))
            if failure is not None:
                return failure
        sums = {c: self.checksums[(c, operation)] for c in self.contenders if (c, operation) in self.checksums}
        if len(set(sums.values())) > 1:
            return f"checksums differ: {sums}"
        return ""

    def print_failures(self) -> None:
        """Tells what went wrong."""
        for (contender, operation), failure in self.failures.items():
            print(f"bench: {contender}, {operation}: {failure}", file=sys.stderr)


@dataclass(frozen=True)
class Rounds:
    """How often, and how long at least each time."""

    count: int
    seconds: float


def time_once(measured: Measured, program: Path, key: tuple[str, str], seconds: float) -> None:
    """Times one operation of one contender; the first failure of a pair ends it."""
    try:
        timing = programs.time_benchmark(program, key[1], seconds)
    except programs.ProgramError as error:
        measured.failures[key] = str(error)
        measured.times.pop(key, None)
        return
    measured.times.setdefault(key, []).append(timing.nanoseconds)
    measured.checksums[key] = timing.checksum


def measure(contenders: dict[str, Path], operations: Sequence[str], rounds: Rounds) -> Measured:
    """Runs the rounds. contenders: the program of each; one that does not exist has no operations."""
    measured = Measured(tuple(contenders))
    has: dict[str, set[str]] = {}
    for contender, program in contenders.items():
        try:
            has[contender] = programs.list_benchmarks(program)
        except programs.ProgramError as error:
            has[contender] = set()
            print(f"bench: {error}", file=sys.stderr)
    for number in range(rounds.count):
        order = measured.contenders if number % 2 == 0 else tuple(reversed(measured.contenders))
        for operation in operations:
            for contender in order:
                key = (contender, operation)
                if operation in has[contender] and key not in measured.failures:
                    time_once(measured, contenders[contender], key, rounds.seconds)
        print(f"bench: round {number + 1} of {rounds.count}", file=sys.stderr)
    return measured
