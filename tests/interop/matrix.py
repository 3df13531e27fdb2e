"""What passed with which peer, and what peers do wrong: noted by the tests, written down by ./run interop."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

# Rows of the table, in its order.
ROWS = (
    "every type of value as body, in properties, application properties, annotations",
    "settled messages",
    "unsettled messages",
    "messages of 10 MiB",
    "accepted, rejected, released",
    "modified",
    "credit",
    "drain",
    "selectors",
    "dynamic nodes",
    "anonymous relay",
    "requests and replies",
    "TLS, with the check of the host's name",
    "SASL PLAIN",
    "SASL SCRAM",
    "SASL EXTERNAL",
    "transactions",
    "idle time-outs kept",
    "killed and started again amid unsettled sends: nothing lost",
    "failover to a second broker: nothing lost",
    "Python package: every type of value",
    "Python package: messages of 10 MiB",
    "Python package: selectors",
    "Python package: transactions",
    "Python package: TLS, SASL PLAIN and SCRAM",
    "Python package: killed and started again amid unsettled sends: nothing lost",
    "what the peer sends, through amqpcodec broker",
    "what the client sends, through amqpcodec broker",
)


@dataclass(frozen=True)
class Note:
    """One cell of the table, or, where `row` is empty, something that the peer does otherwise than the specification says."""

    peer: str
    row: str
    result: str
    text: str = ""


def note(peer: str, row: str, result: str, text: str = "") -> None:
    """Keeps it where AMQPCODEC_MATRIX says, if anywhere."""
    assert row in ROWS or not row, row
    path = os.environ.get("AMQPCODEC_MATRIX")
    if path:
        with Path(path).open("a") as file:
            file.write(json.dumps(asdict(Note(peer, row, result, text))) + "\n")


def read(path: Path) -> list[Note]:
    return [Note(**json.loads(line)) for line in path.read_text().splitlines()] if path.exists() else []


# --- The page.

FINDINGS = "\n### "


def product(peer: str) -> str:
    """Its name without the version."""
    return re.sub(r" [0-9][^ ]*$", "", peer)


def read_page(text: str) -> list[Note]:
    """What a page says that was written before: its table, and of each peer what it does otherwise, as one note."""
    table_text, *sections = text.split(FINDINGS)
    lines = [line for line in table_text.splitlines() if line.startswith("| ")]
    peers, *rows = ([cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if not line.startswith("| ---"))
    notes = []
    for row in rows:
        for peer, cell in zip(peers[1:], row[1:]):
            result, _, said = cell.partition(": ")
            if result:
                notes.append(Note(peer, row[0], result, said))
    for section in sections:
        peer, _, said = section.partition("\n")
        notes.append(Note(peer, "", "", said.strip("\n")))
    return notes


def merged(old: Sequence[Note], new: Sequence[Note]) -> list[Note]:
    """The new ones in the place of the old ones that they answer, peers in the order that they had. Of another version nothing is kept."""
    now = {product(note.peer): note.peer for note in new}
    told = {(note.peer, note.row) for note in new}
    known = [product(note.peer) for note in old]
    old = [note for note in old if now.get(product(note.peer), note.peer) == note.peer]
    notes = [note for note in old if (note.peer, note.row) not in told] + list(new)
    return sorted(notes, key=lambda note: known.index(product(note.peer)) if product(note.peer) in known else len(known))


def table(notes: Sequence[Note]) -> str:
    """In Markdown: a row for each thing that was tried, a column for each peer."""
    peers = list(dict.fromkeys(item.peer for item in notes))
    cells = {(item.row, item.peer): item for item in notes if item.row}
    lines = ["| | " + " | ".join(peers) + " |", "| --- |" + " --- |" * len(peers)]
    for row in ROWS:
        found = [cells.get((row, peer)) for peer in peers]
        if any(found):
            lines.append(f"| {row} | " + " | ".join(_cell(item) for item in found) + " |")
    return "\n".join(lines) + "\n"


def _cell(item: Note | None) -> str:
    if item is None:
        return ""
    return f"{item.result}: {item.text}" if item.text else item.result
