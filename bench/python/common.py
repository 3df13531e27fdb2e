"""What the contenders of the suite `python` have in common: the samples, the checksum, and how an operation is timed.

A contender is a program that does one operation and prints what it took, as JSON:

    CONTENDER OPERATION --samples FILE --count N [--port P]

The first quarter of the messages warms up (PyPy compiles what it sees often), and is not timed. In the timed part a contender reads every
field of a message (or only its body, where the operation says so), and adds up body size and sequence number; before that, the
first messages are read field by field into the checksum that the C programs use, and compared with it.
"""

from __future__ import annotations

import argparse
import gc
import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MASK = (1 << 64) - 1
PRIORITY = 4  # where a header does not say it (AMQP 3.2.1)
BATCH = 64


@dataclass(frozen=True)
class Sample:
    """One variant of a message: its fields, its bytes as they arrive, and the checksum of its fields."""

    message_id: str
    to: str
    subject: str
    content_type: str
    region: str
    sequence: int
    retry: bool
    price: float
    checksum: int
    body: bytes
    wire: bytes


@dataclass
class Work:
    """An operation's arguments, and what it found.

    count     messages, those that warm up included
    port      of the C peer, where the operation has one
    seconds   that the timed part took
    timed     messages in the timed part
    total     what the messages added up to, those that warm up included
    figures   anything else
    watched   so many messages are to have come when memory is looked at next
    """

    samples: list[Sample]
    count: int
    port: int
    seconds: float = 0.0
    timed: int = 0
    total: int = 0
    figures: dict[str, float] = field(default_factory=dict)
    started: float = 0.0
    started_cpu: float = 0.0
    watched: int = 0
    clock: Callable[[], float] = time.perf_counter

    @property
    def warm_up(self) -> int:
        """Messages that are not timed."""
        return self.count // 4

    @property
    def url(self) -> str:
        """Of the C peer."""
        return f"amqp://127.0.0.1:{self.port}"

    def begin(self, clock: Callable[[], float] = time.perf_counter) -> None:
        """The timed part begins. clock: time.process_time where nobody else takes part."""
        gc.collect()
        self.clock = clock
        self.started_cpu = time.process_time()
        self.started = clock()

    def end(self, timed: int, total: int) -> None:
        """The timed part has ended, with so many messages."""
        self.seconds = self.clock() - self.started
        self.figures["cpu_seconds"] = time.process_time() - self.started_cpu
        self.timed = timed
        self.total = total

    def watch_memory(self, received: int) -> None:
        """Looks at the process's memory ten times, without garbage; what the first quarter takes does not count.

        PyPy leaves a little garbage with each collection of its nursery, and collects it when it has become some hundred megabytes.
        """
        if received < self.watched:
            return
        self.watched += self.count // 10
        resident = resident_bytes()
        if received >= self.warm_up:
            self.figures.setdefault("resident_before", resident)
            self.figures["resident_after"] = resident

    def batches(self, count: int) -> list[list[bytes]]:
        """Messages in batches, as a program might have read them."""
        wires = [self.samples[i % len(self.samples)].wire for i in range(BATCH)]
        return [wires] * (count // BATCH)


def sum_text(text: bytes) -> int:
    """As in codec_checksum.h."""
    return len(text) + text[0] if text else 0


def sum_double(number: float) -> int:
    """The bits of a double."""
    import struct

    return int(struct.unpack("<Q", struct.pack("<d", number))[0])


def sum_body(body: bytes) -> int:
    """Every byte, as in codec_checksum.h."""
    total = len(body)
    whole = len(body) // 8 * 8
    for i in range(0, whole, 8):
        total ^= int.from_bytes(body[i : i + 8], "little")
    for byte in body[whole:]:
        total ^= byte
    return total


def plain(text: str | bytes) -> bytes:
    """Some contenders leave strings as bytes."""
    return text.encode() if isinstance(text, str) else bytes(text)


def sum_value(value: object) -> int:
    """One value of a map."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value & MASK
    if isinstance(value, float):
        return sum_double(value)
    assert isinstance(value, (str, bytes))
    return sum_text(plain(value))


@dataclass(frozen=True)
class Fields:
    """The fields of a received message, whoever decoded it."""

    durable: bool
    message_id: str | bytes
    to: str | bytes
    subject: str | bytes
    content_type: str | bytes
    application_properties: Mapping[Any, Any]
    body: bytes

    def checksum(self) -> int:
        """The checksum of all fields: codec_read_order's."""
        total = int(self.durable) + PRIORITY + sum_text(plain(self.message_id)) + plain(self.to)[0]
        total += plain(self.subject)[0] + plain(self.content_type)[0] + sum_body(bytes(self.body))
        for key, value in self.application_properties.items():
            total += sum_text(plain(key)) + sum_value(value)
        return total & MASK


class WrongWorkError(Exception):
    """A contender read something else than was sent."""


def check_fields(work: Work, number: int, fields: Fields) -> None:
    """Compares the message of that number with what C reads in it."""
    wanted = work.samples[number % len(work.samples)].checksum
    found = fields.checksum()
    if found != wanted:
        raise WrongWorkError(f"message {number}: {fields}: checksum {found}, not {wanted}")


def expected_total(work: Work, count: int) -> int:
    """What `count` messages add up to, when their fields are read: sizes of bodies, and sequence numbers."""
    each = [len(sample.body) + sample.sequence for sample in work.samples]
    return sum(each) * (count // len(each)) + sum(each[: count % len(each)])


def expected_bodies(work: Work, count: int) -> int:
    """What `count` messages add up to, when only their bodies are read: sizes and first bytes."""
    each = [len(sample.body) + sample.body[0] for sample in work.samples]
    return sum(each) * (count // len(each)) + sum(each[: count % len(each)])


def check_total(found: int, wanted: int) -> None:
    """Every message counts."""
    if found != wanted:
        raise WrongWorkError(f"messages added up to {found}, not {wanted}")


def resident_bytes() -> int:
    """Memory of this process now, without garbage."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def load_samples(path: Path) -> list[Sample]:
    """What `python_peer samples` printed."""
    samples = json.loads(path.read_text())
    return [Sample(**{**sample, "body": bytes.fromhex(sample["body"]), "wire": bytes.fromhex(sample["wire"])}) for sample in samples]


def main(operations: Mapping[str, Callable[[Work], None]]) -> None:
    """Runs the operation that the command line names."""
    parser = argparse.ArgumentParser()
    parser.add_argument("operation", choices=[*operations, "list"])
    parser.add_argument("--samples", type=Path)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--port", type=int, default=0)
    arguments = parser.parse_args()
    if arguments.operation == "list":
        print(" ".join(operations))
        return
    work = Work(load_samples(arguments.samples), arguments.count, arguments.port)
    operations[arguments.operation](work)
    if work.timed == 0:
        sys.exit("nothing was timed")
    print(json.dumps({"messages": work.timed, "seconds": work.seconds, "total": work.total, **work.figures}))
