"""The suite `transport`: two processes over loopback, against Proton's proactor and against bare sockets."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import programs
from report import Row, Spread
from rounds import Measured

OURS = "ours"
PROTON = "proton"
BOUND = "bound"
TLS = "tls"
CONTENDERS = (PROTON, OURS, BOUND, TLS)
PROTON_NAME = "Qpid Proton's proactor, shared library"
BOUND_NAMES = {BOUND: "bare blocking sockets and the hand-written codec", TLS: "OpenSSL by itself, full records, nothing parsed"}

IDLE_CONNECTIONS = 10000
IDLE_SECONDS = 10.0
# What the program and the broker have open besides.
SPARE_DESCRIPTORS = 100
# A connection gives memory back after a second without input and output.
SETTLE_SECONDS = 3.0


@dataclass(frozen=True)
class Run:
    """One program, and how it is called.

    name    of the row
    case    of transport_case.c
    """

    name: str
    case: str
    contenders: tuple[str, ...] = (PROTON, OURS, BOUND)
    options: tuple[str, ...] = ()


TRIP = "round_trip_100B"
RUNS = (
    Run("100B_settled", "100B_settled"),
    Run("100B_unsettled", "100B_unsettled"),
    Run("A_settled", "A_252B_settled"),
    Run("A_unsettled", "A_252B_unsettled"),
    Run("B_settled", "B_1179B_settled"),
    Run("B_unsettled", "B_1179B_unsettled"),
    Run("D_settled", "D_65691B_settled"),
    Run("D_unsettled", "D_65691B_unsettled"),
    Run("1024B_settled", "1024B_settled"),
    Run("trip", TRIP),
    Run("trip_background", TRIP, (OURS,), ("--background",)),
    Run("B_tls", "B_1179B_settled", (OURS, TLS), ("--certificate",)),
    Run("A_broker", "A_252B_settled", (OURS,), ("--through",)),
)


@dataclass(frozen=True)
class RateBar:
    """A row of messages a second.

    faster  how many times faster than Proton we must be
    share   of the limit's rate that we must reach
    rate    thousand messages a second that we must reach
    """

    run: str
    name: str
    faster: float | None = None
    share: float | None = None
    rate: float | None = None
    limit: str = BOUND


RATE_BARS = (
    RateBar("100B_settled", "100 B raw, settled, window 10000", 4.0),
    RateBar("100B_unsettled", "100 B raw, unsettled, window 10000", 4.0),
    RateBar("A_settled", "A, 252 B, encoded and decoded, settled, window 1000", 4.0, 0.5),
    RateBar("A_unsettled", "A, 252 B, encoded and decoded, unsettled, window 1000", 4.0, 0.5),
    RateBar("B_settled", "B, 1179 B, encoded and decoded, settled, window 400", 3.5, 0.6),
    RateBar("B_unsettled", "B, 1179 B, encoded and decoded, unsettled, window 400", 3.5, 0.6),
    RateBar("D_settled", "D, 65691 B, encoded and decoded, settled, window 16", share=0.8),
    RateBar("D_unsettled", "D, 65691 B, encoded and decoded, unsettled, window 16", share=0.8),
    RateBar("B_tls", "B over TLS 1.3, settled, window 400", share=0.7, limit=TLS),
    RateBar("A_broker", "A through the embedded broker, settled", rate=1000.0),
)


@dataclass(frozen=True)
class EndResult:
    """What one end measured, by message."""

    cpu_us: float
    calls: float
    checksum: str
    p50_us: float


@dataclass(frozen=True)
class RunResult:
    """What one run gave: nanoseconds a message, and its two ends."""

    nanoseconds: float
    sender: EndResult
    receiver: EndResult


def end_result(document: dict[str, float | str]) -> EndResult:
    """Reads one end of what a program printed."""
    messages = float(document["messages"])
    cpu = float(document["user_seconds"]) + float(document["system_seconds"])
    return EndResult(
        cpu / messages * 1e6,
        float(document["calls"]) / messages,
        str(document["checksum"]),
        float(document["round_trip_p50_us"]),
    )


def run_result(text: str) -> RunResult:
    """Reads what a program printed. The time is from the first end's start to the last end's end."""
    document = json.loads(text)
    ends = (document["sender"], document["receiver"])
    seconds = max(end["ended"] for end in ends) - min(end["started"] for end in ends)
    return RunResult(seconds / document["receiver"]["messages"] * 1e9, end_result(document["sender"]), end_result(document["receiver"]))


def record(measured: Measured, contender: str, run: Run, result: RunResult) -> None:
    """Keeps the figures of one run, each under a name of its own."""
    figures = {
        run.name: result.nanoseconds,
        f"{run.name}:sender_cpu": result.sender.cpu_us,
        f"{run.name}:receiver_cpu": result.receiver.cpu_us,
        f"{run.name}:sender_calls": result.sender.calls,
        f"{run.name}:receiver_calls": result.receiver.calls,
        f"{run.name}:p50": result.sender.p50_us,
    }
    for name, figure in figures.items():
        measured.times.setdefault((contender, name), []).append(figure)
    if contender != TLS:  # it reads nothing
        measured.checksums[(contender, run.name)] = result.receiver.checksum


# --- The broker, and what the runs need.


def broker_port(broker: subprocess.Popen[str]) -> int:
    """The port that the broker says it listens on."""
    assert broker.stdout is not None
    line = broker.stdout.readline()
    if ":" not in line:
        raise programs.ProgramError("the broker did not start")
    return int(line.rsplit(":", 1)[1])


@contextmanager
def started_broker(build_dir: Path, prefix: tuple[str, ...] = ()) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Runs the embedded broker on a free port."""
    command = [*prefix, str(build_dir / "lib" / "tools" / "amqpcodec"), "broker", "--listen", "127.0.0.1:0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as broker:
        try:
            yield broker, broker_port(broker)
        finally:
            broker.terminate()


def broker_prefix() -> tuple[str, ...]:
    """The core of the receiver, and the priority of both ends, where that is permitted."""
    pinned = ("taskset", "-c", "0") if shutil.which("taskset") else ()
    chrt = ("chrt", "-f", "50")
    permitted = shutil.which("chrt") and subprocess.run([*chrt, "true"], capture_output=True, check=False).returncode == 0
    return (*pinned, *chrt) if permitted else pinned


def make_certificate(folder: Path) -> Path | None:
    """A certificate for 127.0.0.1 with its key, in one file; None where there is no openssl."""
    if not shutil.which("openssl"):
        return None
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command += ["-keyout", str(key), "-out", str(certificate), "-subj", "/CN=bench"]
    subprocess.run([*command, "-addext", "subjectAltName=IP:127.0.0.1"], capture_output=True, check=True)
    both.write_text(certificate.read_text() + key.read_text())
    return both


class Suite:
    """The rounds: every run of every contender in turn, in changing order."""

    def __init__(self, build_dir: Path, certificate: Path | None, broker_port: int) -> None:
        self.build_dir = build_dir
        self.certificate = certificate
        self.broker_port = broker_port
        self.measured = Measured(CONTENDERS)

    def program(self, contender: str) -> Path:
        """The program of a contender."""
        return self.build_dir / "bench" / f"transport_{contender}"

    def text_of(self, contender: str, run: Run) -> str:
        """Runs a contender once."""
        command: list[str | Path] = [self.program(contender), run.case, *run.options]
        if "--certificate" in run.options:
            if self.certificate is None:
                raise programs.ProgramError("there is no openssl to make a certificate with")
            command.append(self.certificate)
        if "--through" in run.options:
            command.append(str(self.broker_port))
        return programs.run_text(command)

    def time_once(self, contender: str, run: Run) -> None:
        """One contender's turn; its first failure ends its part in the run."""
        key = (contender, run.name)
        if contender not in run.contenders or key in self.measured.failures or not self.program(contender).exists():
            return
        try:
            record(self.measured, contender, run, run_result(self.text_of(contender, run)))
        except programs.ProgramError as error:
            self.measured.failures[key] = str(error)
            self.measured.times.pop(key, None)

    def measure(self, rounds: int) -> None:
        """All rounds."""
        for number in range(rounds):
            order = CONTENDERS if number % 2 == 0 else tuple(reversed(CONTENDERS))
            for run in RUNS:
                for contender in order:
                    self.time_once(contender, run)
            print(f"bench: round {number + 1} of {rounds}", file=sys.stderr)


# --- Rows.


def thousands(spread: Spread | None) -> Spread | None:
    """Nanoseconds a message as thousand messages a second."""
    if spread is None:
        return None
    return Spread(1e6 / spread.median, 1e6 / spread.maximum, 1e6 / spread.minimum)


def asked_rate(bar: RateBar) -> str:
    """The bar in words."""
    parts = []
    if bar.faster is not None:
        parts.append(f"{bar.faster:g}x faster than Proton or better")
    if bar.share is not None:
        parts.append(f"{bar.share:.0%} of the limit")
    if bar.rate is not None:
        parts.append(f"{bar.rate:.0f} or more")
    return "; ".join(parts)


def rate_row(bar: RateBar, measured: Measured) -> Row:
    """A row of messages a second."""
    ours = thousands(measured.spread(OURS, bar.run))
    peer = thousands(measured.spread(PROTON, bar.run))
    limit = thousands(measured.spread(bar.limit, bar.run))
    to_peer = measured.ratios((PROTON, bar.run), (OURS, bar.run))
    to_limit = measured.ratios((OURS, bar.run), (bar.limit, bar.run))
    wrong = measured.wrong_work(bar.run)
    fast = bar.faster is None or (to_peer is not None and to_peer.median >= bar.faster)
    near = bar.share is None or (to_limit is not None and to_limit.median <= 1 / bar.share)
    enough = bar.rate is None or (ours is not None and ours.median >= bar.rate)
    return Row(
        name=bar.name,
        unit="thousand messages/s",
        ours=ours,
        ours_static=None,
        peer=peer,
        peer_name=PROTON_NAME if peer is not None else None,
        limit=limit,
        limit_name=BOUND_NAMES[bar.limit] if limit is not None else None,
        ratio_to_peer=to_peer,
        ratio_to_limit=to_limit,
        asked=asked_rate(bar),
        holds=ours is not None and fast and near and enough and not wrong,
        note=wrong,
    )


def figure_row(
    name: str,
    unit: str,
    figures: tuple[Spread | None, Spread | None, Spread | None],
    ratios: tuple[Spread | None, Spread | None],
    asked: str,
    holds: bool,
    note: str = "",
) -> Row:
    """A row of any figure of which less is better: ours, the peer's, the limit's."""
    ours, peer, limit = figures
    return Row(
        name=name,
        unit=unit,
        ours=ours,
        ours_static=None,
        peer=peer,
        peer_name=PROTON_NAME if peer is not None else None,
        limit=limit,
        limit_name=BOUND_NAMES[BOUND] if limit is not None else None,
        ratio_to_peer=ratios[0],
        ratio_to_limit=ratios[1],
        asked=asked,
        holds=ours is not None and holds,
        note=note,
    )


def cpu_rows(measured: Measured) -> list[Row]:
    """CPU time a message A, of either end."""
    rows = []
    for end, less in (("sender", 4.0), ("receiver", 3.0)):
        key = f"A_settled:{end}_cpu"
        to_peer = measured.ratios((PROTON, key), (OURS, key))
        figures = (measured.spread(OURS, key), measured.spread(PROTON, key), measured.spread(BOUND, key))
        holds = to_peer is not None and to_peer.median >= less
        ratios = (to_peer, measured.ratios((OURS, key), (BOUND, key)))
        rows.append(figure_row(f"CPU a message A, {end}", "us", figures, ratios, f"{less:g}x less than Proton", holds))
    return rows


def trip_rows(measured: Measured) -> list[Row]:
    """Round trips: ours by the client, with and without its thread in the background."""
    rows = []
    for run, what in (("trip", "off"), ("trip_background", "on")):
        key = (OURS, f"{run}:p50")
        peer, limit = (PROTON, "trip:p50"), (BOUND, "trip:p50")
        to_limit = measured.ratios(key, limit)
        figures = (measured.spread(*key), measured.spread(*peer), measured.spread(*limit))
        holds = to_limit is not None and to_limit.median <= 1.12
        ratios = (measured.ratios(peer, key), to_limit)
        name = f"round trip of 100 B, p50, background {what}"
        rows.append(figure_row(name, "us", figures, ratios, "1.12x the bare ping-pong or better", holds))
    return rows


def call_rows(measured: Measured) -> list[Row]:
    """Calls of the system, waits included; the bound's have no waits."""
    rows = []
    for end, fewest in (("sender", 100), ("receiver", 60)):
        ours = measured.spread(OURS, f"1024B_settled:{end}_calls")
        limit = measured.spread(BOUND, f"1024B_settled:{end}_calls")
        per = None if ours is None else Spread(1 / ours.median, 1 / ours.maximum, 1 / ours.minimum)
        limit_per = None if limit is None else Spread(1 / limit.median, 1 / limit.maximum, 1 / limit.minimum)
        holds = per is not None and per.median > fewest
        name = f"messages of 1 KiB a call of the system, {end}, window 1000"
        rows.append(figure_row(name, "messages", (per, None, limit_per), (None, None), f"more than {fewest}", holds))
    return rows


# --- Idle connections.


def private_bytes(process: int) -> int:
    """What a process has of its own in memory."""
    for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
        if line.startswith("Private_Dirty:"):
            return int(line.split()[1]) * 1024
    return 0


def cpu_seconds(process: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Idle:
    """Idle connections of the broker: how many, its bytes for each, its CPU time in thousandths of one core."""

    count: int
    each: float
    cpu: float


def measure_idle(build_dir: Path, seconds: float) -> Idle:
    """Opens connections to a broker, and looks at its memory and its CPU time."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    count = min(IDLE_CONNECTIONS, hard - SPARE_DESCRIPTORS)
    with started_broker(build_dir) as (broker, port):
        before = private_bytes(broker.pid)
        command = [str(build_dir / "bench" / "transport_idle"), str(port), str(count)]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as clients:
            assert clients.stdin is not None and clients.stdout is not None
            if clients.stdout.readline().strip() != "open":
                raise programs.ProgramError("the idle connections could not be opened")
            time.sleep(SETTLE_SECONDS)
            started = cpu_seconds(broker.pid)
            time.sleep(seconds)
            cpu = (cpu_seconds(broker.pid) - started) / seconds * 1000
            each = (private_bytes(broker.pid) - before) / count
            clients.stdin.close()
    return Idle(count, each, cpu)


def idle_rows(build_dir: Path, seconds: float) -> list[Row]:
    """Memory and CPU time of a broker with nothing to do."""
    try:
        idle = measure_idle(build_dir, seconds)
    except (programs.ProgramError, OSError, ValueError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return []
    name = f"{idle.count} idle connections to the broker"
    none: tuple[None, None] = (None, None)
    each, cpu = Spread.of([idle.each]), Spread.of([idle.cpu])
    return [
        figure_row(f"{name}: memory", "B each", (each, None, None), none, "under 6 KB", idle.each < 6000),
        figure_row(f"{name}: CPU", "thousandths of a core", (cpu, None, None), none, "near zero", idle.cpu < 20),
    ]


def run(build_dir: Path, quick: bool) -> tuple[list[Row], bool]:
    """Measures the suite; also tells whether our own programs ran."""
    with tempfile.TemporaryDirectory() as folder, started_broker(build_dir, broker_prefix()) as (_, port):
        suite = Suite(build_dir, make_certificate(Path(folder)), port)
        suite.measure(3 if quick else 11)
    measured = suite.measured
    rows = [rate_row(bar, measured) for bar in RATE_BARS]
    rows += cpu_rows(measured) + trip_rows(measured) + call_rows(measured)
    rows += idle_rows(build_dir, 3.0 if quick else IDLE_SECONDS)
    measured.print_failures()
    return rows, all(row.ours is not None for row in rows)
