"""What a Python person expects of any package: that mistakes are told in words of theirs, that things can be copied, and what is left open is said."""

from __future__ import annotations

import asyncio
import copy
import gc
import pickle
import socket
import subprocess
import sys
import threading
import warnings
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from typing import Any

import amqpcodec
import pytest
from amqpcodec import Array, Described, EncodeError, Message, Symbol, UrlError, aio, filters
from amqpcodec.testing import Broker
from client_fixtures import PATIENCE_S, connect_aio, connect_awaited, queue_name, run


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker() as broker:
        yield broker


@pytest.fixture(params=[connect_awaited, connect_aio], ids=["sync", "aio"])
def connect(request: pytest.FixtureRequest) -> Any:
    return request.param


# --- Mistakes.


@pytest.mark.parametrize(
    ("url", "kind", "text"),
    [
        (None, TypeError, "url: a str is expected, not NoneType"),
        (b"amqp://localhost", TypeError, "url: a str is expected, not bytes"),
        ("amqp://127.0.0.1\0.example", UrlError, "url: a NUL may not stand there"),
        ("amqp://h\udc80", UrlError, "has a lone surrogate"),
    ],
)
def test_a_url_that_is_none_is_refused(url: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        amqpcodec.connect(url, reconnect=False)

    async def main() -> None:
        with pytest.raises(kind, match=text):
            await aio.connect(url, reconnect=False)

    run(main())


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"heartbeat": "x"}, TypeError, "heartbeat: a number of seconds is expected, not str"),
        ({"heartbeat": float("nan")}, UrlError, "heartbeat: nan is out of range"),
        ({"user": 5}, TypeError, "user: a str is expected, not int"),
        ({"ca": 5}, TypeError, "ca: a path is expected, not int"),
        ({"max_frame_size": 1.5}, TypeError, "max_frame_size: an int is expected, not float"),
        ({"desired_capabilities": 5}, TypeError, "desired_capabilities: a str, or several, is expected, not int"),
    ],
)
def test_options_of_connections_are_told_by_name(options: dict[str, Any], kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text):
        amqpcodec.connect("amqp://127.0.0.1:1", reconnect=False, **options)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"credit": "5"}, TypeError, "credit: an int is expected, not str"),
        ({"credit": -1}, UrlError, "credit: -1 is out of range"),
        ({"credit": 2**31}, UrlError, "credit: 2147483648 is out of range"),
        ({"message_size": -1}, UrlError, "message_size: -1 is out of range"),
        ({"selector": 5}, TypeError, "selector: a str is expected, not int"),
        ({"filters": "colour = 'red'"}, TypeError, "selector= takes a selector"),
        ({"filters": [5]}, TypeError, "filters: one of amqpcodec.filters is expected, not int"),
        ({"filters": {5: 5}}, TypeError, "filters, a key: a str is expected, not int"),
        ({"properties": [5]}, TypeError, "properties: a map is expected, not list"),
        ({"capabilities": 5}, TypeError, "capabilities: a str, or several, is expected, not int"),
    ],
)
def test_options_of_receivers_are_told_by_name(broker: Broker, options: dict[str, Any], kind: type[Exception], text: str) -> None:
    with amqpcodec.connect(broker.url) as connection, pytest.raises(kind, match=text):
        connection.receiver("queue", **options)


def test_options_of_senders_are_told_by_name(broker: Broker) -> None:
    with amqpcodec.connect(broker.url) as connection:
        with pytest.raises(UrlError, match="window: 0 is out of range, which is 1 to 1000000"):
            connection.sender("queue", window=0)
        with pytest.raises(TypeError, match="window: an int is expected, not str"):
            connection.sender("queue", window="x")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="address: a str is expected, not int"):
            connection.sender(5)  # type: ignore[arg-type]


def test_none_stands_for_the_default_and_a_filter_alone_will_do(broker: Broker) -> None:
    queue = queue_name()
    with amqpcodec.connect(broker.url, heartbeat=None) as connection, connection.sender(queue, window=None, name=None) as sender:
        sender.send(Message(1, application_properties={"colour": "red"}))
        with connection.receiver(queue, credit=None, filters=filters.selector("colour = 'red'"), message_size=None) as receiver:
            assert receiver.receive(timeout=PATIENCE_S).body == 1


def test_fields_and_types_say_what_they_expect() -> None:
    with pytest.raises(EncodeError, match=r"^ttl: datetime.timedelta\(seconds=5\) is not an int of milliseconds from 0 to 2\*\*32 - 1$"):
        amqpcodec.encode_message(Message(ttl=timedelta(seconds=5)))  # type: ignore[arg-type]
    for wrong in (Described(Described("a", "b"), 1), [Described([1], 1)], Array(Described, [Described(Described("a", "b"), 1)])):
        with pytest.raises(EncodeError, match="a descriptor is a symbol or a ulong, not "):
            amqpcodec.encode(wrong)
    assert amqpcodec.decode(amqpcodec.encode(Described("a", 1))) == Described(Symbol("a"), 1)
    with pytest.raises(TypeError, match="a symbol is made of a str, not of int"):
        Symbol(5)  # type: ignore[arg-type]


def test_rejecting_needs_no_condition_and_one_that_is_no_symbol_is_told(broker: Broker, connect: Any) -> None:
    async def main() -> None:
        queue = queue_name()
        async with await connect(broker.url) as connection:
            await connection.sender(queue).send_many([1, 2])
            receiver = connection.receiver(queue)
            message = await receiver.receive(timeout=PATIENCE_S)
            with pytest.raises(ValueError, match="'bad: ü' is not ASCII, as a symbol has to be"):
                receiver.reject(message, "bad: ü")
            assert receiver.reject(message, None)

    run(main())


def test_a_time_out_says_what_has_not_come_and_nothing_else(broker: Broker, connect: Any) -> None:
    async def main() -> None:
        async with await connect(broker.url) as connection:
            receiver, requester = connection.receiver(queue_name()), connection.requester(queue_name())
            for late, text in ((receiver.receive, "no message came in time"), (lambda **timeout: requester.call(1, **timeout), "no reply came in time")):
                with pytest.raises(amqpcodec.AmqpTimeoutError) as raised:
                    await late(timeout=0.01)
                assert str(raised.value) == text
                assert raised.value.__context__ is None

    run(main())


def test_a_peer_that_does_not_speak_amqp_is_an_error_of_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            client, _ = server.accept()
            with client:
                client.recv(100)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                client.recv(100)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(amqpcodec.AmqpConnectionError, match="not a protocol header of AMQP") as raised:
            amqpcodec.connect(f"amqp://127.0.0.1:{server.getsockname()[1]}", reconnect=False)
        thread.join(PATIENCE_S)
    assert raised.value.status is amqpcodec.Status.BAD_PROTOCOL_HEADER


# --- Closing.


def test_closing_a_requester_ends_the_calls_of_others(broker: Broker, connect: Any) -> None:
    async def main() -> None:
        async with await connect(broker.url) as connection:
            requester = connection.requester(queue_name())
            if connect is connect_aio:
                calls = [asyncio.create_task(requester.call(number, timeout=None)) for number in range(3)]
                while broker.statistics()["messages"]["received"] < 3 + before:
                    await asyncio.sleep(0.01)
                await requester.close()
                ended = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), PATIENCE_S)
            else:
                ended = call_and_close(requester.real)
            assert [type(error) for error in ended] == [amqpcodec.ClosedError] * 3

    def call_and_close(requester: amqpcodec.Requester) -> list[Any]:
        found: list[Any] = []

        def call() -> None:
            try:
                found.append(requester.call(1, timeout=None))
            except amqpcodec.AmqpError as error:
                found.append(error)

        threads = [threading.Thread(target=call, daemon=True) for _ in range(3)]
        for thread in threads:
            thread.start()
        waited = threading.Event()
        while broker.statistics()["messages"]["received"] < 3 + before:
            waited.wait(0.01)
        requester.close()
        for thread in threads:
            thread.join(PATIENCE_S)
        return found

    before = broker.statistics()["messages"]["received"]
    run(main())


# --- What is left open.


def test_a_connection_that_is_never_closed_is_warned_of(broker: Broker) -> None:
    connection = amqpcodec.connect(broker.url)
    with pytest.warns(ResourceWarning, match="unclosed AMQP connection, open"):
        del connection
        gc.collect()


def test_a_connection_of_a_loop_that_is_never_closed_is_warned_of_and_dropped(broker: Broker) -> None:
    async def main() -> None:
        before = broker.statistics()["connections"]
        connection = await aio.connect(broker.url)
        await connection.sender(queue_name()).send(1)
        with pytest.warns(ResourceWarning, match="unclosed AMQP connection, open"):
            del connection
            gc.collect()
        while broker.statistics()["connections"] > before:
            await asyncio.sleep(0.01)

    run(main())


def test_closed_connections_and_those_that_were_never_made_are_not_warned_of(broker: Broker) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        amqpcodec.connect(broker.url).close()
        with pytest.raises(amqpcodec.AmqpConnectionError):
            amqpcodec.connect("amqp://127.0.0.1:1", reconnect=False)
        gc.collect()
    assert [one for one in caught if "AMQP" in str(one.message)] == []


def test_what_is_open_at_the_end_of_the_interpreter_is_warned_of(broker: Broker) -> None:
    program = "import amqpcodec, sys; c = amqpcodec.connect(sys.argv[1]); c.receiver('queue').receive_batch(1, timeout=0.01); print('done')"
    command = [sys.executable, "-W", "always", "-c", program, broker.url]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=True)
    assert ran.stdout == "done\n"
    assert ran.stderr.count("ResourceWarning: unclosed AMQP connection, open") == 1


# --- Copies.


class Order(Message):
    """A message class of a program's own."""

    number: int

    def __init__(self, number: int) -> None:
        super().__init__({"number": number}, subject="order", application_properties={"a": 1})
        self.number = number


class Slotted(Message):
    __slots__ = ("number",)
    number: int


def test_copies_of_a_subclass_are_of_it_and_have_its_attributes(broker: Broker) -> None:
    order = Order(5)
    for made in (order.copy(), copy.copy(order), copy.deepcopy(order), pickle.loads(pickle.dumps(order))):
        assert type(made) is Order
        assert made == order
        assert made.number == 5
        made.application_properties["a"] = 2
    assert order.application_properties == {"a": 1}
    slotted = Slotted("x")
    slotted.number = 7
    assert slotted.copy().number == 7

    async def main() -> None:  # goes out as it was when it was sent
        queue = queue_name()
        async with aio.connect(broker.url) as connection:
            sending = asyncio.create_task(connection.sender(queue).send(order))
            await asyncio.sleep(0)
            order.subject = "changed"
            await sending
            received = await connection.receiver(queue).receive(timeout=PATIENCE_S)
        assert received.subject == "order"

    run(main())


def test_a_message_whose_body_is_a_view_can_be_copied_and_pickled(broker: Broker) -> None:
    queue = queue_name()
    with amqpcodec.connect(broker.url) as connection:
        connection.sender(queue).send(bytes(100_000))
        message = connection.receiver(queue, views=True).receive(timeout=PATIENCE_S)
        assert type(message.body) is memoryview
        for made in (copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
            assert made == message
            assert made.body == bytes(100_000)
            assert made.delivery_tag == message.delivery_tag


# --- Async iterables.


def test_send_many_takes_async_iterables(broker: Broker) -> None:
    async def numbers(count: int) -> AsyncIterator[Any]:
        for number in range(count):
            if number % 70 == 0:
                await asyncio.sleep(0)
            yield number

    async def main() -> None:
        queue, other = queue_name(), queue_name()
        async with aio.connect(broker.url) as connection:
            sender = connection.sender(queue, window=50)
            outcomes = await sender.send_many(numbers(1000), timeout=PATIENCE_S)
            assert [outcome.state for outcome in outcomes] == ["accepted"] * 1000
            assert await sender.send_many(numbers(0)) == []
            received: list[Any] = []

            async def pass_on() -> AsyncIterator[Any]:
                async for message in connection.receiver(queue):
                    received.append(message.body)
                    yield message
                    if len(received) == 1000:
                        return

            assert len(await connection.sender(other).send_many(pass_on())) == 1000
            assert received == list(range(1000))

    run(main())


def test_send_many_of_an_async_iterable_ends_as_one_of_others_does(broker: Broker) -> None:
    async def slow() -> AsyncIterator[Any]:
        yield 1
        await asyncio.sleep(PATIENCE_S * 10)

    async def wrong() -> AsyncIterator[Any]:
        yield 1
        yield object()
        await asyncio.sleep(0)

    async def failing() -> AsyncIterator[Any]:
        yield 1
        raise asyncio.TimeoutError

    async def main() -> None:
        async with aio.connect(broker.url) as connection:
            sender = connection.sender(queue_name())
            await sender.wait_open()
            with pytest.raises(amqpcodec.AmqpTimeoutError):
                await sender.send_many(slow(), timeout=0.05)
            with pytest.raises(EncodeError):
                await sender.send_many(wrong())
            with pytest.raises(asyncio.TimeoutError) as raised:
                await sender.send_many(failing(), timeout=PATIENCE_S)
            assert not isinstance(raised.value, amqpcodec.AmqpError)
            await sender.send("goes on")

    run(main())
