"""The clients against the embedded broker: each test for both, the sync one and that of asyncio."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import amqpcodec
import pytest
from amqpcodec import filters
from amqpcodec.performatives import Source, Target
from amqpcodec.testing import Broker
from client_fixtures import PATIENCE_S, Proxy, connect_aio, connect_awaited, queue_name, run

ACCEPTED_STATE = b"\x00\x53\x24\x45"


@pytest.fixture(scope="module")
def broker() -> Iterator[Broker]:
    with Broker(max_message_size=100_000) as broker:
        yield broker


@pytest.fixture(params=[connect_awaited, connect_aio], ids=["sync", "asyncio"])
def connect(request: pytest.FixtureRequest) -> Any:
    return request.param


Connect = Callable[..., Any]


def test_sends_and_receives(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        name = queue_name()
        async with await connect(broker.url) as connection, connection.sender(name) as sender, connection.receiver(name) as receiver:
            outcome = await sender.send(amqpcodec.Message(b"data", subject="first", application_properties={"n": 1}))
            assert outcome.state == "accepted"
            assert outcome.is_accepted
            await sender.send({"a": [1, 2.5, None]})
            message = await receiver.receive(timeout=PATIENCE_S)
            assert message.body == b"data"
            assert message.subject == "first"
            assert message.application_properties == {"n": 1}
            assert receiver.accept(message)
            message = await receiver.receive(timeout=PATIENCE_S)
            assert message.body == {"a": [1, 2.5, None]}
            assert receiver.accept(message)
            assert sender.address == name
            assert receiver.address == name

    run(test())


def test_send_many_gives_an_outcome_for_each_and_receive_batch_many_at_a_time(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        name = queue_name()
        async with await connect(broker.url) as connection:
            outcomes = await connection.sender(name, window=300).send_many(range(3000), timeout=PATIENCE_S)
            assert [outcome.state for outcome in outcomes] == ["accepted"] * 3000
            receiver = connection.receiver(name, credit=500)
            bodies: list[int] = []
            while len(bodies) < 3000:
                batch = await receiver.receive_batch(200, timeout=PATIENCE_S)
                assert 0 < len(batch) <= 200
                bodies += [message.body for message in batch]
                assert receiver.accept(batch)
            assert bodies == list(range(3000))
            assert await receiver.receive_batch(10, timeout=0.01) == []

    run(test())


def test_iteration_goes_on_until_the_receiver_is_closed(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        name = queue_name()
        async with await connect(broker.url) as connection:
            await connection.sender(name).send_many(range(300), timeout=PATIENCE_S)
            receiver = connection.receiver(name)
            bodies = []
            async for message in receiver:
                receiver.accept(message)
                bodies.append(message.body)
                if len(bodies) == 100:
                    break
            async for message in receiver:
                receiver.accept(message)
                bodies.append(message.body)
                if len(bodies) == 300:
                    await receiver.close()
            assert bodies == list(range(300))
            with pytest.raises(amqpcodec.ClosedError):
                await receiver.receive()

    run(test())


def test_posted_messages_have_their_outcomes_later(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        name = queue_name()
        async with await connect(broker.url) as connection:
            sender = connection.sender(name)
            posted = [await sender.post(str(number)) for number in range(200)]
            await sender.flush()
            for one in posted:
                assert (await one).state == "accepted"
            assert all(one.done() for one in posted)
            told: list[Any] = []
            last = await sender.post("last")
            last.add_done_callback(told.append)
            await last
            for _ in range(3):
                await asyncio.sleep(0)
            assert len(told) == 1

    run(test())


@pytest.mark.parametrize(("code", "name"), [(0x25, "rejected"), (0x26, "released"), (0x27, "modified")])
def test_outcomes_that_are_not_accepted_are_raised_by_send_and_given_by_send_many(broker: Broker, connect: Connect, code: int, name: str) -> None:
    state = ACCEPTED_STATE.replace(b"\x24", bytes([code]))

    async def test(url: str) -> None:
        async with await connect(url) as connection:
            sender = connection.sender(queue_name())
            with pytest.raises(amqpcodec.OutcomeError) as raised:
                await sender.send("no")
            assert raised.value.outcome == name
            assert [outcome.state for outcome in await sender.send_many(["no", "no"])] == [name, name]
            with pytest.raises(amqpcodec.OutcomeError):
                await (await sender.post("no"))

    with Proxy(broker.port, lambda piece: piece.replace(ACCEPTED_STATE, state)) as proxy:
        run(test(proxy.url))


def test_a_rejection_says_why(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        async with await connect(broker.url) as connection:
            relay = connection.sender(None)
            name = queue_name()
            assert (await relay.send(amqpcodec.Message("x", to=name))).state == "accepted"
            assert (await connection.receiver(name).receive(timeout=PATIENCE_S)).body == "x"
            with pytest.raises(amqpcodec.OutcomeError, match="amqp:not-found") as raised:
                await relay.send(amqpcodec.Message("x"))
            assert raised.value.condition == "amqp:not-found"
            assert raised.value.description
            outcomes = await relay.send_many([amqpcodec.Message("x", to=name), amqpcodec.Message("x"), amqpcodec.Message("x", to=name)])
            assert [outcome.condition for outcome in outcomes] == [None, "amqp:not-found", None]

    run(test())


def test_messages_that_are_too_large_or_cannot_be_encoded_do_no_harm_to_others(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        name = queue_name()
        async with await connect(broker.url) as connection:
            sender = connection.sender(name)
            with pytest.raises(amqpcodec.OutcomeError) as refused:
                await sender.send(b"x" * 200_000)
            assert refused.value.condition == "amqp:link:message-size-exceeded"
            outcomes = await sender.send_many([b"a", b"x" * 200_000, b"b"], timeout=PATIENCE_S)
            assert [outcome.state for outcome in outcomes] == ["accepted", "rejected", "accepted"]
            with pytest.raises(amqpcodec.EncodeError, match=r"^body"):
                await sender.send(object())
            with pytest.raises(amqpcodec.EncodeError, match=r"^message 70"):
                await sender.send_many([*range(70), object()], timeout=PATIENCE_S)
            results: list[Any] = await asyncio.gather(*(sender.send(body) for body in ("one", object(), "two")), return_exceptions=True)
            assert isinstance(results[1], amqpcodec.EncodeError)
            assert [result.state for result in (results[0], results[2])] == ["accepted", "accepted"]

    run(test())


def test_settling_in_every_way(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        name = queue_name()
        async with await connect(broker.url) as connection:
            await connection.sender(name).send_many(range(6), timeout=PATIENCE_S)
            receiver = connection.receiver(name, credit=0)
            receiver.add_credit(6)
            messages: list[Any] = []
            while len(messages) < 6:
                messages += await receiver.receive_batch(6, timeout=PATIENCE_S)
            assert receiver.accept(messages[0])
            assert receiver.reject(messages[1], "test:no", "not this one", {"why": "so"})
            assert receiver.release(messages[2])
            assert receiver.modify(messages[3], delivery_failed=True, message_annotations={"x-seen": 1})
            assert receiver.accept([messages[5], messages[4]])
            assert not receiver.accept(messages[5])
            receiver.add_credit(2)
            again: list[Any] = []
            while len(again) < 2:
                again += await receiver.receive_batch(2, timeout=PATIENCE_S)
            assert [message.body for message in again] == [2, 3]
            assert again[1].delivery_count == 1
            assert again[1].message_annotations == {"x-seen": 1}
            assert receiver.accept(again)

    run(test())


def test_settled_messages_need_no_settling(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        name = queue_name()
        async with await connect(broker.url) as connection:
            sender = connection.sender(name, guarantee="at-most-once")
            assert (await sender.send("one")).state == "settled"
            assert [outcome.state for outcome in await sender.send_many(range(100))] == ["settled"] * 100
            await sender.flush()
            receiver = connection.receiver(name, settled=True)
            message = await receiver.receive(timeout=PATIENCE_S)
            assert message.settled
            assert receiver.accept(message)

    run(test())


def test_credit_by_hand_and_drain(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        name = queue_name()
        async with await connect(broker.url) as connection:
            await connection.sender(name).send_many(range(5), timeout=PATIENCE_S)
            receiver = connection.receiver(name, credit=0)
            assert await receiver.receive_batch(10, timeout=0.05) == []
            receiver.add_credit(3)
            await receiver.drain()
            assert [message.body for message in await receiver.receive_batch(10, timeout=PATIENCE_S)] == [0, 1, 2]
            receiver.add_credit(10)
            await receiver.drain()
            assert [message.body for message in await receiver.receive_batch(10, timeout=PATIENCE_S)] == [3, 4]
            assert await receiver.receive_batch(10, timeout=0.05) == []
            with pytest.raises(ValueError, match="credit"):
                receiver.add_credit(2**31)
            receiver.set_credit(10)
            await connection.sender(name).send("more")
            assert (await receiver.receive(timeout=PATIENCE_S)).body == "more"

    run(test())


def test_selectors_filters_and_dynamic_nodes(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        name = queue_name()
        async with await connect(broker.url) as connection:
            sender = connection.sender(name)
            for colour in ("red", "blue"):
                await sender.send(amqpcodec.Message(colour, application_properties={"colour": colour}))
            blue = connection.receiver(name, selector="colour = 'blue'")
            assert (await blue.receive(timeout=PATIENCE_S)).body == "blue"
            red = connection.receiver(name, filters=filters.selector("colour = 'red'"))
            assert (await red.receive(timeout=PATIENCE_S)).body == "red"
            refused = connection.receiver(name, filters=[filters.no_local()])
            with pytest.raises(amqpcodec.LinkError) as raised:
                await refused.receive(timeout=PATIENCE_S)
            assert raised.value.condition == "amqp:not-implemented"
            node = connection.receiver(dynamic=True, capabilities="temporary-queue", properties={"x": 1})
            await node.wait_open()
            await connection.sender(node.address).send("to the node")
            assert (await node.receive(timeout=PATIENCE_S)).body == "to the node"
            made = connection.sender(dynamic=True)
            await made.wait_open()
            assert made.address

    run(test())


def test_requests_have_their_replies(broker: Broker, connect: Connect) -> None:
    name = queue_name()

    def serve(count: int) -> None:
        with amqpcodec.connect(broker.url) as connection, connection.receiver(name) as receiver, connection.sender() as sender:
            for _ in range(count):
                request = receiver.receive(timeout=PATIENCE_S)
                sender.send(amqpcodec.Message(request.body.upper(), to=request.reply_to, correlation_id=request.message_id))
                receiver.accept(request)

    async def test() -> None:
        async with await connect(broker.url) as connection:
            requester = connection.requester(name)
            assert (await requester.call("one", timeout=PATIENCE_S)).body == "ONE"
            assert (await requester.call(amqpcodec.Message("two", message_id="mine"), timeout=PATIENCE_S)).correlation_id == "mine"
            replies = await asyncio.gather(*(requester.call(text, timeout=PATIENCE_S) for text in "abc"))
            assert [reply.body for reply in replies] == ["A", "B", "C"]
            with pytest.raises(amqpcodec.AmqpTimeoutError):
                await connection.requester(queue_name()).call("nobody", timeout=0.05)

    server = threading.Thread(target=serve, args=(5,))
    server.start()
    run(test())
    server.join(PATIENCE_S)


def test_transactions_of_a_peer_without_them_are_refused(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        async with await connect(broker.url) as connection:
            for _ in range(2):
                with pytest.raises(amqpcodec.AmqpError) as raised:
                    async with connection.transaction() as transaction:
                        await connection.sender(queue_name()).send("x", transaction=transaction)
                assert raised.value.status in (amqpcodec.Status.LINK_REFUSED, amqpcodec.Status.LINK_ENDED)

    run(test())


def test_typed_and_lazy_messages(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        name = queue_name()
        async with await connect(broker.url) as connection:
            await connection.sender(name).send_many([amqpcodec.Message([amqpcodec.UByte(7)], subject="typed")] * 2, timeout=PATIENCE_S)
            typed = connection.receiver(name, typed=True, credit=1)
            message = await typed.receive(timeout=PATIENCE_S)
            assert type(message.body[0]) is amqpcodec.UByte
            typed.accept(message)
            await typed.close()
            lazy = connection.receiver(name, lazy=True)
            message = await lazy.receive(timeout=PATIENCE_S)
            assert message.subject == "typed"
            assert message.body == [7]
            assert lazy.accept(message)

    run(test())


def test_what_is_known_of_a_connection(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        async with await connect(broker.url, container_id="somebody", desired_capabilities=["a", "b"], trace_size=65536) as connection:
            assert connection.is_open
            assert connection.state == "open"
            assert connection.peer["product"] == "amqpcodec broker"
            assert connection.peer_property("no such") is None
            assert connection.peer_offers("ANONYMOUS-RELAY")
            assert not connection.peer_offers("no-such")
            await connection.sender(queue_name()).send("x")
            statistics = connection.statistics()
            assert statistics["connects"] == 1
            assert statistics["deliveries_sent"] == 1
            lines = connection.read_trace()
            assert lines[0].startswith("-> ")
            assert any(line.startswith("<- 0 open(") for line in lines)
            assert [event.kind for event in connection.events()] == ["connected"]
            assert list(connection.events()) == []
        assert connection.state == "closed"
        assert not connection.is_open
        with pytest.raises(amqpcodec.ClosedError):
            connection.sender("x")
        await connection.close()

    run(test())


def test_options_that_are_wrong_say_so(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        with pytest.raises(TypeError, match="no_such"):
            await connect(broker.url, no_such=1)
        with pytest.raises(amqpcodec.UrlError, match="heartbeat"):
            await connect(broker.url, heartbeat=-1)
        with pytest.raises(amqpcodec.UrlError):
            await connect("amqp://localhost/a-path")
        async with await connect(broker.url) as connection:
            with pytest.raises(TypeError, match="no_such"):
                connection.sender("x", no_such=1)
            with pytest.raises(ValueError, match="guarantee"):
                connection.sender("x", guarantee="perhaps")

    run(test())


def test_a_time_out_tells_whether_the_message_was_sent(broker: Broker, connect: Connect) -> None:
    async def test(proxy: Proxy) -> None:
        async with await connect(proxy.url) as connection:
            sender = connection.sender(queue_name(), window=1)
            await sender.wait_open()
            proxy.hold()
            with pytest.raises(amqpcodec.AmqpTimeoutError, match="may have been sent"):
                await sender.send("one", timeout=0.05)
            with pytest.raises(amqpcodec.AmqpTimeoutError, match="was not sent"):
                await sender.send("two", timeout=0.05)
            proxy.let_go()
            assert (await sender.send("three")).state == "accepted"

    with Proxy(broker.port) as proxy:
        run(test(proxy))


# --- Links that live on at the peer.


def test_links_that_live_on_are_detached_by_with_and_closed_by_close(broker: Broker, connect: Connect) -> None:
    async def test() -> None:
        before = broker.statistics()["links"]
        queue = queue_name()
        async with await connect(broker.url, container_id="durable") as connection:
            async with connection.receiver(queue, name="daily", source=Source(queue, expiry_policy="never")) as receiver:
                await receiver.wait_open()
            sender = connection.sender(name="writer", target=Target(queue, timeout=3600))
            await sender.send("one")
            await sender.detach()
            assert sender.is_closed
            assert broker.statistics()["links"] == before + 2
            left = connection.receiver(queue, name="weekly", source=Source(queue, expiry_policy="never"))
            await left.wait_open()
        assert broker.statistics()["links"] == before + 3

        async with await connect(broker.url, container_id="durable") as connection:
            for name in ("daily", "weekly"):
                receiver = connection.receiver(queue, name=name, source=Source(queue, expiry_policy="never"))
                await receiver.wait_open()
                await receiver.close()
            await connection.sender(name="writer", target=Target(queue, timeout=3600)).close()
            async with connection.receiver(queue) as receiver:
                await receiver.wait_open()
        assert broker.statistics()["links"] == before

    run(test())
