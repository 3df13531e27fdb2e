"""The act in Python of ./run demo, in its short form: this package alone, and few messages."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

import pytest
from amqpcodec.testing import Broker

pytestmark = pytest.mark.slow  # which interpreter it is makes no difference to the act

DEMO = Path(__file__).resolve().parents[3] / "tests" / "demo"
COUNT = 3000


@pytest.fixture
def act(monkeypatch: pytest.MonkeyPatch) -> Any:
    """tests/demo/python_act.py."""
    monkeypatch.syspath_prepend(str(DEMO))
    return importlib.import_module("python_act")


def environment_of(act: Any) -> Any:
    """This interpreter, with the package as it is imported here; nothing is installed."""
    package = Path(sys.modules["amqpcodec"].__path__[0]).parent
    reason = "the tests install nothing"
    names = ("azure-eventhub", "python-qpid-proton", "matplotlib")
    return act.Environment(Path(sys.executable), dict.fromkeys(names, reason), package)


def test_messages_go_settled_and_unsettled(act: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with Broker() as broker:
        stage = act.Stage(broker.url, "demo", broker.pid)
        lines = act.measure_all(environment_of(act), stage, {True: COUNT, False: COUNT})
        counts = broker.statistics()["messages"]
    assert [line.name for line in lines] == ["Python, amqpcodec, settled", "Python, amqpcodec, unsettled"]
    assert [line.summary["received"] for line in lines] == [COUNT, COUNT]
    assert all(line.summary["messages_per_second"] > 0 for line in lines)
    assert (counts["received"], counts["accepted"]) == (2 * COUNT, COUNT)
    output = capsys.readouterr().out
    assert "Python, pyamqp is not measured: pip cannot install azure-eventhub (the tests install nothing)" in output


def test_broker_of_others_is_not_swamped(act: Any) -> None:
    environment = environment_of(act)
    with Broker() as broker:
        stage = act.Stage(broker.url, "demo", None, backlog=100)
        line = act.measure(environment.python, environment.package, act.OURS, stage, COUNT, True)
    assert (line.summary["received"], line.broker_cpu_us) == (COUNT, None)


def test_what_fails_is_left_out_with_a_sentence(act: Any, capsys: pytest.CaptureFixture[str]) -> None:
    stage = act.Stage("amqp://127.0.0.1:1?reconnect=false", "demo", None)
    assert act.measure_all(environment_of(act), stage, {True: 1, False: 1}) == []
    assert "Python, amqpcodec is left out: Python, amqpcodec failed: " in capsys.readouterr().out


def test_chart_that_cannot_be_drawn_is_left_out_with_a_sentence(act: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    act.draw_chart(environment_of(act), [], tmp_path / "demo")
    assert capsys.readouterr().out == "There is no chart: pip cannot install matplotlib (the tests install nothing)\n"
    assert not (tmp_path / "demo").exists()


def test_summary_has_the_words_of_perf(act: Any) -> None:
    common = {"cpu_seconds": 0.5, "peak_bytes": 10, "p50_us": 1.0, "p99_us": 2.0, "moved": 1000}
    sender = {**common, "started_ns": 1_000_000_000, "ended_ns": 0}
    receiver = {**common, "started_ns": 0, "ended_ns": 3_000_000_000, "peak_bytes": 20}
    assert json.loads(json.dumps(act.summary_of(sender, receiver))) == {
        "received": 1000,
        "messages_per_second": 500.0,
        "megabytes_per_second": 0.05,
        "latency_us": {"p50": 1.0, "p99": 2.0},
        "cpu_us": {"sender": 500.0, "receiver": 500.0},
        "peak_bytes": 20,
    }
