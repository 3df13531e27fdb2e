#!/usr/bin/env python3
"""Writes seeds for the fuzz targets from the vectors, tests/vectors/*.tsv (docs/notation.md).

Usage: make_seeds.py VECTORS_FOLDER SEEDS_FOLDER

Each target gets a folder of its own in SEEDS_FOLDER, one file a seed, named by its content.
"""

from __future__ import annotations

import hashlib
import pathlib
import sys
from collections.abc import Iterator
from typing import NamedTuple

HEADER_AMQP = bytes.fromhex("414d515000010000")
HEADER_SASL = bytes.fromhex("414d515003010000")
FRAME_HEADER_SIZE = 8
FRAMES_IN_STREAM = 6
LARGEST_SEED = 4096
# Composites, by their numeric descriptors: each as an empty list, and with a field that is null.
COMPOSITES = [*range(0x10, 0x19), 0x1D, *range(0x23, 0x2A), *range(0x2B, 0x2F), *range(0x30, 0x35)]
COMPOSITES += [*range(0x40, 0x45), 0x70, 0x73]


class Vector(NamedTuple):
    """One line of a vector file: its kind, whether it decodes, and its bytes."""

    kind: str
    valid: bool
    data: bytes


def read_vectors(folder: pathlib.Path) -> Iterator[Vector]:
    """Yields the vectors of all files of the folder."""
    for path in sorted(folder.glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line and not line.startswith("#"):
                kind, _origin, _name, status, _offset, digits, *_text = line.split("\t")
                yield Vector(kind, status == "ok", bytes.fromhex(digits))


def frame_body(frame: bytes) -> bytes:
    """Returns what is behind the header of a frame, or nothing where the header is wrong."""
    return frame[4 * frame[4] :] if len(frame) > FRAME_HEADER_SIZE else b""


def compounds(data: bytes) -> Iterator[bytes]:
    """Yields everything within the bytes that begins like a described value."""
    for index in range(1, len(data) - 1):
        if data[index] == 0x00 and data[index + 1] in (0x53, 0x80, 0xA3):
            yield data[index:]


def make_streams(frames: list[bytes]) -> Iterator[bytes]:
    """Yields streams: a protocol header and some frames."""
    for first in range(0, len(frames), FRAMES_IN_STREAM):
        some = frames[first : first + FRAMES_IN_STREAM]
        sasl = bool(some) and some[0][5:6] == b"\x01"
        yield (HEADER_SASL if sasl else HEADER_AMQP) + b"".join(some)
    outcome = next((frame for frame in frames if frame[8:11] == b"\x00\x53\x44"), b"")
    yield HEADER_SASL + outcome + HEADER_AMQP + b"".join(frames[:2])


def sized(data: bytes) -> bytes:
    """Returns the bytes behind their size, as sasl_fuzz.c reads them."""
    return bytes([len(data)]) + data


def make_sasl_conversations() -> Iterator[bytes]:
    """Yields inputs of sasl_fuzz.c: role, flags, number of a list of mechanisms, and steps."""
    output, server_first = b"\x0b", b"\x0a"
    scram = b"n,a=boss,n=us=2Cer=3D,r=abc"
    responses = {
        1: scram, 2: scram, 3: scram, 4: b"\0user\0pencil", 5: b"user=u\x01auth=Bearer t\x01\x01",
        6: b"n,a=u,\x01host=h\x01auth=Bearer t\x01\x01", 7: b"", 8: b"trace", 9: b"own",
    }  # fmt: skip
    for number, response in responses.items():
        # Client: mechanisms, init, a challenge or none, outcome ok.
        client = bytes([0, 0xFE, number, 0, number]) + (b"\x08\x00" if number == 9 else b"") + output
        outcome = b"\x04\x00" + sized(b"v=AAAA")
        yield client + outcome
        yield client + server_first + output + outcome
        yield client + b"\x02" + sized(b"{}") + (b"\x08\x00" if number == 9 else b"") + output + outcome
        # Server: mechanisms, init with or without a response, an answer, a response, an outcome.
        for init in (bytes([1, 3, number]) + sized(response), bytes([1, 1, number, 0])):
            server = bytes([1, 0x80, number]) + output + init
            yield server + b"\x05\x00\x00" + output
            yield server + b"\x05\x00\x01" + output
            yield server + output + b"\x03" + sized(response) + b"\x05\x00\x00" + output
            yield server + b"\x07" + sized(b"more?") + output + b"\x03" + sized(b"more") + b"\x05\x00\x00" + output
            final = b"c=bixhPWJvc3Ms,r=abcMjQgYnl0ZXMgdGhhdCBhcmUgcmFuZG9t,p=" + b"A" * 43 + b"="
            size = {1: 0, 2: 12, 3: 44}.get(number, 0)
            yield server + b"\x06" + sized(b"salt") + bytes([size]) + output + b"\x03" + sized(final) + output


def make_seeds(vectors: list[Vector]) -> dict[str, list[bytes]]:
    """Returns the seeds of each target."""
    values = [v.data for v in vectors if v.kind == "value"]
    bodies = [v.data for v in vectors if v.kind in ("performative", "sasl")]
    messages = [v.data for v in vectors if v.kind == "message"]
    frames = [v.data for v in vectors if v.kind == "frame"]
    valid_frames = [v.data for v in vectors if v.kind == "frame" and v.valid]
    bodies += [frame_body(frame) for frame in frames]
    empty = [bytes([0x00, 0x53, number, 0x45]) for number in COMPOSITES]
    empty += [bytes([0x00, 0x53, number, 0xC0, 0x02, 0x01, 0x40]) for number in COMPOSITES]
    nested = [part for body in bodies for part in compounds(body)]
    return {
        "value": values + bodies + messages,
        "value_roundtrip": values,
        "performative": bodies,
        "composite": bodies + nested + empty,
        "message": messages,
        "frame_stream": [*make_streams(valid_frames), *(HEADER_AMQP + frame for frame in frames)],
        "explain": values + bodies + messages + frames,
        "sasl": list(make_sasl_conversations()),
    }


def main() -> int:
    """Writes the seeds; returns the exit status."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    vectors = list(read_vectors(pathlib.Path(sys.argv[1])))
    for target, seeds in make_seeds(vectors).items():
        folder = pathlib.Path(sys.argv[2], target)
        folder.mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            if len(seed) <= LARGEST_SEED:
                (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    return 0


if __name__ == "__main__":
    sys.exit(main())
