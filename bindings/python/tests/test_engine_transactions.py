"""Transactions of connections without I/O: the controller and the resource (AMQP part 4)."""

from __future__ import annotations

import pytest
from amqpcodec import DecodeError, Status
from amqpcodec import engine as e
from amqpcodec import performatives as p
from pair import HELLO, Pair


def controller(pair: Pair) -> tuple[e.Sender, e.Receiver]:
    """The link between a controller and a coordinator."""
    pair.open()
    sender = pair.client.session().begin().sender("transactions").attach(target=p.Coordinator("amqp:local-transactions"))
    pair.move()
    begun, attached = pair.take(e.EventType.SESSION_BEGIN, e.EventType.LINK_ATTACH)
    assert begun.session is not None and isinstance(attached.link, e.Receiver)
    begun.session.begin()
    remote = attached.link.remote_attach
    assert remote is not None
    assert remote.target == p.Coordinator(("amqp:local-transactions",))
    attached.link.attach(target=p.Coordinator(("amqp:local-transactions",))).add_credit(10)
    pair.move()
    return sender, attached.link


def declared(pair: Pair, sender: e.Sender, receiver: e.Receiver, txn_id: bytes) -> bytes:
    """A transaction that was begun."""
    number = sender.declare()
    pair.move()
    (delivery,) = receiver.receive_deliveries()
    assert receiver.transaction_request(delivery) == p.Declare()
    receiver.settle(delivery.number, state=p.Declared(txn_id))
    pair.move()
    (update,) = sender.updates()
    assert update == e.Update(number, p.Declared(txn_id), True, False)
    found: bytes = update.state.txn_id
    return found


def test_a_transaction_is_declared_posted_in_and_committed() -> None:
    pair = Pair()
    sender, receiver = controller(pair)
    txn_id = declared(pair, sender, receiver, b"txn-1")
    posting, posted = pair.links(target="q")
    posted.add_credit(5)
    pair.move()
    posting.send_payload(HELLO, state=p.TransactionalState(txn_id))
    pair.move()
    (delivery,) = posted.receive_deliveries()
    assert delivery.state == p.TransactionalState(b"txn-1")
    posted.settle(delivery.number, state=p.TransactionalState(txn_id, outcome=p.Accepted()))
    pair.move()
    assert [update.state for update in posting.updates()] == [p.TransactionalState(b"txn-1", outcome=p.Accepted())]
    sender.discharge(txn_id)
    pair.move()
    (request,) = receiver.receive_deliveries()
    assert receiver.transaction_request(request) == p.Discharge(b"txn-1", fail=False)
    receiver.accept(request)
    pair.move()
    assert [update.state for update in sender.updates()] == [p.Accepted()]


def test_a_discharge_that_is_refused_tells_why() -> None:
    pair = Pair()
    sender, receiver = controller(pair)
    sender.discharge(b"unknown", fail=True)
    pair.move()
    (request,) = receiver.receive_deliveries()
    assert receiver.transaction_request(request) == p.Discharge(b"unknown", fail=True)
    receiver.refuse_request(request.number, Status.TRANSACTION_UNKNOWN_ID)
    pair.move()
    states = [update.state for update in sender.updates()]
    errors = [state.error for state in states if isinstance(state, p.Rejected)] or [sender.error]
    assert [error.condition for error in errors if error is not None] == ["amqp:transaction:unknown-id"]


def test_what_is_no_request_to_a_coordinator_is_refused_with_its_status() -> None:
    pair = Pair()
    sender, receiver = controller(pair)
    sender.send_payload(HELLO)
    pair.move()
    (delivery,) = receiver.receive_deliveries()
    with pytest.raises(DecodeError) as caught:
        receiver.transaction_request(delivery)
    receiver.refuse_request(delivery.number, caught.value.status)
    pair.move()
    assert [type(update.state) for update in sender.updates()] == [p.Rejected] or sender.error is not None
