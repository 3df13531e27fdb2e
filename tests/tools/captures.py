"""Captures made by hand: TCP segments in IP packets in link layers in pcap files."""

from __future__ import annotations

import dataclasses
import struct
from pathlib import Path

CLIENT_PORT = 40000
SERVER_PORT = 5672
SYN, FIN, RST, PUSH, ACK = 2, 1, 4, 8, 16

ETHERNET, NULL, LOOP, RAW, SLL, SLL2 = 1, 0, 108, 101, 113, 276

HEADERS = {name: b"AMQP" + bytes([number, 1, 0, 0]) for name, number in (("amqp", 0), ("tls", 2), ("sasl", 3))}


def checksum(data: bytes) -> int:
    """The checksum of IP and TCP (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


@dataclasses.dataclass
class Segment:
    """A TCP segment from the client (or the server) with its payload."""

    from_server: bool
    sequence: int
    payload: bytes = b""
    flags: int = PUSH | ACK
    client_port: int = CLIENT_PORT
    server_port: int = SERVER_PORT

    def ports(self) -> tuple[int, int]:
        ports = (self.client_port, self.server_port)
        return ports[::-1] if self.from_server else ports

    def tcp(self) -> bytes:
        head = struct.pack(">HHIIBBHHH", *self.ports(), self.sequence % 2**32, 1, 5 << 4, self.flags, 65535, 0, 0)
        return head + self.payload

    def ipv4(self) -> bytes:
        addresses = [bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])]
        source, destination = addresses[::-1] if self.from_server else addresses
        body = self.tcp()
        pseudo = source + destination + struct.pack(">BBH", 0, 6, len(body))
        body = body[:16] + struct.pack(">H", checksum(pseudo + body)) + body[18:]
        head = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 1, 0x4000, 64, 6, 0) + source + destination
        return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + body

    def ipv6(self, extensions: bytes = b"", protocol: int = 6) -> bytes:
        addresses = [bytes(15) + b"\1", bytes(15) + b"\2"]
        source, destination = addresses[::-1] if self.from_server else addresses
        body = extensions + self.tcp()
        return struct.pack(">IHBB", 6 << 28, len(body), protocol, 64) + source + destination + body


def ethernet(packet: bytes, tags: bytes = b"") -> bytes:
    """An Ethernet frame, padded to 60 bytes as cards do."""
    ether_type = b"\x08\x00" if packet[0] >> 4 == 4 else b"\x86\xdd"
    return (bytes(11) + b"\1" + tags + ether_type + packet).ljust(60, b"\0")


def vlan(packet: bytes) -> bytes:
    return ethernet(packet, b"\x88\xa8\x00\x01" + b"\x81\x00\x00\x64")


def sll(packet: bytes) -> bytes:
    return struct.pack(">HHH", 0, 1, 6) + bytes(8) + b"\x08\x00" + packet


def sll2(packet: bytes) -> bytes:
    return b"\x08\x00" + struct.pack(">HIHBB", 0, 1, 1, 0, 6) + bytes(8) + packet


def null(packet: bytes) -> bytes:
    return struct.pack("<I", 2) + packet


def loop(packet: bytes) -> bytes:
    return struct.pack(">I", 2) + packet


def raw(packet: bytes) -> bytes:
    return packet


def pcap(packets: list[bytes], link_type: int = ETHERNET, order: str = "<", nanoseconds: bool = False) -> bytes:
    """A pcap file; the packets are one second and 5 microseconds (or nanoseconds) apart."""
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    parts = [struct.pack(order + "IHHiIII", magic, 2, 4, 0, 0, 262144, link_type)]
    for number, packet in enumerate(packets):
        parts.append(struct.pack(order + "IIII", 1700000000 + number, 5 * number, len(packet), len(packet)))
        parts.append(packet)
    return b"".join(parts)


class Conversation:
    """One TCP connection, from its opening on; collects segments in order."""

    def __init__(self, client_port: int = CLIENT_PORT, server_port: int = SERVER_PORT, sequence: int = 1000) -> None:
        self.segments: list[Segment] = []
        self.ports = (client_port, server_port)
        self.next = [sequence, sequence + 5000]
        self.add(False, b"", SYN)
        self.add(True, b"", SYN | ACK)
        self.add(False, b"", ACK)

    def add(self, from_server: bool, payload: bytes, flags: int = PUSH | ACK) -> Segment:
        segment = Segment(from_server, self.next[from_server], payload, flags, *self.ports)
        self.next[from_server] += len(payload) + (1 if flags & (SYN | FIN) else 0)
        self.segments.append(segment)
        return segment

    def send(self, payload: bytes, piece_size: int = 1400) -> None:
        """The client sends."""
        self._send(False, payload, piece_size)

    def answer(self, payload: bytes, piece_size: int = 1400) -> None:
        """The server sends."""
        self._send(True, payload, piece_size)

    def _send(self, from_server: bool, payload: bytes, piece_size: int) -> None:
        for start in range(0, len(payload), piece_size):
            self.add(from_server, payload[start : start + piece_size])

    def finish(self) -> None:
        self.add(False, b"", FIN | ACK)
        self.add(True, b"", FIN | ACK)

    def packets(self) -> list[bytes]:
        return [ethernet(segment.ipv4()) for segment in self.segments]

    def pcap(self) -> bytes:
        return pcap(self.packets())


@dataclasses.dataclass
class Vector:
    """A line of tests/vectors (docs/notation.md)."""

    kind: str
    origin: str
    name: str
    status: str
    offset: int
    data: bytes
    text: str


def read_vectors(folder: Path, kind: str) -> list[Vector]:
    """All vectors of a kind."""
    vectors = []
    for path in sorted(folder.glob("*.tsv")):
        for line in path.read_text(encoding="utf-8").split("\n"):
            columns = line.split("\t")
            if columns[0] == kind:
                _, origin, name, status, offset, data, text = columns
                vectors.append(Vector(kind, origin, name, status, int(offset), bytes.fromhex(data), text))
    return vectors
