"""What the suite `python` measures: its operations, who does them, how often, and what is asked of us."""

from __future__ import annotations

from dataclasses import dataclass

OURS = "ours"
PYAMQP = "pyamqp"
PROTON = "proton"
C_CLIENT = "c"
CPYTHON = "cpython"
PYPY = "pypy"
INTERPRETERS = (CPYTHON, PYPY)


@dataclass(frozen=True)
class Case:
    """One operation, and the row that it gives for each interpreter.

    name      of the operation, as contenders know it
    title     of the row
    rates     thousand messages a second to expect of a contender by CPython and PyPy: from them comes how many are measured.
              Whom it does not name does not take part; what PyPy has to compile first is given more.
    peer      the word of python_peer: source, sink, or none
    kind      the message
    settled   whether a source sends settled
    as_rate   whether the row is of messages a second, and not of microseconds a message
    faster    how many times faster than pyamqp we must be, by CPython and PyPy
    of_limit  how many times the C client's time we may take
    at_least  thousand messages a second that we must reach
    against   the operation of pyamqp that we are compared with, where it is another
    """

    name: str
    title: str
    rates: dict[str, tuple[float, float]]
    peer: str | None = None
    kind: str = "A"
    settled: bool = True
    as_rate: bool = True
    faster: tuple[float, float] | None = None
    of_limit: float | None = None
    at_least: float | None = None
    against: str | None = None


CASES = (
    Case(
        "decode_all",
        "decode A, in batches, all fields read",
        {OURS: (1200, 1200), PYAMQP: (140, 1000), PROTON: (80, 80)},
        as_rate=False,
        faster=(9, 1),
    ),
    Case("decode_one", "decode A, one a call, all fields read", {OURS: (600, 700)}, as_rate=False, against="decode_all"),
    Case(
        "decode_body",
        "decode A, in batches, body alone read",
        {OURS: (3000, 2500), PYAMQP: (150, 1000), PROTON: (80, 80)},
        as_rate=False,
        faster=(18, 1.8),
    ),
    Case(
        "encode_batch",
        "build and encode A, in batches",
        {OURS: (1000, 1500)},
        as_rate=False,
        faster=(20, 8),
        against="encode_one",
    ),
    Case(
        "encode_one",
        "build and encode A, one a call",
        {OURS: (700, 1500), PYAMQP: (45, 200), PROTON: (70, 90)},
        as_rate=False,
        faster=(15, 8),
    ),
    Case(
        "receive_batch",
        "receive B, settled, in batches, all fields read",
        {OURS: (600, 600), PYAMQP: (30, 60), PROTON: (6, 6)},
        peer="source",
        kind="B",
        faster=(25, 12),
    ),
    Case(
        "receive_batch_body",
        "receive B, settled, in batches, body alone read",
        {OURS: (800, 700), PYAMQP: (30, 60), PROTON: (6, 6)},
        peer="source",
        kind="B",
        faster=(25, 12),
    ),
    Case(
        "receive_one",
        "receive B one by one, each accepted",
        {OURS: (300, 400), PYAMQP: (12, 40), PROTON: (6, 6)},
        peer="source",
        kind="B",
        settled=False,
        faster=(12, 8),
        against="receive_batch",
    ),
    Case(
        "send_pipelined",
        "send A, pipelined, unsettled",
        {OURS: (400, 800), PYAMQP: (6, 20), PROTON: (15, 6)},
        peer="sink",
        faster=(60, 25),
    ),
    Case(
        "send_one",
        "send A one at a time, waiting for each outcome",
        {OURS: (12, 36), PYAMQP: (4, 8), PROTON: (1, 1), C_CLIENT: (14, 14)},
        peer="sink",
        faster=(3, 3),
        of_limit=1.4,
    ),
    Case(
        "asyncio_batch",
        "asyncio: receive B, settled, in batches",
        {OURS: (500, 500), PYAMQP: (30, 30)},
        peer="source",
        kind="B",
        faster=(10, 6),
    ),
    Case(
        "asyncio_one",
        "asyncio: receive B, settled, by async for",
        {OURS: (300, 300)},
        peer="source",
        kind="B",
        faster=(6, 4),
        against="asyncio_batch",
    ),
    Case("asyncio_tasks", "asyncio: 100 tasks, each awaits its sends of A", {OURS: (60, 120)}, peer="sink", at_least=60),
)

# Messages for the row of memory, by contender: so many that growth shows, in bearable time.
MEMORY_COUNTS = {OURS: 10_000_000, PYAMQP: 300_000, PROTON: 50_000}
# Growth for a message that is taken for none: ten million of them may come to 4 MB.
GROWTH_BYTES_MAX = 0.4
IMPORT_MS_MAX = {CPYTHON: 60, PYPY: 150}
# What brings each contender in.
IMPORTS = {OURS: "import amqpcodec", PYAMQP: "import azure.eventhub._pyamqp", PROTON: "import proton"}
