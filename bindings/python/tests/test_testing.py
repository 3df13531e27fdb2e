"""amqpcodec.testing: the embedded broker as a process, its options, and what it says."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
from importlib.metadata import distributions
from pathlib import Path

import pytest
from amqpcodec import testing

pytest_plugins = ["pytester"]

TIMEOUT_S = 30
SASL_HEADER = b"AMQP\x03\x01\x00\x00"


def answers(port: int) -> bool:
    """Whether somebody at that port shakes hands."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
        connection.sendall(SASL_HEADER)
        return connection.recv(8) == SASL_HEADER


def test_broker_serves_at_its_port_and_ends_with_the_block() -> None:
    with testing.Broker() as broker:
        assert answers(broker.port)
        assert broker.url == f"amqp://127.0.0.1:{broker.port}/"
        pid = broker.pid
        assert pid is not None
        os.kill(pid, 0)
        assert f"process {pid}" in repr(broker)
    assert broker.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(ConnectionRefusedError):
        answers(broker.port)


def test_brokers_run_side_by_side() -> None:
    with testing.Broker() as one, testing.Broker() as other:
        assert one.port != other.port
        assert answers(one.port)
        assert answers(other.port)


def test_stop_and_kill_are_harmless_where_nothing_runs() -> None:
    broker = testing.Broker()
    broker.stop()
    broker.kill()
    with broker:
        broker.kill()
        broker.kill()
        broker.stop()


def test_broker_comes_back_at_the_port_that_it_had() -> None:
    with testing.Broker() as broker:
        port, url = broker.port, broker.url
        broker.kill()
        with pytest.raises(ConnectionRefusedError):
            answers(port)
        broker.start()
        assert (broker.port, broker.url) == (port, url)
        assert answers(port)
        broker.start()
        broker.restart()
        assert broker.port == port
        assert answers(port)


def test_statistics_come_while_it_runs_and_after_its_end() -> None:
    with testing.Broker() as broker:
        assert broker.statistics()["connections-made"] == 0
        answers(broker.port)
        assert broker.statistics()["connections-made"] == 1
        answers(broker.port)
    assert broker.statistics()["connections-made"] == 2
    assert broker.statistics()["queues"] == []


def test_statistics_are_refused_where_there_are_none() -> None:
    broker = testing.Broker()
    with pytest.raises(testing.BrokerError, match="does not run"):
        broker.statistics()
    with broker:
        broker.kill()
        with pytest.raises(testing.BrokerError, match="does not run"):
            broker.statistics()


def test_port_and_url_are_not_known_before_the_first_start() -> None:
    broker = testing.Broker()
    with pytest.raises(testing.BrokerError, match="no port yet"):
        broker.port  # noqa: B018
    with pytest.raises(testing.BrokerError, match="no port yet"):
        broker.url  # noqa: B018


def test_port_that_is_taken_is_said() -> None:
    with testing.Broker() as broker, pytest.raises(testing.BrokerError, match="Address already in use"):
        testing.Broker(port=broker.port).start()


def test_options_that_the_broker_refuses_are_shown_with_what_it_says_but_without_passwords() -> None:
    with pytest.raises(testing.BrokerError, match="frobnicate") as caught:
        testing.Broker(users={"alice": "the secret"}, options=["--frobnicate"]).start()
    assert "--user=alice:..." in str(caught.value)
    assert "the secret" not in str(caught.value)


def test_broker_that_crashed_is_told_by_stop() -> None:
    broker = testing.Broker()
    broker.start()
    assert broker.pid is not None
    os.kill(broker.pid, signal.SIGKILL)
    with pytest.raises(testing.BrokerError, match="status -9"):
        broker.stop()
    broker.stop()


def test_broker_that_crashed_can_be_started_again() -> None:
    with testing.Broker() as broker:
        assert broker.pid is not None
        os.kill(broker.pid, signal.SIGKILL)
        assert broker._process is not None
        broker._process.wait(timeout=30)
        broker.start()
        assert answers(broker.port)


def test_url_has_the_first_user_in_percent_encoding() -> None:
    with testing.Broker(users={"a b": "p@ss:/?#%", "second": "other"}) as broker:
        assert broker.url == f"amqp://a%20b:p%40ss%3A%2F%3F%23%25@127.0.0.1:{broker.port}/"


def test_url_with_tls_says_what_to_trust(tmp_path: Path) -> None:
    certificate = tmp_path / "server.pem"
    words = ["-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(["openssl", "req", "-x509", *words, "-keyout", str(certificate), "-out", str(tmp_path / "only.pem")], check=True, capture_output=True)
    certificate.write_bytes(certificate.read_bytes() + (tmp_path / "only.pem").read_bytes())
    with testing.Broker(certificate=certificate, host="localhost") as broker:
        assert broker.url == f"amqps://localhost:{broker.port}/?ca={certificate}"
    with testing.Broker(certificate=certificate, authority=tmp_path / "only.pem", host="localhost") as broker:
        assert broker.url.endswith(f"/?ca={tmp_path / 'only.pem'}")


def test_log_has_what_the_broker_prints(tmp_path: Path) -> None:
    log = tmp_path / "broker.log"
    with testing.Broker(log=log, memory=10**6, queue_memory=10**5, credit=10, max_message_size=5000, idle_timeout=60) as broker:
        broker.restart()
    text = log.read_text()
    assert text.count(f"listening on amqp://127.0.0.1:{broker.port}\n") == 2
    assert text.count("--memory=1000000 --queue-memory=100000 --max-message-size=5000 --credit=10 --idle-timeout=60") == 2
    assert text.count('"connections-made": 0') == 2
    assert broker.output == f"listening on amqp://127.0.0.1:{broker.port}\n"


def test_broker_ends_with_a_program_that_is_killed() -> None:
    program = "from amqpcodec import testing; broker = testing.Broker(options=['--stop-timeout=100']); broker.start(); print(broker.port, flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        port = int(process.stdout.readline())
        with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S) as connection:
            process.kill()
            connection.sendall(SASL_HEADER)
            while connection.recv(4096):
                pass  # until the broker has gone


def test_tool_is_found_by_the_environment_and_by_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(testing, "__file__", str(tmp_path / "testing.py"))  # a package without the command
    tool = tmp_path / "amqpcodec"
    tool.write_text("#!/bin/sh\n")
    tool.chmod(0o755)
    monkeypatch.delenv("AMQPCODEC_TOOL", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert testing.find_tool() == str(tool)
    monkeypatch.setenv("PATH", str(tmp_path / "elsewhere"))
    with pytest.raises(testing.BrokerError, match="AMQPCODEC_TOOL is not set, and PATH has no amqpcodec"):
        testing.find_tool()
    monkeypatch.setenv("AMQPCODEC_TOOL", str(tool))
    assert testing.find_tool() == str(tool)
    monkeypatch.setenv("AMQPCODEC_TOOL", str(tmp_path / "missing"))
    with pytest.raises(testing.BrokerError, match="missing cannot be run"):
        testing.find_tool()


# --- The fixture.


def run_pytest(pytester: pytest.Pytester, text: str, *words: str) -> pytest.RunResult:
    """Runs a file of tests where the plugin is loaded as an installed package's would be."""
    plugin = [] if is_registered() else ["-p", "amqpcodec._pytest_plugin"]
    pytester.makepyfile(textwrap.dedent(text))
    return pytester.runpytest_inprocess("-p", "no:cacheprovider", "-W", "error", "--strict-markers", *plugin, *words)


def is_registered() -> bool:
    """Whether an entry point loads the plugin, as it does where the package is installed."""
    points = [point for found in distributions() for point in found.entry_points]
    return any(point.group == "pytest11" and point.value == "amqpcodec._pytest_plugin" for point in points)


TWO_TESTS = """
    ports = set()

    def test_one(amqp_broker):
        assert amqp_broker.pid
        ports.add(amqp_broker.pid)

    def test_two(amqp_broker):
        ports.add(amqp_broker.pid)
        assert len(ports) == {expected}
"""


def test_fixture_gives_each_test_a_broker(pytester: pytest.Pytester) -> None:
    run_pytest(pytester, TWO_TESTS.format(expected=2)).assert_outcomes(passed=2)


@pytest.mark.parametrize("scope", ["module", "session"])
def test_fixture_is_shared_where_the_configuration_says_so(pytester: pytest.Pytester, scope: str) -> None:
    run_pytest(pytester, TWO_TESTS.format(expected=1), "-o", f"amqp_broker_scope={scope}").assert_outcomes(passed=2)


def test_scope_that_is_none_is_an_error(pytester: pytest.Pytester) -> None:
    result = run_pytest(pytester, TWO_TESTS.format(expected=1), "-o", "amqp_broker_scope=galaxy")
    assert result.ret != 0
    assert "amqp_broker_scope has to be one of function, class, module, package, session, not 'galaxy'" in result.stdout.str() + result.stderr.str()


def test_marker_gives_the_broker_options(pytester: pytest.Pytester) -> None:
    text = """
        import pytest

        pytestmark = pytest.mark.amqp_broker(users={"module": "m"}, credit=7)

        def test_of_the_module(amqp_broker):
            assert "//module:m@" in amqp_broker.url

        @pytest.mark.amqp_broker(users={"test": "t"})
        def test_of_the_test(amqp_broker):
            assert "//test:t@" in amqp_broker.url
    """
    run_pytest(pytester, text).assert_outcomes(passed=2)


def test_marker_without_names_is_an_error(pytester: pytest.Pytester) -> None:
    result = run_pytest(pytester, "import pytest\n\n@pytest.mark.amqp_broker(5)\ndef test_it(amqp_broker):\n    pass\n")
    result.assert_outcomes(errors=1)
    assert "takes options by name" in result.stdout.str()
