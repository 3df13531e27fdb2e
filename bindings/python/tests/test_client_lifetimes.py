"""When things of the clients end: with the interpreter, with a fork, as garbage, by a signal; and under gevent and uvloop."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import amqpcodec
import pytest
from amqpcodec import aio
from amqpcodec.testing import Broker
from client_fixtures import PATIENCE_S, Proxy, queue_name, run


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker() as broker:
        yield broker


def run_program(text: str, *arguments: str) -> str:
    """Runs a program to its success, and gives what it printed; nothing may come by the standard error."""
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(text), *arguments]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert ran.stderr == ""
    assert ran.returncode == 0
    return ran.stdout


# --- Garbage.


def test_row_108_a_connection_in_a_garbage_cycle_is_closed(broker: Broker) -> None:
    class Holder:
        pass

    def make() -> weakref.ref[Any]:
        holder: Any = Holder()
        holder.connection = amqpcodec.connect(broker.url)
        holder.sender = holder.connection.sender(queue_name())
        holder.receiver = holder.connection.receiver(queue_name())
        holder.sender.send("x")
        holder.myself = holder
        return weakref.ref(holder.connection._core)

    before = broker.statistics()["connections"]
    with pytest.warns(ResourceWarning, match="unclosed AMQP connection"):
        core = make()
        for _ in range(3):
            gc.collect()
    assert core() is None
    end = time.monotonic() + PATIENCE_S
    while broker.statistics()["connections"] != before:
        assert time.monotonic() < end


def test_row_108_links_and_messages_outlive_their_connection(broker: Broker) -> None:
    name = queue_name()
    connection = amqpcodec.connect(broker.url)
    sender, receiver = connection.sender(name), connection.receiver(name)
    posted = sender.post("kept")
    message = receiver.receive(timeout=PATIENCE_S)
    iterator = iter(receiver)
    connection.close()
    del connection
    gc.collect()
    assert message.body == "kept"
    assert posted.result().state == "accepted"
    assert list(iterator) == []
    for call in (lambda: sender.send("x"), lambda: sender.post("x"), lambda: sender.address, receiver.receive, lambda: receiver.accept(message)):
        with pytest.raises(amqpcodec.ClosedError):
            call()
    sender.close()
    receiver.close()


# --- Code of the program that is called.


def test_row_110_exceptions_in_callbacks_and_iterables_harm_nothing(broker: Broker, caplog: pytest.LogCaptureFixture) -> None:
    def fail(_: amqpcodec.Posted) -> None:
        raise RuntimeError("of the program")

    def messages() -> Iterator[str]:
        yield "one"
        raise RuntimeError("of the program")

    class Broken:
        def __buffer__(self, flags: int) -> memoryview:
            raise RuntimeError("of the program")

        def __index__(self) -> int:
            raise RuntimeError("of the program")

    told: list[amqpcodec.Posted] = []
    with amqpcodec.connect(broker.url) as connection:
        sender = connection.sender(queue_name())
        posted = sender.post("x")
        posted.add_done_callback(fail)
        posted.add_done_callback(told.append)
        assert posted.result().state == "accepted"
        assert told == [posted]
        assert "of the program" in caplog.text
        with pytest.raises(RuntimeError, match="of the program"):
            sender.send_many(messages())
        with pytest.raises((amqpcodec.EncodeError, RuntimeError)):
            sender.send([Broken()])
        assert sender.send("still well").state == "accepted"


# --- The end of the interpreter.


@pytest.mark.parametrize("ending", ["", "sys.exit(0)"])
def test_row_111_the_interpreter_ends_with_connections_open(broker: Broker, ending: str) -> None:
    program = f"""
        import sys, threading, warnings, amqpcodec
        warnings.simplefilter("ignore", ResourceWarning)
        connection = amqpcodec.connect(sys.argv[1])
        sender, receiver = connection.sender("end"), connection.receiver("end-too")
        posted = sender.post("x")
        receiver.wait_open()
        threading.Thread(target=receiver.receive, daemon=True).start()
        threading.Thread(target=lambda: list(receiver), daemon=True).start()
        print("well")
        {ending}
    """
    assert run_program(program, broker.url) == "well\n"


def test_row_111_the_interpreter_ends_with_a_loop_that_was_left(broker: Broker) -> None:
    program = """
        import asyncio, sys, warnings
        from amqpcodec import aio
        warnings.simplefilter("ignore", ResourceWarning)
        kept = []
        async def main():
            connection = await aio.connect(sys.argv[1])
            kept.append(connection)
            kept.append(connection.receiver("end"))
            await connection.sender("end-too").send("x")
            print("well")
        asyncio.run(main())
    """
    assert run_program(program, broker.url) == "well\n"


# --- Signals.


@pytest.mark.parametrize(
    "waiting",
    [
        "receiver.receive()",
        "receiver.receive_batch(10)",
        "next(iter(receiver))",
        "sender.send_many(itertools.repeat('x'))",
        "connection.requester('nobody').call('x', timeout=None)",
        "held.send('x', timeout=None)",
    ],
)
def test_a_signal_interrupts_every_wait(waiting: str) -> None:
    program = f"""
        import itertools, signal, sys, amqpcodec
        signal.signal(signal.SIGINT, signal.default_int_handler)  # Python does not, where whoever started the tests ignores it
        connection = amqpcodec.connect(sys.argv[1])
        sender, receiver = connection.sender("signals"), connection.receiver("signals-none")
        held = connection.sender("held", window=1)
        receiver.wait_open()
        try:
            print("waits", flush=True)
            {waiting}
        except KeyboardInterrupt:
            print("interrupted", flush=True)
        connection.close()
    """
    if waiting.startswith("held"):
        program = program.replace("receiver.wait_open()", "receiver.wait_open(); import os; os.kill(int(sys.argv[2]), 19)")
    with Broker(queue_memory=1_000_000) as own:
        command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program), own.url, str(own.pid)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "waits\n"
            killer = threading.Timer(0.05, process.send_signal, (signal.SIGINT,))
            killer.start()
            assert process.stdout.readline() == "interrupted\n"
            if waiting.startswith("held"):
                os.kill(own.pid or 0, signal.SIGCONT)
            assert process.wait(PATIENCE_S) == 0


@pytest.mark.parametrize("waiting", ["send", "post"])
def test_the_handler_of_a_signal_may_send_by_the_sender_that_waits(broker: Broker, waiting: str) -> None:
    inner: list[amqpcodec.Outcome] = []
    with Proxy(broker.port) as proxy, amqpcodec.connect(proxy.url) as connection:
        sender = connection.sender(queue_name())
        sender.send("first")

        def handle(*_: object) -> None:
            proxy.let_go()
            inner.append(sender.send("inner", timeout=PATIENCE_S))

        before = signal.signal(signal.SIGALRM, handle)
        try:
            proxy.hold()
            signal.setitimer(signal.ITIMER_REAL, 0.05)
            outer = sender.send("outer", timeout=PATIENCE_S) if waiting == "send" else sender.post("outer").result(timeout=PATIENCE_S)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
        assert outer.is_accepted
        assert [outcome.state for outcome in inner] == ["accepted"]


# --- Fork.


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_in_the_child_of_a_fork_calls_raise_and_the_parent_goes_on(broker: Broker) -> None:
    name = queue_name()
    with amqpcodec.connect(broker.url) as connection:
        sender, receiver = connection.sender(name), connection.receiver(name)
        sender.send("before")
        child = os.fork()
        if child == 0:
            status = 1
            try:
                calls: list[Callable[[], object]] = [
                    lambda: sender.send("x"),
                    lambda: receiver.receive(timeout=1),
                    lambda: connection.sender("x"),
                    connection.wait_open,
                ]
                refused = 0
                for call in calls:
                    try:
                        call()
                    except amqpcodec.AmqpError as error:
                        refused += error.status == amqpcodec.Status.FORKED
                connection.close()
                status = 0 if refused == len(calls) else 1
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert sender.send("after").state == "accepted"
        assert [receiver.receive(timeout=PATIENCE_S).body for _ in range(2)] == ["before", "after"]


# --- Other loops, and interpreters.


def test_row_113_gevent(broker: Broker) -> None:
    pytest.importorskip("gevent", reason="gevent is not installed")
    program = """
        from gevent import monkey; monkey.patch_all()
        import sys, gevent, amqpcodec
        ticks = []
        def tick():
            while True:
                ticks.append(1)
                gevent.sleep(0.001)
        ticking = gevent.spawn(tick)
        with amqpcodec.connect(sys.argv[1]) as connection:
            sender, receiver = connection.sender("gevent"), connection.receiver("gevent")
            receiving = [gevent.spawn(lambda: [receiver.receive().body for _ in range(50)]) for _ in range(4)]
            gevent.sleep(0.02)
            sending = [gevent.spawn(sender.send, number) for number in range(100)]
            assert [outcome.state for outcome in sender.send_many(range(100, 200))] == ["accepted"] * 100
            gevent.joinall(receiving + sending, timeout=20)
            assert sorted(sum((one.value for one in receiving), [])) == list(range(200))
            before = len(ticks)
            try:
                receiver.receive(timeout=0.1)
                raise SystemExit("there was nothing to receive")
            except amqpcodec.AmqpTimeoutError:
                pass
            assert len(ticks) > before + 1, "others had no turn"
        ticking.kill()
        print("well")
    """
    environment = "import warnings; warnings.simplefilter('ignore')\n"  # gevent's own
    assert run_program(environment + textwrap.dedent(program), broker.url) == "well\n"


def test_uvloop(broker: Broker) -> None:
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed")

    async def test() -> None:
        name = queue_name()
        async with aio.connect(broker.url) as connection:
            sender = connection.sender(name)
            await asyncio.gather(*(sender.send(number) for number in range(200)))
            count = 0
            async for message in connection.receiver(name):
                assert message.body == count
                count += 1
                if count == 200:
                    break

    loop = uvloop.new_event_loop()
    try:
        loop.run_until_complete(asyncio.wait_for(test(), PATIENCE_S))
    finally:
        loop.close()


def test_row_114_data_that_is_handed_to_c_does_not_move(broker: Broker) -> None:
    """Of PyPy's collector, which moves objects; the others only free them."""
    name = queue_name()
    with amqpcodec.connect(broker.url) as connection:
        sender, receiver = connection.sender(name), connection.receiver(name)
        for size in (0, 1, 100, 5000, 70_000, 300_000):
            body = bytes(range(256)) * (size // 256 + 1)
            posted = sender.post(body)
            garbage: list[Any] = [bytearray(1000) for _ in range(1000)]
            del garbage
            gc.collect()
            posted.result()
            message = receiver.receive(timeout=PATIENCE_S)
            receiver.accept(message)
            del posted
            gc.collect()
            assert message.body == body


def test_row_115_subinterpreters_get_a_clear_import_error() -> None:
    program = """
        try:
            import _interpreters as interpreters
        except ImportError:
            try:
                import _xxsubinterpreters as interpreters
            except ImportError:
                print("ImportError: none")
                raise SystemExit
        identity = interpreters.create()
        text = '''
        try:
            import amqpcodec
        except ImportError as error:
            print("ImportError:", error, flush=True)
        '''
        import textwrap
        interpreters.run_string(identity, textwrap.dedent(text))
    """
    printed = run_program(program)
    assert printed.startswith("ImportError:")
    assert "none" in printed or "interpreter" in printed


def test_tasks_of_a_closed_connection_end(broker: Broker) -> None:
    async def test() -> None:
        connection = await aio.connect(broker.url)
        receiver, requester = connection.receiver(queue_name()), connection.requester(queue_name())
        waiting = [asyncio.ensure_future(one) for one in (receiver.receive(), requester.call("x"))]
        await receiver.wait_open()
        await asyncio.sleep(0)
        await connection.close()
        for one in waiting:
            with pytest.raises(amqpcodec.AmqpError):
                await asyncio.wait_for(one, PATIENCE_S)

    run(test())
