"""The suite `python`: the package amqpcodec by CPython and PyPy, against pyamqp and Proton's binding, and the C client."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from pathlib import Path

import programs
import python_profile
from python_cases import (
    C_CLIENT,
    CASES,
    CPYTHON,
    GROWTH_BYTES_MAX,
    IMPORT_MS_MAX,
    IMPORTS,
    INTERPRETERS,
    MEMORY_COUNTS,
    OURS,
    PROTON,
    PYAMQP,
    Case,
)
from python_contenders import PROGRAMS, Contender, Turns, placed, prepare_all
from report import Row, Spread, number
from rounds import Measured

PYAMQP_NAME = "pyamqp, the stack inside azure-eventhub"
PROTON_NAME = "Qpid Proton's Python binding"
C_CLIENT_NAME = "the C client"
UNITS = {True: "thousand messages/s", False: "us/message"}
# What is to be received for the row of memory. It is not among the cases: it takes long, and one round tells.
MEMORY = Case("memory", "memory growth while B is received, settled", {}, peer="source", kind="B")


def key_of(case: str, interpreter: str) -> str:
    """What the times of a case are kept under."""
    return f"{case}:{interpreter}"


class Suite:
    """The rounds: every case of every contender in turn, in changing order."""

    def __init__(self, build_dir: Path, contenders: list[Contender], seconds: float) -> None:
        self.contenders = contenders
        self.seconds = seconds
        self.turns = Turns(build_dir / "bench" / "python_peer", programs.DEFAULT_BUILD_DIR)
        self.measured = Measured(tuple(PROGRAMS))

    def count(self, contender: Contender, case: Case) -> int:
        """How many messages, of whole batches and credits."""
        rate = case.rates[contender.name][contender.interpreter != CPYTHON]
        return max(int(rate * 1000 * self.seconds) // 1024, 1) * 1024

    def time_once(self, contender: Contender, case: Case) -> None:
        """One turn; the first failure ends the contender's part in the case."""
        key = (contender.name, key_of(case.name, contender.interpreter))
        if contender.name not in case.rates or key in self.measured.failures:
            return
        try:
            result = self.turns.run(contender, case, self.count(contender, case))
        except programs.ProgramError as error:
            self.measured.failures[key] = str(error)
            self.measured.times.pop(key, None)
            return
        self.measured.times.setdefault(key, []).append(result["seconds"] / result["messages"] * 1e9)

    def measure(self, rounds: int) -> None:
        """All rounds."""
        for turn in range(rounds):
            order = self.contenders if turn % 2 == 0 else self.contenders[::-1]
            for case in CASES:
                for contender in order:
                    self.time_once(contender, case)
            print(f"bench: round {turn + 1} of {rounds}", file=sys.stderr)

    def growth(self, contender: Contender, count: int) -> Spread | str:
        """Bytes for a message that stay, of one long run; why not, where that cannot be said."""
        try:
            result = self.turns.run(contender, MEMORY, count)
        except programs.ProgramError as error:
            return str(error)
        grown = (result["resident_after"] - result["resident_before"]) / (count * 0.7)
        return Spread(grown, grown, grown)


# --- Rows.


def in_unit(spread: Spread | None, as_rate: bool) -> Spread | None:
    """Nanoseconds a message as thousand messages a second, or microseconds a message."""
    if spread is None:
        return None
    if as_rate:
        return Spread(1e6 / spread.median, 1e6 / spread.maximum, 1e6 / spread.minimum)
    return Spread(spread.median / 1e3, spread.minimum / 1e3, spread.maximum / 1e3)


def asked_of(case: Case, index: int) -> str:
    """The bar in words."""
    parts = []
    if case.faster is not None:
        parts.append(f"{case.faster[index]:g}x faster than pyamqp or better")
    if case.of_limit is not None:
        parts.append(f"within {case.of_limit:g}x of the C client")
    if case.at_least is not None:
        parts.append(f"{case.at_least:g} or more")
    return "; ".join(parts)


def case_row(case: Case, interpreter: str, measured: Measured) -> Row:
    """One row of a case."""
    index = INTERPRETERS.index(interpreter)
    key, against = key_of(case.name, interpreter), key_of(case.against or case.name, interpreter)
    ours, limit = measured.spread(OURS, key), measured.spread(C_CLIENT, key)
    peer, second = measured.spread(PYAMQP, against), measured.spread(PROTON, against)
    to_peer = measured.ratios((PYAMQP, against), (OURS, key))
    to_limit = measured.ratios((OURS, key), (C_CLIENT, key))
    fast = case.faster is None or (to_peer is not None and to_peer.median >= case.faster[index])
    near = case.of_limit is None or (to_limit is not None and to_limit.median <= case.of_limit)
    enough = case.at_least is None or (ours is not None and 1e6 / ours.median >= case.at_least)
    asked = asked_of(case, index)
    notes = [f"{name}: {why}" for (name, of), why in measured.failures.items() if of in (key, against)]
    same = in_unit(measured.spread(PYAMQP, key), case.as_rate)
    if against != key and same is not None:
        notes.append(f"compared with pyamqp's {case.against}; doing the same, it has {number(same.median)} {UNITS[case.as_rate]}")
    return Row(
        name=f"{case.title}, {interpreter_name(interpreter)}",
        unit=UNITS[case.as_rate],
        ours=in_unit(ours, case.as_rate),
        ours_static=None,
        peer=in_unit(peer, case.as_rate),
        peer_name=PYAMQP_NAME if peer else None,
        limit=in_unit(limit, case.as_rate),
        limit_name=C_CLIENT_NAME if limit else None,
        ratio_to_peer=to_peer,
        ratio_to_limit=to_limit,
        asked=asked,
        holds=(ours is not None and fast and near and enough) if asked else None,
        note="; ".join(notes),
        second=in_unit(second, case.as_rate),
        second_name=PROTON_NAME if second else None,
        ratio_to_second=measured.ratios((PROTON, against), (OURS, key)),
    )


def interpreter_name(interpreter: str) -> str:
    """For people."""
    return "CPython" if interpreter == CPYTHON else "PyPy"


def plain_row(name: str, unit: str, found: dict[str, Spread | str], asked: str, maximum: float) -> Row:
    """A row of any figure of which less is better, and whose bar is a figure."""
    spreads = {contender: figure for contender, figure in found.items() if isinstance(figure, Spread)}
    ours = spreads.get(OURS)
    return Row(
        name=name,
        unit=unit,
        ours=ours,
        ours_static=None,
        peer=spreads.get(PYAMQP),
        peer_name=PYAMQP_NAME if PYAMQP in spreads else None,
        limit=None,
        limit_name=None,
        ratio_to_peer=None,
        ratio_to_limit=None,
        asked=asked,
        holds=ours is not None and ours.median <= maximum,
        note="; ".join(f"{contender}: {why}" for contender, why in found.items() if isinstance(why, str)),
        second=spreads.get(PROTON),
        second_name=PROTON_NAME if PROTON in spreads else None,
    )


def memory_rows(suite: Suite, quick: bool) -> list[Row]:
    """What stays of messages that were received and dropped."""
    rows = []
    for interpreter in INTERPRETERS:
        found: dict[str, Spread | str] = {}
        for contender in suite.contenders:
            if contender.interpreter == interpreter and contender.name in MEMORY_COUNTS:
                count = MEMORY_COUNTS[contender.name] // (10 if quick else 1)
                found[contender.name] = suite.growth(contender, count // 1024 * 1024)
        count = MEMORY_COUNTS[OURS] // (10 if quick else 1)
        name = f"memory that stays, of {count // 1_000_000} million B received, {interpreter_name(interpreter)}"
        rows.append(plain_row(name, "B/message", found, f"none: under {GROWTH_BYTES_MAX:g}", GROWTH_BYTES_MAX))
        print(f"bench: memory, {interpreter}", file=sys.stderr)
    return rows


def start_seconds(contender: Contender, statement: str) -> float:
    """How long an interpreter takes to start and run a statement."""
    started = time.perf_counter()
    subprocess.run([*placed(1), str(contender.python), "-c", statement], env=contender.environment(), check=True, capture_output=True)
    return time.perf_counter() - started


def import_rows(suite: Suite, rounds: int) -> list[Row]:
    """What importing costs beyond the interpreter's start, in pairs."""
    rows = []
    for interpreter in INTERPRETERS:
        found: dict[str, Spread | str] = {}
        for contender in suite.contenders:
            if contender.interpreter == interpreter and contender.name in IMPORTS:
                statement = IMPORTS[contender.name]
                start_seconds(contender, statement)  # compiles what is imported
                pairs = [start_seconds(contender, statement) - start_seconds(contender, "pass") for _ in range(rounds)]
                found[contender.name] = Spread(statistics.median(pairs) * 1e3, min(pairs) * 1e3, max(pairs) * 1e3)
        most = IMPORT_MS_MAX[interpreter]
        rows.append(plain_row(f"import, {interpreter_name(interpreter)}", "ms", found, f"under {most}", most))
    return rows


def write_profile(suite: Suite) -> None:
    """Where the time of our messages goes, by CPython, where there is perf."""
    contender = next((c for c in suite.contenders if (c.name, c.interpreter) == (OURS, CPYTHON)), None)
    if contender is None or not python_profile.is_possible():
        return
    try:
        python_profile.write_steps(suite.turns, contender, python_profile.OPERATIONS, python_profile.JSON)
    except programs.ProgramError as error:
        print(f"bench: no profile: {error}", file=sys.stderr)


def run(build_dir: Path, quick: bool) -> tuple[list[Row], bool]:
    """Runs the suite: about ten minutes, or three. Tells besides whether ours ran everywhere."""
    contenders, missing = prepare_all()
    for line in missing:
        print(f"bench: {line}", file=sys.stderr)
    suite = Suite(build_dir, contenders, 0.3 if quick else 0.6)
    suite.measure(2 if quick else 5)
    suite.measured.print_failures()
    present = [interpreter for interpreter in INTERPRETERS if any(c.interpreter == interpreter and c.name == OURS for c in contenders)]
    rows = [case_row(case, interpreter, suite.measured) for case in CASES for interpreter in present]
    rows += memory_rows(suite, quick)
    rows += import_rows(suite, 5 if quick else 15)
    if not quick:
        write_profile(suite)
    ran = present == list(INTERPRETERS) and not any(name == OURS for name, _ in suite.measured.failures)
    return rows, ran
