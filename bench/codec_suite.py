"""The suite `codec`: values, messages and frames in memory, against Proton and against the hand-written bound."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import programs
import rounds
from report import Row, Spread
from rounds import Measured

OURS = "ours"
OURS_STATIC = "ours_static"
PROTON = "proton"
BOUND = "bound"
CONTENDERS = (PROTON, OURS, BOUND, OURS_STATIC)
PROTON_NAME = "Qpid Proton C, shared library"
BOUND_NAME = "the hand-written bound"

# Proton's scan of the same map is internal to its library: this is the figure of the issue, in nanoseconds.
PROTON_SCAN_NS = 135.0
PROTON_SCAN_NAME = "Proton's raw scan, a fixed figure: its library does not export it"


@dataclass(frozen=True)
class Bar:
    """One row, and what the issue asks of it.

    faster        how many times faster than Proton we must be
    limit         BOUND, or one of our own operations
    within        how many times the limit's time we may take
    """

    operation: str
    name: str
    asked: str
    faster: float | None = None
    limit: str | None = BOUND
    within: float | None = None


BOUND_13 = "within 1.3x of the bound (UTF-8 checked)"
BOUND_14 = "within 1.4x of the bound"
NO_DEARER = "no dearer than 1.5x the transfer's row"
PLUS_40 = "no dearer than A plus 40%"

BARS = (
    Bar("decode_A_252B", "decode and read, A, 252 B", f"5.5x faster than Proton or better; {BOUND_13}", 5.5, within=1.3),
    Bar("decode_B_1179B", "decode and read, B, 1179 B", f"5.5x faster than Proton or better; {BOUND_13}", 5.5, within=1.3),
    Bar("decode_C_297B", "decode and read, C, 297 B", f"7x faster than Proton or better; {BOUND_13}", 7.0, within=1.3),
    Bar("decode_D_65691B", "decode and read, D, 65691 B", "within 1.2x of the bound", within=1.2),
    Bar("decode_D_untouched_65691B", "decode D, body untouched", "15x faster than Proton or better (no copy)", 15.0),
    Bar("encode_A_252B", "fill and encode, A, 252 B", f"9x faster than Proton or better; {BOUND_14}", 9.0, within=1.4),
    Bar("encode_B_1179B", "fill and encode, B, 1179 B", f"9x faster than Proton or better; {BOUND_14}", 9.0, within=1.4),
    Bar("encode_C_297B", "fill and encode, C, 297 B", f"9x faster than Proton or better; {BOUND_14}", 9.0, within=1.4),
    Bar("encode_D_65691B", "fill and encode, D, 65691 B", f"3.5x faster than Proton or better; {BOUND_14}", 3.5, within=1.4),
    Bar("transfer_parse_252B", "transfer, parse, 252 B", "within 1.3x of the bound", within=1.3),
    Bar("transfer_write_252B", "transfer, write, 252 B", "within 1.3x of the bound", within=1.3),
    Bar("disposition_parse", "disposition, parse", NO_DEARER, limit="transfer_parse_252B", within=1.5),
    Bar("disposition_write", "disposition, write", NO_DEARER, limit="transfer_write_252B", within=1.5),
    Bar("flow_parse", "flow, parse", NO_DEARER, limit="transfer_parse_252B", within=1.5),
    Bar("flow_write", "flow, write", NO_DEARER, limit="transfer_write_252B", within=1.5),
    Bar("skip_map_20", "validate and skip, map of 20", "faster than Proton's scan, with full validation", 1.0, limit=None),
    Bar("decode_E_346B", "decode and read, E, 346 B", PLUS_40, limit="decode_A_252B", within=1.4),
    Bar("encode_E_346B", "fill and encode, E, 346 B", PLUS_40, limit="encode_A_252B", within=1.4),
)


def program(build_dir: Path, what: str, contender: str) -> Path:
    """The program that times or counts a contender: what is "bench" or "count"."""
    return build_dir / "bench" / f"codec_{what}_{contender}"


def meets(bar: Bar, ratio_to_peer: Spread | None, ratio_to_limit: Spread | None) -> bool:
    """Whether the medians meet the bar; a figure that is missing does not."""
    fast = bar.faster is None or (ratio_to_peer is not None and ratio_to_peer.median >= bar.faster)
    near = bar.within is None or (ratio_to_limit is not None and ratio_to_limit.median <= bar.within)
    return fast and near


def scan_row(bar: Bar, measured: Measured) -> Row:
    """The row whose peer is a fixed figure."""
    times = measured.times.get((OURS, bar.operation), [])
    ratio = Spread.of([PROTON_SCAN_NS / value for value in times]) if times else None
    tree = measured.spread(PROTON, bar.operation)
    note = measured.wrong_work(bar.operation)
    if not note and tree is not None:
        note = f"pn_data_decode, the nearest that Proton exports, builds a tree: {tree.median:.0f} ns"
    return Row(
        name=bar.name,
        unit="ns/op",
        ours=measured.spread(OURS, bar.operation),
        ours_static=measured.spread(OURS_STATIC, bar.operation),
        peer=Spread.of([PROTON_SCAN_NS]),
        peer_name=PROTON_SCAN_NAME,
        limit=None,
        limit_name=None,
        ratio_to_peer=ratio,
        ratio_to_limit=None,
        asked=bar.asked,
        holds=meets(bar, ratio, None) and not measured.wrong_work(bar.operation),
        note=note,
    )


def time_row(bar: Bar, measured: Measured) -> Row:
    """The row of an operation that is timed on all sides."""
    ours = (OURS, bar.operation)
    against_bound = bar.limit == BOUND
    limit = (BOUND, bar.operation) if bar.limit in (BOUND, None) else (OURS, str(bar.limit))
    ratio_to_peer = measured.ratios((PROTON, bar.operation), ours)
    ratio_to_limit = measured.ratios(ours, limit)
    peer = measured.spread(PROTON, bar.operation)
    note = measured.wrong_work(bar.operation)
    if not note and bar.faster is not None and peer is None:
        note = "the peer cannot run"
    if not note and not against_bound:
        bound = measured.spread(BOUND, bar.operation)
        note = "" if bound is None else f"{BOUND_NAME} takes {bound.median:.1f} ns"
    return Row(
        name=bar.name,
        unit="ns/op",
        ours=measured.spread(*ours),
        ours_static=measured.spread(OURS_STATIC, bar.operation),
        peer=peer,
        peer_name=PROTON_NAME if peer is not None else None,
        limit=measured.spread(*limit),
        limit_name=BOUND_NAME if against_bound else f"our own {bar.limit}",
        ratio_to_peer=ratio_to_peer,
        ratio_to_limit=ratio_to_limit,
        asked=bar.asked,
        holds=meets(bar, ratio_to_peer, ratio_to_limit) and not measured.wrong_work(bar.operation),
        note=note,
    )


def count_mallocs(build_dir: Path, contender: str) -> dict[str, float]:
    """Calls of malloc for each operation; nothing where the contender cannot run."""
    counter = program(build_dir, "count", contender)
    if not counter.exists():
        return {}
    try:
        text = programs.run_text(
            [counter, "mallocs"], {"LD_PRELOAD": str(build_dir / "bench" / "count_mallocs.so")}
        )
    except programs.ProgramError as error:
        print(f"bench: {error}", file=sys.stderr)
        return {}
    return {name: float(calls) for name, calls in (line.split() for line in text.splitlines())}


def malloc_rows(build_dir: Path) -> list[Row]:
    """One row for each decoding and encoding of a message."""
    ours = count_mallocs(build_dir, OURS)
    static = count_mallocs(build_dir, OURS_STATIC)
    proton = count_mallocs(build_dir, PROTON)
    rows = []
    for bar in BARS:
        if not bar.operation.startswith(("decode", "encode")):
            continue
        calls = ours.get(bar.operation)
        peer = proton.get(bar.operation)
        rows.append(
            Row(
                name=f"mallocs: {bar.name}",
                unit="mallocs/op",
                ours=None if calls is None else Spread.of([calls]),
                ours_static=Spread.of([static[bar.operation]]) if bar.operation in static else None,
                peer=None if peer is None else Spread.of([peer]),
                peer_name=None if peer is None else PROTON_NAME,
                limit=Spread.of([0.0]),
                limit_name="none at all",
                ratio_to_peer=None,
                ratio_to_limit=None,
                asked="0",
                holds=calls == 0,
            )
        )
    return rows


def run(build_dir: Path, quick: bool) -> tuple[list[Row], bool]:
    """Measures the suite; also tells whether our own programs ran."""
    contenders = {contender: program(build_dir, "bench", contender) for contender in CONTENDERS}
    length = rounds.Rounds(9, 0.02) if quick else rounds.Rounds(15, 0.05)
    measured = rounds.measure(contenders, [bar.operation for bar in BARS], length)
    rows = [scan_row(bar, measured) if bar.limit is None else time_row(bar, measured) for bar in BARS]
    rows += malloc_rows(build_dir)
    measured.print_failures()
    ran = all(row.ours is not None for row in rows)
    return rows, ran
