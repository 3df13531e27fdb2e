#!/usr/bin/env python3
"""Draws what the demo measured: messages a second, a bar for each line of its table.

    chart.py RESULTS.json NAME

Writes NAME.png and NAME.svg. The axis is logarithmic: the slowest and the fastest lie far apart.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from matplotlib import pyplot

OURS, OTHERS = "#1b6ca8", "#d9822b"
STYLE = {"backend": "Agg", "svg.fonttype": "none", "svg.hashsalt": "amqpcodec", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False}
BAR_INCHES, WIDTH_INCHES = 0.34, 9.0


def colour_of(name: str) -> str:
    """Whose it is."""
    return OURS if name.startswith("C,") or "amqpcodec" in name else OTHERS


def main() -> int:
    """Draws the chart."""
    rows = json.loads(Path(sys.argv[1]).read_text())
    names = [row["name"] for row in rows]
    rates = [row["messages_per_second"] for row in rows]
    pyplot.rcParams.update(STYLE)
    figure, axes = pyplot.subplots(figsize=(WIDTH_INCHES, BAR_INCHES * len(rows) + 1.0), layout="constrained")
    axes.barh(range(len(rows)), rates, color=[colour_of(name) for name in names])
    for index, rate in enumerate(rates):
        axes.annotate(f"{rate:,.0f}", (rate, index), (4, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), names)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlim(min(rates) / 3, max(rates) * 3)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_title("100-byte messages a second, through the broker (logarithmic; more is better)", loc="left", fontsize=9, fontweight="bold")
    axes.grid(axis="x", color="#e4e7ea", linewidth=0.6)
    axes.set_axisbelow(True)
    figure.savefig(f"{sys.argv[2]}.png", dpi=110, metadata={"Software": None})
    figure.savefig(f"{sys.argv[2]}.svg", metadata={"Date": None})
    return 0


if __name__ == "__main__":
    sys.exit(main())
