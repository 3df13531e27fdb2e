#!/usr/bin/env python3
"""Draws the results of suites as bar charts, PNG and SVG.

    bench/plot.py RESULTS.json... [--out FOLDER]

RESULTS.json is what bench/run.py writes. Each becomes FOLDER/NAME.png and FOLDER/NAME.svg: one panel for each unit, one group
of bars for each row, on a logarithmic axis, because the rows of a suite lie orders of magnitude apart. Rows without anybody to be
compared with are left out, as are those in which we are compared with ourselves. Behind our figure stands how many times better it is
than the peer's.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib import pyplot
from matplotlib.ticker import NullFormatter

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
MORE_IS_BETTER = ("messages/s", "messages")
ROW_INCHES = 0.42
WIDTH_INCHES = 10.0
# Text as text keeps SVG files small; the salt makes the same figures give the same files.
STYLE = {"backend": "Agg", "svg.fonttype": "none", "svg.hashsalt": "amqpcodec", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}


@dataclass(frozen=True)
class Bars:
    """One contender's bars: the key of its figure, its colour, and what the legend says where the rows name nobody."""

    key: str
    colour: str
    label: str


CONTENDERS = (
    Bars("ours", "#1b6ca8", "libamqpcodec"),
    Bars("peer", "#d9822b", "peer"),
    Bars("second", "#8b6fb0", "second peer"),
    Bars("limit", "#b8bec5", "limit"),
)


def is_drawn(row: dict[str, Any]) -> bool:
    """Whether the row compares us with anybody else."""
    others = [row["peer_name"], row["limit_name"]]
    return bool(row["ours"]) and any(name and not name.startswith("our own") for name in others)


def panels_of(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """The rows that are drawn, by unit, in order."""
    panels: dict[str, list[dict[str, Any]]] = {}
    for row in filter(is_drawn, rows):
        panels.setdefault(row["unit"], []).append(row)
    return panels


def direction(unit: str) -> str:
    """What a reader has to know of a unit."""
    return "more is better" if unit.endswith(MORE_IS_BETTER) else "less is better"


def number(value: float) -> str:
    """Three significant digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def better(row: dict[str, Any]) -> str:
    """How many times better than the peer, where there is one."""
    return f"   {row['ratio_to_peer']:.1f}x" if row["ratio_to_peer"] else ""


def draw_bars(axes: Any, rows: list[dict[str, Any]], bars: Bars, place: float, height: float) -> None:
    """One contender's bars, with minimum and maximum as a whisker, and the figure behind each. place: of the row's middle."""
    for index, row in enumerate(rows):
        value = row.get(bars.key)
        if not value or (bars.key == "limit" and row["limit_name"].startswith("our own")):
            continue
        y = index + place
        axes.barh(y, value, height, color=bars.colour, label=bars.label)
        axes.plot([row[f"{bars.key}_min"], row[f"{bars.key}_max"]], [y, y], color="#333333", linewidth=0.8)
        text = number(value) + (better(row) if bars.key == "ours" else "")
        axes.annotate(text, (row[f"{bars.key}_max"], y), (4, 0), textcoords="offset points", va="center", fontsize=7)


def draw_panel(axes: Any, unit: str, rows: list[dict[str, Any]]) -> None:
    """One unit."""
    shown = [bars for bars in CONTENDERS if any(row.get(bars.key) for row in rows)]
    for place, bars in enumerate(shown):
        draw_bars(axes, rows, bars, (place - (len(shown) - 1) / 2) * 0.8 / len(shown), 0.8 / len(shown))
    axes.set_xscale("log")
    values = [row[bars.key] for row in rows for bars in shown if row[bars.key]]
    axes.set_xlim(min(values) / 3, max(values) * 3)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,g}")
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_yticks(range(len(rows)), [row["name"] for row in rows])
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_title(f"{unit} ({direction(unit)}, logarithmic)", loc="left", fontsize=9, fontweight="bold")
    axes.grid(axis="x", color="#e4e7ea", linewidth=0.6)
    axes.set_axisbelow(True)


def legend_of(figure: Any, rows: list[dict[str, Any]]) -> None:
    """Who is who: the names are in the rows."""
    names = {
        "ours": "libamqpcodec",
        "peer": "; ".join(sorted({row["peer_name"] for row in rows if row["peer"] and row["peer_name"]})),
        "second": "; ".join(sorted({row["second_name"] for row in rows if row.get("second") and row["second_name"]})),
        "limit": "limit: " + "; ".join(sorted({row["limit_name"] for row in rows if row["limit"] and row["limit_name"]})),
    }
    handles = [pyplot.Rectangle((0, 0), 1, 1, color=bars.colour) for bars in CONTENDERS]
    labels = [names[bars.key] for bars in CONTENDERS]
    shown = [(handle, label) for handle, label in zip(handles, labels) if label and label != "limit: "]
    figure.legend(*zip(*shown), loc="outside lower left", fontsize=8, frameon=False)


def draw(rows: list[dict[str, Any]], name: str, folder: Path) -> None:
    """One suite: a PNG and an SVG."""
    panels = panels_of(rows)
    if not panels:
        print(f"plot: nothing to draw of {name}", file=sys.stderr)
        return
    heights = [len(group) for group in panels.values()]
    size = (WIDTH_INCHES, ROW_INCHES * sum(heights) + 0.6 * len(heights) + 0.8)
    figure, axes = pyplot.subplots(len(panels), 1, figsize=size, height_ratios=heights, layout="constrained", squeeze=False)
    for (unit, group), one in zip(panels.items(), axes[:, 0]):
        draw_panel(one, unit, group)
    legend_of(figure, [row for group in panels.values() for row in group])
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / f"{name}.png", dpi=100, metadata={"Software": None})
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    pyplot.close(figure)
    print(f"plot: {folder / name}.png, .svg")


def main() -> int:
    """Draws each file of results."""
    parser = argparse.ArgumentParser(description="Draw results of bench/run.py.")
    parser.add_argument("results", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, default=IMAGES)
    arguments = parser.parse_args()
    pyplot.rcParams.update(STYLE)
    for path in arguments.results:
        draw(json.loads(path.read_text()), path.stem, arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
