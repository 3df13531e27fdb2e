"""Transactions of the clients, at a resource that is made of the connection without I/O."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import amqpcodec
import pytest
from amqpcodec import engine as e
from amqpcodec import performatives as p
from client_fixtures import PATIENCE_S, connect_aio, connect_awaited, run

Connect = Callable[..., Any]


class Resource:
    """Serves one connection: sends `offered` to whoever receives, and keeps what is posted and settled in transactions.

    done    bodies that were posted, and numbers that were settled, in transactions that were committed
    ended   whether each transaction failed
    refuses a commit is answered by a roll-back
    """

    def __init__(self, *, offered: int = 0, refuses: bool = False) -> None:
        self.done: list[Any] = []
        self.ended: list[bool] = []
        self._offered = offered
        self._refuses = refuses
        self._pending: dict[bytes, list[Any]] = {}
        self._coordinators: set[int] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        self.url = f"amqp://127.0.0.1:{self._listener.getsockname()[1]}/?sasl=none"

    def __enter__(self) -> Resource:
        return self

    def __exit__(self, *raised: object) -> None:
        self._listener.close()
        self._thread.join(PATIENCE_S)

    def _serve(self) -> None:
        peer, _ = self._listener.accept()
        connection = e.Connection(is_server=True)
        with peer, contextlib.suppress(OSError):
            while not connection.is_finished:
                data = peer.recv(65536)
                connection.tick(time.monotonic())
                connection.receive_data(data)
                for event in connection.events():
                    self._answer(event)
                peer.sendall(connection.data_to_send())
                if not data:
                    return

    def _answer(self, event: e.Event) -> None:
        if event.type == e.EventType.CONNECTION_OPEN:
            event.connection.open("resource")
        elif event.type == e.EventType.CONNECTION_CLOSE:
            event.connection.close()
        elif event.type == e.EventType.SESSION_BEGIN and event.session is not None:
            event.session.begin()
        elif event.type == e.EventType.LINK_ATTACH and event.link is not None:
            self._attach(event.link)
        elif event.type == e.EventType.LINK_FLOW and isinstance(event.link, e.Sender):
            self._offer(event.link)
        elif event.type == e.EventType.DELIVERIES and isinstance(event.link, e.Receiver):
            for delivery in event.link.receive_deliveries():
                self._take(event.link, delivery)
        elif event.type == e.EventType.UPDATES and isinstance(event.link, e.Sender):
            for update in event.link.updates():
                if isinstance(update.state, p.TransactionalState):
                    self._pending[update.state.txn_id].append((update.number & 0xFFFFFFFF, update.state.outcome))
        elif event.type == e.EventType.LINK_DETACH and event.link is not None:
            event.link.close()

    def _attach(self, link: e.Sender | e.Receiver) -> None:
        remote = link.remote_attach
        assert remote is not None
        if isinstance(link, e.Sender):
            link.attach(source=remote.source)
            return
        if isinstance(remote.target, p.Coordinator):
            self._coordinators.add(id(link))
        link.attach(target=remote.target).add_credit(100)

    def _offer(self, sender: e.Sender) -> None:
        while self._offered and sender.credit:
            self._offered -= 1
            sender.send(f"offered {self._offered}")

    def _take(self, link: e.Receiver, delivery: e.Delivery) -> None:
        if id(link) not in self._coordinators:
            state: Any = delivery.state
            self._pending[state.txn_id].append(delivery.message().body)
            link.settle(delivery.number, state=p.TransactionalState(state.txn_id, outcome=p.Accepted()))
            return
        request = link.transaction_request(delivery)
        if isinstance(request, p.Declare):
            name = b"transaction %d" % len(self._pending)
            self._pending[name] = []
            link.settle(delivery.number, state=p.Declared(name))
        elif self._refuses and not request.fail:
            link.refuse_request(delivery.number, amqpcodec.Status.TRANSACTION_ROLLBACK)
        else:
            self.ended.append(bool(request.fail))
            self.done += [] if request.fail else self._pending[request.txn_id]
            link.accept(delivery.number)


@pytest.fixture(params=[connect_awaited, connect_aio], ids=["sync", "asyncio"])
def connect(request: pytest.FixtureRequest) -> Iterator[Any]:
    yield request.param


def test_what_is_sent_and_settled_in_a_transaction_is_done_when_it_is_committed(connect: Connect) -> None:
    async def test(resource: Resource) -> None:
        async with await connect(resource.url) as connection:
            sender, receiver = connection.sender("q"), connection.receiver("q", credit=4)
            messages: list[Any] = []
            while len(messages) < 4:
                messages += await receiver.receive_batch(4, timeout=PATIENCE_S)
            async with connection.transaction() as transaction:
                assert (await sender.send("one", transaction=transaction)).state == "accepted"
                outcomes = await sender.send_many(["two", "three"], transaction=transaction)
                assert [outcome.state for outcome in outcomes] == ["accepted"] * 2
                assert (await (await sender.post("four", transaction=transaction))).is_accepted
                assert receiver.accept(messages[0], transaction=transaction)
                assert receiver.release(messages[1], transaction=transaction)
                assert receiver.reject(messages[2], "test:no", "why", {"a": 1}, transaction=transaction)
                assert receiver.modify(messages[3], delivery_failed=True, message_annotations={"x": 1}, transaction=transaction)
                assert resource.done == []
            assert transaction.is_ended
            assert [one for one in resource.done if isinstance(one, str)] == ["one", "two", "three", "four"]
            outcomes = [one[1] for one in resource.done if isinstance(one, tuple)]
            assert [type(outcome) for outcome in outcomes] == [p.Accepted, p.Released, p.Rejected, p.Modified]
            assert outcomes[2].error.condition == "test:no"
            assert resource.ended == [False]
            with pytest.raises(amqpcodec.ClosedError):
                await sender.send("late", transaction=transaction)

    with Resource(offered=4) as resource:
        run(test(resource))


def test_an_exception_rolls_back_and_goes_on(connect: Connect) -> None:
    async def test(resource: Resource) -> None:
        async with await connect(resource.url) as connection:
            sender = connection.sender("q")
            with pytest.raises(ZeroDivisionError):
                async with connection.transaction() as transaction:
                    await sender.send("never", transaction=transaction)
                    raise ZeroDivisionError
            by_hand = connection.transaction()
            await by_hand.declare()
            await sender.send("neither", transaction=by_hand)
            await by_hand.rollback()
            async with connection.transaction() as transaction:
                await sender.send("done", transaction=transaction)
        assert resource.ended == [True, True, False]
        assert resource.done == ["done"]

    with Resource() as resource:
        run(test(resource))


def test_a_commit_that_the_peer_refuses_is_a_transaction_error(connect: Connect) -> None:
    async def test(resource: Resource) -> None:
        async with await connect(resource.url) as connection:
            with pytest.raises(amqpcodec.TransactionError) as raised:
                async with connection.transaction() as transaction:
                    await connection.sender("q").send("x", transaction=transaction)
            assert raised.value.status == amqpcodec.Status.TRANSACTION_ROLLBACK

    with Resource(refuses=True) as resource:
        run(test(resource))
