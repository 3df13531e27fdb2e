#!/usr/bin/env python3
"""Writes seeds for the fuzz targets from the vectors, tests/vectors/*.tsv (docs/notation.md).

Usage: make_seeds.py VECTORS_FOLDER SEEDS_FOLDER [RECORDINGS_FOLDER]

Each target gets a folder of its own in SEEDS_FOLDER, one file a seed, named by its content, and
those of connections a dictionary, performatives.dict. RECORDINGS_FOLDER is what `simulate --corpus`
wrote: client/ and server/, what each end took.
"""

from __future__ import annotations

import hashlib
import marshal
import pathlib
import random
import re
import struct
import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

FOLDER = pathlib.Path(__file__).resolve().parent
HEADER_AMQP = bytes.fromhex("414d515000010000")
HEADER_SASL = bytes.fromhex("414d515003010000")
FRAME_HEADER_SIZE = 8
FRAMES_IN_STREAM = 6
LARGEST_SEED = 4096
# Of connection_fuzz.c: bits of the first byte, and a list of mechanisms in the last before the peer's stream.
ANONYMOUS = 2
FLAG_SASL, FLAG_NO_SESSION, FLAG_FAILING, FLAG_WILD = 1, 4, 8, 16
PLAYS = 100
DICTIONARY = "performatives.dict"
CONDITIONS = (b"amqp:internal-error", b"amqp:link:redirect", b"amqp:connection:forced")
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


def described(name: bytes, fields: list[bytes]) -> bytes:
    """Returns an encoded list, described by a symbol."""
    content = b"".join(fields)
    head = b"\xd0" + (len(content) + 4).to_bytes(4, "big") + len(fields).to_bytes(4, "big")
    return b"\x00\xa3" + bytes([len(name)]) + name + head + content


def make_exports() -> Iterator[bytes]:
    """Yields exports of links, as lib/engine/recovery_export.c writes them."""
    null, accepted, rejected = b"\x40", b"\x00\x53\x24\x45", b"\x00\x53\x25\xc0\x02\x01\x40"
    for sends in (True, False):
        deliveries = [
            described(
                b"amqpcodec:delivery-export",
                [b"\x52\x01", b"\x52" + bytes([number]), b"\xa0\x01" + bytes([number]), state, remote, flags,
                 b"\x53\x07", b"\x43", null if number % 2 else b"\x50\x01", payload],
            )
            for number, state, remote, flags, payload in (
                (1, null, null, b"\x43", b"\xa0\x03abc" if sends else null),
                (2, accepted, rejected, b"\x52\x02" if sends else b"\x52\x1c", null),
                (3, rejected, accepted, b"\x52\x01" if sends else b"\x52\x10", null),
            )
        ]  # fmt: skip
        for count in range(4):
            header = [b"\x50\x01", b"\x42" if sends else b"\x41", b"\x52\x01", b"\x52" + bytes([count])]
            yield described(b"amqpcodec:link-export", header) + b"".join(deliveries[:count])


def uint(number: int) -> bytes:
    """Encodes a uint in its longest form."""
    return b"\x70" + struct.pack(">I", number)


def frame(descriptor: int, *fields: bytes, payload: bytes = b"", sasl: bool = False) -> bytes:
    """Encodes a frame of channel 0."""
    content = b"".join(fields)
    body = struct.pack(">BBBBII", 0, 0x53, descriptor, 0xD0, len(content) + 4, len(fields))
    body += content + payload
    return struct.pack(">IBBH", 8 + len(body), 2, sasl, 0) + body


def make_conversation(client: bool, sasl: bool) -> list[bytes]:
    """Returns what one end says, piece by piece: all performatives, on a link of each role."""
    null, yes, no = b"\x40", b"\x41", b"\x42"
    node = {number: b"\x00\x53" + bytes([number]) + b"\xc0\x04\x01\xa1\x01q" for number in (0x28, 0x29)}
    said = []
    if sasl and client:
        said += [HEADER_SASL, frame(0x41, b"\xa3\x09ANONYMOUS", b"\xa0\x05trace", sasl=True)]
    elif sasl:
        said += [HEADER_SASL, frame(0x40, b"\xa3\x09ANONYMOUS", sasl=True), frame(0x44, b"\x50\0", sasl=True)]
    said += [HEADER_AMQP, frame(0x10, b"\xa1\x04peer", null, uint(4096))]
    said += [frame(0x11, null if client else b"\x60\0\0", uint(0), uint(100), uint(100), uint(7))]
    for handle, role in ((0, no), (1, yes)):
        fields = [b"\xa1\x01a", uint(handle), role, b"\x50\2", b"\x50\0", node[0x28], node[0x29], null, null, uint(0)]
        said.append(frame(0x12, *fields))
    said.append(frame(0x13, uint(0), uint(100), uint(0), uint(100), uint(1), uint(0), uint(50)))
    for number in range(3):
        head = [uint(0), uint(number), b"\xa0\x01" + bytes([number]), uint(0), no]
        said.append(frame(0x14, *head, yes if number else no, payload=b"\x00\x53\x77\xa1\x04text"))
        said += [frame(0x14, uint(0), payload=b"more")] if number else []
    for state in (b"\x00\x53\x24\x45", b"\x00\x53\x25\x45", b"\x00\x53\x27\xc0\x02\x01\x41"):
        said.append(frame(0x15, yes, uint(0), uint(2), no, state))
    said += [frame(0x15, yes, uint(0), uint(2), yes), frame(0x15, no, uint(0), uint(2), yes)]
    said += [frame(0x16, uint(1), yes), frame(0x16, uint(0), no), frame(0x17), frame(0x18)]
    return said


def make_connections(client: bool, recordings: list[bytes]) -> Iterator[bytes]:
    """Yields inputs of connection_fuzz.c; client: of the peer, who is the other end."""
    for flags in (0, FLAG_NO_SESSION, FLAG_WILD, FLAG_FAILING, FLAG_SASL, FLAG_SASL | FLAG_WILD):
        said = make_conversation(client, bool(flags & FLAG_SASL))
        for piece in (0, 40):
            head = bytes([flags, piece, 0, 77, 0, flags, 0, 0, ANONYMOUS])
            yield head + b"".join(said)
            yield from (head + b"".join(said[: len(said) - count]) for count in range(1, 8))
    for number, stream in enumerate(recordings):
        flags = FLAG_SASL if stream[4:5] == b"\x03" else 0
        head = struct.pack(">BBHHHB", flags, number % 2 * 100, 0, number, 0, ANONYMOUS)
        yield (head + stream)[:LARGEST_SEED]


def make_plays() -> Iterator[bytes]:
    """Yields inputs of engine_calls_fuzz.c: a set-up, and any calls."""
    source = random.Random(1)
    for number in range(PLAYS):
        options = bytes([0, source.randrange(256), 0]) if number % 2 else source.randbytes(3)
        yield bytes([number % 8]) + source.randbytes(2) + options * 2 + source.randbytes(40 << number % 7)


def make_urls() -> Iterator[bytes]:
    """Yields inputs of url_fuzz.c: choices, and a URL."""
    definitions = (FOLDER.parent.parent / "lib" / "client" / "options.def").read_text(encoding="utf-8")
    names = re.findall(r'^OPTION\("([^"]+)"', definitions, re.MULTILINE)
    hosts = ["amqp://localhost", "amqps://h:5671/", "amqp+unix:///run/x", "amqp+unix://%40name", "amqp://[::1]:1",
             "amqp://u:p@127.0.0.1/", "amqp://a%40b:p%3A@[fe80::1%25eth0]", "amqp://h,[::1]:2,amqp://u@h/"]  # fmt: skip
    values = ("", "1", "true", "text", "PLAIN", "10s", "64k", "%41%20%42")
    queries = ["", *(f"?{name}={value}" for name in names for value in values)]
    for number, query in enumerate(queries):
        first, *others = hosts[number % len(hosts)].split(",")
        yield bytes([number % 8]) + ",".join([first + query, *others]).encode()
    for number, host in enumerate(hosts):
        yield bytes([number]) + f"{host}?{'&'.join(f'{name}=1' for name in names)}".encode()


def make_marshalled() -> Iterator[bytes]:
    """Yields values and messages as the Python package gives them to marshal, in the versions that it uses."""
    symbol, uuid, described = (20, "symbol"), (17, bytes(range(16))), (24, (5, 117), [1, "text"])
    values: list[Any] = [None, True, 1, -1, 2**40, -(2**63), 2**64 - 1, 1.5, "text", "\N{EURO SIGN}", b"bytes", [1, [2, {"k": ()}]]]
    marks = [symbol, uuid, described, (23, 4, [(4, 1), (4, 2)]), (23, 24, []), (22, [1, 2, True, 3]), (15, 97), (16, -1), (10, 0.5), (14, bytes(16))]
    shared = {"region": "eu", "number": 2**40, "list": [1.5, None]}
    for value in (*values, *marks, values, marks, [shared, shared]):
        for version in (2, 4):
            yield marshal.dumps(value, version)
    message: list[Any] = [0x100, True, 4, 1000, False, 0, shared, shared, "id", b"user", "to", "subject", "reply", 7, "text/plain", "gzip",
                             1, 2, "group", 3, "other", shared, b"body", {"k": 1}]  # fmt: skip
    bodies = [(0x10, b"body"), (0x50, [b"a", b"b"]), (0x20, [1]), (0x60, [[1], [2]]), (0x30, marks), (0, None), (0x100, shared)]
    messages = [[flags, *message[1:22], body, message[23]] for flags, body in bodies]
    messages.append([0x100, *[None] * 23])
    for one in messages:
        yield marshal.dumps(one, 2)
    for version in (2, 3, 4):
        yield marshal.dumps([*messages, messages[0]], version)


def make_dictionary() -> str:
    """Returns what stands in frames, as libFuzzer reads it."""
    words = [HEADER_AMQP, HEADER_SASL, *CONDITIONS]
    words += [bytes([0x00, 0x53, number]) for number in COMPOSITES]
    words += [bytes([0x00, 0x53, number, 0x45]) for number in (0x24, 0x26, 0x17, 0x18)]
    words += [uint(number) for number in (0, 1, 2, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)]
    words += [b"\x40", b"\x41", b"\x42", b"\x43", b"\x45", b"\xc1\x01\x00", b"\xa1\x01a", b"\xa0\x01t"]
    quoted = ("".join(f"\\x{byte:02x}" for byte in word) for word in words)
    return "".join(f'"{word}"\n' for word in quoted)


def read_recordings(folder: pathlib.Path | None, end: str) -> list[bytes]:
    """Returns what one end took in the simulation's recordings."""
    return [path.read_bytes() for path in sorted((folder / end).glob("*"))] if folder else []


def make_seeds(vectors: list[Vector], recordings: pathlib.Path | None) -> dict[str, list[bytes]]:
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
        "import": list(make_exports()),
        "url": list(make_urls()),
        "marshal": values + messages,
        "encoder": list(make_marshalled()),
        "connection_client": list(make_connections(False, read_recordings(recordings, "client"))),
        "connection_server": list(make_connections(True, read_recordings(recordings, "server"))),
        "engine_calls": list(make_plays()),
    }


def main() -> int:
    """Writes the seeds; returns the exit status."""
    if len(sys.argv) not in (3, 4):
        print(__doc__, file=sys.stderr)
        return 2
    vectors = list(read_vectors(pathlib.Path(sys.argv[1])))
    recordings = pathlib.Path(sys.argv[3]) if len(sys.argv) == 4 else None
    for target, seeds in make_seeds(vectors, recordings).items():
        folder = pathlib.Path(sys.argv[2], target)
        folder.mkdir(parents=True, exist_ok=True)
        for seed in seeds:
            if len(seed) <= LARGEST_SEED:
                (folder / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
    pathlib.Path(sys.argv[2], DICTIONARY).write_text(make_dictionary(), encoding="ascii")
    return 0


if __name__ == "__main__":
    sys.exit(main())
