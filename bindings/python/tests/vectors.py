"""The vectors of tests/vectors: bytes, and what they are."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parents[3] / "tests/vectors"


class Vector(NamedTuple):
    """One line. status: "ok", or what is wrong at the offset; of a valid one the offset is the size of what is valid."""

    name: str
    kind: str
    status: str
    offset: int
    data: bytes
    text: str


def read() -> list[Vector]:
    """All of them."""
    found = []
    for path in sorted(FOLDER.glob("*.tsv")):
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if line and not line.startswith("#"):
                kind, _origin, name, status, offset, digits, text = line.split("\t")
                found.append(Vector(f"{path.name}:{number} {name}", kind, status, int(offset), bytes.fromhex(digits), text))
    return found


VECTORS = read()
VALUES = [vector for vector in VECTORS if vector.kind == "value"]
MESSAGES = [vector for vector in VECTORS if vector.kind == "message"]
