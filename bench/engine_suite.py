"""The suite `engine`: two connections in memory, both ends in one thread, against Proton's connection driver."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import callgrind
import programs
import rounds
from report import Row, Spread
from rounds import Measured

OURS = "ours"
OURS_STATIC = "ours_static"
PROTON = "proton"
CONTENDERS = (PROTON, OURS, OURS_STATIC)
PROTON_NAME = "Qpid Proton C's connection driver, shared library"

# How far two counts of instructions may be apart that are to be the same whatever else is there.
FLAT = 1.1


@dataclass(frozen=True)
class TimeBar:
    """A row of time: how many times faster than Proton we must be."""

    operation: str
    name: str
    faster: float


@dataclass(frozen=True)
class MemoryBar:
    """A row of live memory: most bytes, for one and one end, beside the payload."""

    thing: str
    name: str
    limit: float
    asked: str
    peer_thing: str


@dataclass(frozen=True)
class ScalingBar:
    """Rows of instructions, beside `numbers` of something; the first is what the others are compared with."""

    kind: str
    name: str
    numbers: tuple[int, ...] = (1, 100, 10000)


TIME_BARS = (
    TimeBar("send_100B_settled", "100 B, settled, window 1000", 6.0),
    TimeBar("send_100B_unsettled", "100 B, unsettled, accepted, window 1000", 6.0),
    TimeBar("send_1024B_settled", "1 KiB, settled, window 400", 5.0),
    TimeBar("send_1024B_unsettled", "1 KiB, unsettled, accepted, window 400", 5.0),
    TimeBar("send_B_1179B_settled", "message B, fill, encode, decode, read, settled", 6.0),
    TimeBar("send_65536B_settled", "64 KiB, settled, window 16", 3.0),
)

BESIDE_PAYLOAD = "100 B an end or less beside the payload"
MEMORY_BARS = (
    MemoryBar("idle_connection", "idle open connection", 4096, "4 KB or less", "idle_connection"),
    MemoryBar("session", "session", 512, "512 B or less", "session"),
    MemoryBar("link", "link", 512, "512 B or less", "link"),
    MemoryBar(
        "unsettled_delivery_105B",
        "unsettled delivery, 105 B, its view kept",
        100,
        BESIDE_PAYLOAD,
        "unsettled_delivery_105B",
    ),
    MemoryBar(
        "unsettled_delivery_105B_released",
        "unsettled delivery, 105 B, its view released",
        100,
        BESIDE_PAYLOAD,
        "unsettled_delivery_105B",
    ),
)

SCALING_BARS = (
    ScalingBar("link", "a message beside {} links"),
    ScalingBar("session", "a message beside {} sessions"),
    ScalingBar("unsettled", "a message beside {} unsettled deliveries"),
    ScalingBar("settle_one", "settling one of {} unsettled deliveries"),
    ScalingBar("settle_wide", "settling 64 deliveries among {} numbers, for one", (64, 100, 10000)),
)


def program(build_dir: Path, what: str, contender: str) -> Path:
    """The program that times a contender, or counts what it allocates: what is "bench" or "memory"."""
    return build_dir / "bench" / f"engine_{what}_{contender}"


def time_row(bar: TimeBar, measured: Measured) -> Row:
    """A row of nanoseconds for one message, both ends together."""
    peer = measured.spread(PROTON, bar.operation)
    ratio = measured.ratios((PROTON, bar.operation), (OURS, bar.operation))
    wrong = measured.wrong_work(bar.operation)
    note = wrong or ("the peer cannot run" if peer is None else "")
    return Row(
        name=bar.name,
        unit="ns/message",
        ours=measured.spread(OURS, bar.operation),
        ours_static=measured.spread(OURS_STATIC, bar.operation),
        peer=peer,
        peer_name=PROTON_NAME if peer is not None else None,
        limit=None,
        limit_name=None,
        ratio_to_peer=ratio,
        ratio_to_limit=None,
        asked=f"{bar.faster:.0f}x faster or better",
        holds=ratio is not None and ratio.median >= bar.faster and not wrong,
        note=note,
    )


def counted_lines(build_dir: Path, contender: str, what: str) -> dict[str, list[float]]:
    """The figures behind each name that a contender's counting program prints; nothing where it cannot run."""
    counter = program(build_dir, "memory", contender)
    if not counter.exists():
        return {}
    try:
        text = programs.run_text([counter, what], {"LD_PRELOAD": str(build_dir / "bench" / "count_mallocs.so")})
    except programs.ProgramError as error:
        print(f"bench: {error}", file=sys.stderr)
        return {}
    lines = (line.split() for line in text.splitlines())
    return {name: [float(figure) for figure in figures] for name, *figures in lines}


def one_figure(figure: float | None) -> Spread | None:
    """A figure that is the same each time."""
    return None if figure is None else Spread.of([figure])


def count_row(name: str, unit: str, figures: dict[str, float | None], asked: str, most: float) -> Row:
    """A row of what is counted for each contender, of which less is better, and `most` the most that is allowed."""
    ours, peer = figures[OURS], figures[PROTON]
    ratio = peer / ours if ours and peer else None
    return Row(
        name=name,
        unit=unit,
        ours=one_figure(ours),
        ours_static=one_figure(figures[OURS_STATIC]),
        peer=one_figure(peer),
        peer_name=PROTON_NAME if peer is not None else None,
        limit=None,
        limit_name=None,
        ratio_to_peer=one_figure(ratio),
        ratio_to_limit=None,
        asked=asked,
        holds=ours is not None and ours <= most,
    )


def malloc_rows(build_dir: Path) -> list[Row]:
    """Calls of malloc for one message, both ends together."""
    counted = {contender: counted_lines(build_dir, contender, "mallocs") for contender in CONTENDERS}
    rows = []
    for bar in TIME_BARS:
        figures = {c: counted[c][bar.operation][0] if bar.operation in counted[c] else None for c in CONTENDERS}
        rows.append(count_row(f"mallocs: {bar.name}", "mallocs/message", figures, "none", 0.0))
    return rows


def memory_rows(build_dir: Path) -> list[Row]:
    """Live bytes of malloc for one thing at one end, beside the payload."""
    counted = {contender: counted_lines(build_dir, contender, "live") for contender in CONTENDERS}
    rows = []
    for bar in MEMORY_BARS:
        figures: dict[str, float | None] = {}
        for contender in CONTENDERS:
            thing = bar.peer_thing if contender == PROTON else bar.thing
            found = counted[contender].get(thing)
            figures[contender] = None if found is None else (found[0] - found[1]) / 2
        rows.append(count_row(f"memory: {bar.name}", "B, one end", figures, bar.asked, bar.limit))
    return rows


def scaling_rows(build_dir: Path) -> list[Row]:
    """Instructions, whatever else is there: of ours only."""
    try:
        counted = callgrind.count(build_dir / "bench" / "engine_scaling", "instructions")
    except callgrind.CallgrindError as error:
        print(f"bench: {error}", file=sys.stderr)
        counted = {}
    rows = []
    for bar in SCALING_BARS:
        fewest = counted.get(f"{bar.kind}_{bar.numbers[0]}")
        for number in bar.numbers:
            count = counted.get(f"{bar.kind}_{number}")
            ratio = count / fewest if count and fewest else None
            rows.append(
                Row(
                    name=bar.name.format(number),
                    unit="instructions",
                    ours=one_figure(count),
                    ours_static=None,
                    peer=None,
                    peer_name=None,
                    limit=one_figure(fewest),
                    limit_name="our own, beside the fewest",
                    ratio_to_peer=None,
                    ratio_to_limit=one_figure(ratio),
                    asked=f"the same whatever the number: within {FLAT}x",
                    holds=ratio is not None and ratio <= FLAT,
                )
            )
    return rows


def run(build_dir: Path, quick: bool) -> tuple[list[Row], bool]:
    """Measures the suite; also tells whether our own programs ran."""
    contenders = {contender: program(build_dir, "bench", contender) for contender in CONTENDERS}
    length = rounds.Rounds(7, 0.05) if quick else rounds.Rounds(15, 0.15)
    measured = rounds.measure(contenders, [bar.operation for bar in TIME_BARS], length)
    rows = [time_row(bar, measured) for bar in TIME_BARS]
    rows += malloc_rows(build_dir)
    rows += memory_rows(build_dir)
    rows += scaling_rows(build_dir)
    measured.print_failures()
    ran = all(row.ours is not None for row in rows)
    return rows, ran
