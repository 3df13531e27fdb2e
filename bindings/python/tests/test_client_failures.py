"""What the clients do when things go wrong: lost connections, brokers that are away, threads and tasks that share, cancellation."""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import amqpcodec
import pytest
from amqpcodec import aio
from amqpcodec.testing import Broker
from client_fixtures import PATIENCE_S, Proxy, connect_aio, connect_awaited, queue_name, run

Connect = Callable[..., Any]
QUICK = {"reconnect_delay": 0.01, "reconnect_delay_max": 0.05}


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker() as broker:
        yield broker


@pytest.fixture(params=[connect_awaited, connect_aio], ids=["sync", "asyncio"])
def connect(request: pytest.FixtureRequest) -> Any:
    return request.param


def unused_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def test_a_cut_connection_comes_back_with_its_links(broker: Broker, connect: Connect) -> None:
    async def test(proxy: Proxy) -> None:
        name = queue_name()
        async with await connect(proxy.url, **QUICK) as connection:
            sender, receiver = connection.sender(name), connection.receiver(name)
            await sender.send("one")
            message = await receiver.receive(timeout=PATIENCE_S)
            receiver.accept(message)
            proxy.cut()
            await sender.send("two", timeout=PATIENCE_S)
            while (await receiver.receive(timeout=PATIENCE_S)).body != "two":
                pass  # the broker may not have heard that the first was accepted
            kinds = [event.kind for event in connection.events()]
            assert kinds == ["connected", "disconnected", "connected"]
            assert connection.statistics()["connects"] == 2

    with Proxy(broker.port) as proxy:
        run(test(proxy))


def test_a_broker_that_is_restarted_is_found_again_while_messages_are_sent(connect: Connect) -> None:
    async def test(broker: Broker) -> None:
        name = queue_name()
        async with await connect(broker.url, **QUICK) as connection:
            sender = connection.sender(name)
            await sender.send("before")
            broker.kill()
            posted = await sender.post("meanwhile") if sender.credit else None
            broker.start()
            await sender.send("after", timeout=PATIENCE_S)
            if posted is not None:
                await posted
            receiver = connection.receiver(name)
            bodies = {(await receiver.receive(timeout=PATIENCE_S)).body for _ in range(1 if posted is None else 2)}
            assert "after" in bodies

    with Broker() as broker:
        run(test(broker))


def test_an_outcome_that_nobody_knows_says_so(broker: Broker, connect: Connect) -> None:
    async def test(proxy: Proxy) -> None:
        async with await connect(proxy.url, container_id=None, **QUICK) as connection:
            sender = connection.sender(queue_name(), guarantee="once-or-unknown")
            await sender.send("known")
            proxy.hold()
            posted = await sender.post("unknown")
            with pytest.raises(amqpcodec.AmqpTimeoutError):
                await sender.flush(timeout=0.2)
            proxy.cut()
            proxy.let_go()
            try:
                outcome = await posted
                assert outcome.state == "accepted"  # the peer remembered
            except amqpcodec.OutcomeError as error:
                assert error.outcome == "unknown"

    with Proxy(broker.port) as proxy:
        run(test(proxy))


def test_a_connection_that_is_not_to_come_back_fails_for_good(broker: Broker, connect: Connect) -> None:
    async def test(proxy: Proxy) -> None:
        async with await connect(proxy.url, reconnect=False) as connection:
            sender, receiver = connection.sender(queue_name()), connection.receiver(queue_name())
            await sender.send("one")
            proxy.cut()
            with pytest.raises(amqpcodec.AmqpConnectionError):
                await receiver.receive(timeout=PATIENCE_S)
            with pytest.raises(amqpcodec.AmqpConnectionError):
                await sender.send("two", timeout=PATIENCE_S)
            assert connection.state == "failed"
            assert isinstance(connection.last_error, amqpcodec.AmqpConnectionError)

    with Proxy(broker.port) as proxy:
        run(test(proxy))


def test_connecting_to_nobody_fails_with_the_reason(connect: Connect) -> None:
    async def test() -> None:
        port = unused_port()
        with pytest.raises(amqpcodec.AmqpConnectionError, match="refused"):
            await connect(f"amqp://127.0.0.1:{port}/", reconnect=False)
        connecting = aio.connect if connect is connect_aio else amqpcodec.connect
        with pytest.raises(amqpcodec.AmqpTimeoutError, match="refused"):
            waiting: Any = connecting(f"amqp://127.0.0.1:{port}/", timeout=0.1)
            await waiting

    run(test())


def test_wrong_credentials_are_an_authentication_error(connect: Connect) -> None:
    async def test(broker: Broker) -> None:
        with pytest.raises(amqpcodec.AuthenticationError):
            await connect(f"amqp://127.0.0.1:{broker.port}/", user="somebody", password="wrong")
        async with await connect(f"amqp://127.0.0.1:{broker.port}/", user="somebody", password="right") as connection:
            assert connection.is_open

    with Broker(users={"somebody": "right"}) as broker:
        run(test(broker))


def test_a_list_of_hosts_is_tried(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        async with await connect(f"amqp://127.0.0.1:{unused_port()}/,amqp://127.0.0.1:{broker.port}/") as connection:
            assert connection.is_open

    run(test())


# --- Messages that do not decode.


def raw_sender(port: int, name: str, payloads: list[bytes]) -> None:
    """Sends bytes that no library would, as messages."""

    def described(code: int, fields: bytes, count: int) -> bytes:
        return b"\x00\x53" + bytes([code]) + b"\xd0" + struct.pack(">II", len(fields) + 4, count) + fields

    def text(value: str, code: bytes = b"\xa1") -> bytes:
        return code + bytes([len(value)]) + value.encode()

    def frame(body: bytes) -> bytes:
        return struct.pack(">IBBH", len(body) + 8, 2, 0, 0) + body

    target = described(0x29, text(name), 1)
    attach = described(0x12, text("raw") + b"\x43" + b"\x42" + b"\x50\x01" + b"\x40" + described(0x28, b"", 0) + target + b"\x40\x40\x43", 10)
    said = b"AMQP\x00\x01\x00\x00" + frame(described(0x10, text("raw"), 1))
    said += frame(described(0x11, b"\x40\x43\x52\x64\x52\x64", 4)) + frame(attach)
    with socket.create_connection(("127.0.0.1", port), PATIENCE_S) as connection:
        connection.sendall(said)
        received = b""
        while b"\x00\x53\x13" not in received:  # flow
            received += connection.recv(4096)
        for number, payload in enumerate(payloads):
            transfer = described(0x14, b"\x43\x52" + bytes([number]) + b"\xa0\x01" + bytes([number]) + b"\x43\x41", 5)
            connection.sendall(frame(transfer + payload))
        connection.sendall(frame(described(0x18, b"", 0)))
        while connection.recv(4096):
            pass


def test_a_message_that_does_not_decode_can_be_rejected_and_the_next_comes(broker: Broker, connect: Connect) -> None:
    def value(text: str) -> bytes:
        return b"\x00\x53\x77\xa1" + bytes([len(text)]) + text.encode()

    broken = b"\x00\x53\x77\xa1\x05no"
    name = queue_name()
    raw_sender(broker.port, name, [value("one"), broken, value("two"), value("three")])

    async def test() -> None:
        async with await connect(broker.url) as connection:
            receiver = connection.receiver(name)
            bodies: list[Any] = []
            while len(bodies) < 3:
                try:
                    async for message in receiver:
                        receiver.accept(message)
                        bodies.append(message.body)
                        if len(bodies) == 3:
                            break
                except amqpcodec.DecodeError as error:
                    assert error.data == broken
                    assert receiver.reject(error, "amqp:decode-error")
                    bodies.append(None)
                    bodies.remove(None)
            assert bodies == ["one", "two", "three"]
            assert await receiver.receive_batch(1, timeout=0.05) == []

    run(test())


# --- Sharing.


def test_threads_share_a_connection_and_a_sender_while_another_is_busy(broker: Broker) -> None:
    name = queue_name()
    stop = threading.Event()

    def be_busy() -> None:
        while not stop.is_set():
            sum(range(1000))

    def send(sender: amqpcodec.Sender, first: int) -> None:
        for number in range(first, first + 20):
            sender.send(number, timeout=PATIENCE_S)

    def receive(receiver: amqpcodec.Receiver, bodies: list[int], count: int) -> None:
        while len(bodies) < count:
            try:
                message = receiver.receive(timeout=0.2)
            except amqpcodec.AmqpTimeoutError:
                continue
            receiver.accept(message)
            bodies.append(message.body)

    with amqpcodec.connect(broker.url) as connection:
        sender, receiver = connection.sender(name), connection.receiver(name)
        bodies: list[int] = []
        threads = [threading.Thread(target=send, args=(sender, 20 * index)) for index in range(6)]
        threads += [threading.Thread(target=receive, args=(receiver, bodies, 120)) for _ in range(2)]
        busy = threading.Thread(target=be_busy)
        busy.start()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
        stop.set()
        busy.join()
        assert not any(thread.is_alive() for thread in threads)
        assert sorted(bodies) == list(range(120))


def test_closing_ends_the_waits_of_other_threads(broker: Broker) -> None:
    ended: list[BaseException] = []
    connection = amqpcodec.connect(broker.url)
    receiver = connection.receiver(queue_name())
    receiver.wait_open()

    def receive() -> None:
        try:
            receiver.receive()
        except amqpcodec.AmqpError as error:
            ended.append(error)

    threads = [threading.Thread(target=receive) for _ in range(3)]
    for thread in threads:
        thread.start()
    time.sleep(0.05)  # most of them wait by now; the others find it closed
    connection.close()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert [type(error) for error in ended] == [amqpcodec.ClosedError] * 3


def test_many_tasks_share_a_sender_and_a_receiver(broker: Broker) -> None:
    async def test() -> None:
        name = queue_name()
        async with aio.connect(broker.url) as connection:
            sender, receiver = connection.sender(name), connection.receiver(name)
            bodies: list[int] = []

            async def receive() -> None:
                async for message in receiver:
                    receiver.accept(message)
                    bodies.append(message.body)
                    if len(bodies) == 500:
                        await receiver.close()

            receiving = [asyncio.ensure_future(receive()) for _ in range(5)]
            await asyncio.gather(*(sender.send(number) for number in range(500)))
            await asyncio.wait_for(asyncio.gather(*receiving), PATIENCE_S)
            assert sorted(bodies) == list(range(500))

    run(test())


def test_row_112_a_cancelled_send_is_unknown_and_the_link_goes_on(broker: Broker) -> None:
    async def test(proxy: Proxy) -> None:
        async with aio.connect(proxy.url) as connection:
            sender = connection.sender(queue_name())
            await sender.send("first")
            proxy.hold()
            said: list[str] = []

            async def send() -> None:
                try:
                    await sender.send("second")
                except asyncio.CancelledError as error:
                    said.append(str(error))
                    raise

            sending = asyncio.ensure_future(send())
            while connection.statistics()["deliveries_sent"] < 2:
                await asyncio.sleep(0.001)
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
            unsent = asyncio.ensure_future(sender.send("third"))
            await asyncio.sleep(0)
            unsent.cancel()
            with pytest.raises(asyncio.CancelledError):
                await unsent
            proxy.let_go()
            assert (await sender.send("fourth")).state == "accepted"
            assert (await sender.send_many(["fifth"]))[0].state == "accepted"
        assert "its outcome is unknown" in said[0]

    with Proxy(broker.port) as proxy:
        run(test(proxy))


def test_row_112_cancelled_receives_and_requests_lose_nothing(broker: Broker) -> None:
    async def test() -> None:
        name = queue_name()
        async with aio.connect(broker.url) as connection:
            receiver, requester = connection.receiver(name), connection.requester(queue_name())
            for waiting in (receiver.receive(), receiver.receive_batch(5), requester.call("x")):
                task = asyncio.ensure_future(waiting)
                await asyncio.sleep(0.01)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
            await connection.sender(name).send("kept")
            assert (await receiver.receive(timeout=PATIENCE_S)).body == "kept"

    run(test())


def test_nothing_blocks_the_loop(broker: Broker) -> None:
    async def test(proxy: Proxy) -> None:
        async with aio.connect(proxy.url) as connection:
            sender, receiver = connection.sender(queue_name()), connection.receiver(queue_name())
            await sender.wait_open()
            proxy.hold()
            waiting = [asyncio.ensure_future(one) for one in (sender.send("x"), sender.send_many(range(2000)), receiver.receive(), sender.flush())]
            for _ in range(1000):  # whatever blocked the loop would go on when the proxy does, and be done
                await asyncio.sleep(0)
            assert not any(task.done() for task in waiting)
            proxy.let_go()
            waiting.pop(2).cancel()
            await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE_S)

    with Proxy(broker.port) as proxy:
        run(test(proxy))
