"""Rows of results: as a table for people, as Markdown for docs, and as JSON for programs."""

from __future__ import annotations

import json
import statistics
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Spread:
    """What several rounds gave: median, minimum and maximum."""

    median: float
    minimum: float
    maximum: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """The spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values))


@dataclass(frozen=True)
class Row:
    """One line of a suite's table. What does not apply is None.

    peer            another implementation, named by peer_name
    limit           what bounds us, or what the bar compares with, named by limit_name
    ratio_to_peer   how many times better than the peer we are, of pairs from one round: more is better
    ratio_to_limit  how many times the limit's time we take, of pairs from one round: less is better
    asked           the bar, in the issue's words; empty where none was set
    holds           whether the medians meet it
    note            why a figure is missing, or is not what one would expect
    second          one more implementation, named by second_name; ratio_to_second as ratio_to_peer
    """

    name: str
    unit: str
    ours: Spread | None
    ours_static: Spread | None
    peer: Spread | None
    peer_name: str | None
    limit: Spread | None
    limit_name: str | None
    ratio_to_peer: Spread | None
    ratio_to_limit: Spread | None
    asked: str
    holds: bool | None
    note: str = ""
    second: Spread | None = None
    second_name: str | None = None
    ratio_to_second: Spread | None = None


SPREADS = ("ours", "ours_static", "peer", "second", "limit", "ratio_to_peer", "ratio_to_second", "ratio_to_limit")
TEXTS = ("name", "unit", "peer_name", "second_name", "limit_name", "asked", "holds", "note")


def to_json(row: Row) -> dict[str, object]:
    """The row as docs/performance.md describes it; figures are medians, with minimum and maximum beside them."""
    document: dict[str, object] = {"name": row.name, "unit": row.unit}
    for key in SPREADS:
        spread: Spread | None = getattr(row, key)
        document[key] = None if spread is None else round(spread.median, 3)
        document[f"{key}_min"] = None if spread is None else round(spread.minimum, 3)
        document[f"{key}_max"] = None if spread is None else round(spread.maximum, 3)
    return {**document, **{key: getattr(row, key) for key in TEXTS}}


def spread_of(document: dict[str, Any], key: str) -> Spread | None:
    """One figure of a row that to_json wrote."""
    if document.get(key) is None:
        return None
    return Spread(document[key], document[f"{key}_min"], document[f"{key}_max"])


def from_json(document: dict[str, Any]) -> Row:
    """The row that to_json wrote."""
    fields: dict[str, Any] = {key: document.get(key) for key in TEXTS}
    fields.update({key: spread_of(document, key) for key in SPREADS})
    return Row(**fields)


def read_json(path: Path) -> list[Row]:
    """The rows of a file that write_json wrote."""
    return [from_json(document) for document in json.loads(path.read_text())]


def write_json(rows: list[Row], path: Path) -> None:
    """Writes the rows, one list, for the project's other programs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([to_json(row) for row in rows], indent=2) + "\n")


HEADINGS = (
    "operation",
    "unit",
    "ours",
    "static",
    "peer",
    "second peer",
    "limit",
    "better than peer",
    "than second",
    "of limit",
    "asked",
    "holds",
)


def number(value: float) -> str:
    """Three or more significant digits, without needless ones."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def figure(spread: Spread | None) -> str:
    """A median with its range; one number where the range is nothing."""
    if spread is None:
        return "-"
    if spread.minimum == spread.maximum:
        return number(spread.median)
    return f"{number(spread.median)} [{number(spread.minimum)}-{number(spread.maximum)}]"


def ratio(spread: Spread | None) -> str:
    """A ratio with its range."""
    if spread is None:
        return "-"
    return f"{spread.median:.2f}x [{spread.minimum:.2f}-{spread.maximum:.2f}]"


def cells(row: Row) -> tuple[str, ...]:
    """The row's texts, under HEADINGS."""
    holds = "-" if row.holds is None else "yes" if row.holds else "NO"
    return (
        row.name,
        row.unit,
        figure(row.ours),
        figure(row.ours_static),
        figure(row.peer),
        figure(row.second),
        figure(row.limit),
        ratio(row.ratio_to_peer),
        ratio(row.ratio_to_second),
        ratio(row.ratio_to_limit),
        row.asked or "-",
        holds,
    )


def notes(rows: list[Row]) -> list[str]:
    """What has to be said beside the figures, each once: whom we are compared with, and each row's note."""
    lines = []
    for row in rows:
        if row.note:
            lines.append(f"{row.name}: {row.note}")
    peers = sorted({row.peer_name for row in rows if row.peer_name})
    limits = sorted({row.limit_name for row in rows if row.limit_name})
    seconds = sorted({row.second_name for row in rows if row.second_name})
    if peers:
        lines.append("peer: " + "; ".join(peers))
    if seconds:
        lines.append("second peer: " + "; ".join(seconds))
    if limits:
        lines.append("limit: " + "; ".join(limits))
    return lines


def table_of(rows: list[Row]) -> list[tuple[str, ...]]:
    """Headings and cells, without columns in which nothing stands."""
    lines = [cells(row) for row in rows]
    kept = [i for i in range(len(HEADINGS)) if any(line[i] != "-" for line in lines)]
    return [tuple(line[i] for i in kept) for line in (HEADINGS, *lines)]


def to_text(rows: list[Row]) -> str:
    """The table for a terminal."""
    table = table_of(rows)
    widths = [max(map(len, column)) for column in zip(*table)]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in table]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*lines, "", *notes(rows)])


def to_markdown(rows: list[Row]) -> str:
    """The table for docs and notes."""
    table = table_of(rows)
    lines = ["| " + " | ".join(line) + " |" for line in table]
    lines.insert(1, "|" + " --- |" * len(table[0]))
    return "\n".join([*lines, "", *(f"- {line}" for line in notes(rows))])
