"""Connections without I/O: two of them that talk in memory."""

from __future__ import annotations

import gc
import weakref
from typing import Any

import pytest
from amqpcodec import ClosedError, DecodeError, EncodeError, Status, decode_message
from amqpcodec import engine as e
from amqpcodec import performatives as p
from amqpcodec._types import Described, Symbol
from pair import HELLO, Pair, status_of

# --- Opening, closing, and what the peer said.


def test_a_client_says_everything_at_once_and_a_server_answers_each_event() -> None:
    pair = Pair()
    pair.client.open("client", hostname="example.com", desired_capabilities=["x"], properties={"k": 1})
    session = pair.client.session().begin(incoming_window=7, properties={"s": True})
    sender = session.sender("a link").attach(source="from", target=p.Target("to", capabilities="queue"))
    pair.move()
    kinds = [event.type for event in pair.server_events]
    assert kinds == [e.EventType.CONNECTION_OPEN, e.EventType.SESSION_BEGIN, e.EventType.LINK_ATTACH]
    opened = pair.server.remote_open
    assert opened is not None
    assert (opened.container_id, opened.hostname, opened.properties) == ("client", "example.com", {"k": 1})
    begun, attached = pair.server_events[1:]
    assert begun.session is not None and begun.session.remote_begin is not None
    assert (begun.session.remote_begin.incoming_window, begun.session.remote_begin.properties) == (7, {"s": True})
    receiver = attached.link
    assert isinstance(receiver, e.Receiver)
    assert (receiver.name, receiver.session, attached.session) == ("a link", begun.session, begun.session)
    remote = receiver.remote_attach
    assert remote is not None
    assert (remote.role, remote.source, remote.target) == (p.Role.SENDER, p.Source("from"), p.Target("to", capabilities=("queue",)))
    pair.server.open("server")
    begun.session.begin()
    receiver.attach()
    pair.move()
    assert pair.names() == ["CONNECTION_OPEN", "SESSION_BEGIN", "LINK_ATTACH"]
    assert sender.remote_attach is not None and sender.remote_attach.target == p.Target("to", capabilities=("queue",))
    states = (pair.client.state, session.state, sender.state)
    assert states == (e.ConnectionState.OPENED, e.SessionState.MAPPED, e.LinkState.ATTACHED)
    assert (pair.client.sessions, session.links) == ([session], [sender])


def test_close_ends_with_both_ends_finished() -> None:
    pair = Pair()
    pair.open()
    pair.client.close(p.Error("amqp:connection:forced", description="going home", info={"when": 5}))
    pair.move()
    assert pair.take(e.EventType.CONNECTION_CLOSE)
    assert pair.server.remote_error == p.Error("amqp:connection:forced", description="going home", info={"when": 5})
    assert not pair.server.is_finished
    pair.server.close()
    pair.server.close()
    pair.move()
    assert pair.client.is_finished and pair.server.is_finished
    assert (pair.client.remote_error, pair.client.failure) == (None, None)
    for action in (pair.client.session, lambda: pair.client.open("again")):
        with pytest.raises(ClosedError, match="the connection is closed"):
            action()
    pair.client.receive_data(b"what comes after close is dropped")


def test_detach_end_and_refusal_bring_their_errors() -> None:
    pair = Pair()
    pair.open()
    sender, receiver = pair.links(target="q")
    receiver.close(p.Error("amqp:resource-deleted"))
    receiver.session.end(p.Error("amqp:internal-error", description="oops"))
    pair.move()
    assert pair.names() == ["LINK_DETACH", "SESSION_END"]
    assert (sender.error, sender.is_closed) == (p.Error("amqp:resource-deleted"), True)
    assert sender.session.error == p.Error("amqp:internal-error", description="oops")
    sender.close()
    sender.session.end()
    again = pair.client.session().begin().receiver("other").attach(source="nowhere")
    pair.move()
    begun, attached = pair.take(e.EventType.SESSION_BEGIN, e.EventType.LINK_ATTACH)
    assert begun.session is not None and attached.link is not None
    begun.session.begin()
    attached.link.refuse(p.Error("amqp:not-found"))
    pair.move()
    assert again.is_refused
    assert again.error == p.Error("amqp:not-found")


def test_calls_that_are_wrong_say_so_and_change_nothing() -> None:
    pair = Pair()
    assert status_of(pair.client.close) == Status.INVALID_STATE
    pair.open()
    assert status_of(pair.client.open, "again") == Status.INVALID_STATE
    session = pair.client.session()
    assert status_of(session.sender, "") == Status.INVALID_ARGUMENT
    link = session.receiver("r")
    assert status_of(link.attach, source="q") == Status.INVALID_STATE
    assert status_of(link.add_credit, 2**31) == Status.INVALID_ARGUMENT
    assert status_of(session.receiver, "r") == Status.INVALID_ARGUMENT
    wrong_ones: list[dict[str, Any]] = [{"max_frame_size": 511}, {"idle_timeout": -1}, {"channels": 2**40}, {"random": b"short", "sasl": e.Sasl()}]
    for wrong in wrong_ones:
        with pytest.raises(EncodeError, match="Connection: an argument is"):
            e.Connection(**wrong)
    with pytest.raises(OverflowError):
        link.add_credit(-1)


# --- Sending, receiving and settling.


@pytest.mark.parametrize("rcv", [e.ReceiverSettleMode.FIRST, e.ReceiverSettleMode.SECOND])
@pytest.mark.parametrize("snd", [e.SenderSettleMode.UNSETTLED, e.SenderSettleMode.SETTLED, e.SenderSettleMode.MIXED])
def test_every_settle_mode_ends_with_nothing_unsettled(snd: e.SenderSettleMode, rcv: e.ReceiverSettleMode) -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(target="q", snd_settle_mode=snd, rcv_settle_mode=rcv)
    is_settled = snd == e.SenderSettleMode.SETTLED
    number = sender.send_payload(HELLO, settled=is_settled)
    pair.move()
    (message,) = receiver.receive()
    assert (message.body, message.settled) == ("hello", is_settled)
    if not is_settled:
        receiver.accept(message)
        pair.move()
        is_second = rcv == e.ReceiverSettleMode.SECOND
        assert sender.updates() == [e.Update(number, p.Accepted(), not is_second, False)]
        if is_second:
            sender.settle(number)
            pair.move()
            assert [update.settled for update in receiver.updates()] == [True]
    assert (sender.unsettled_count, receiver.unsettled_count) == (0, 0)
    assert (sender.updates(), receiver.receive()) == ([], [])


def test_outcomes_of_all_kinds_reach_the_sender() -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(target="q")
    numbers = sender.send_payloads([HELLO] * 8)
    pair.move()
    messages = receiver.receive()
    receiver.accept(messages[:2])
    receiver.reject(messages[2], p.Error("amqp:decode-error", description="what is this?"))
    receiver.release(messages[3].delivery_number or 0)
    receiver.modify(iter(messages[4:6]), delivery_failed=True, undeliverable_here=False, message_annotations={"x-why": "busy"})
    receiver.settle(messages[6].delivery_number or 0, state=Described(Symbol("com.example:later"), [1]))
    receiver.settle(messages[7].delivery_number or 0)
    pair.move()
    found = {update.number: update for update in sender.updates()}
    modified = p.Modified(True, undeliverable_here=False, message_annotations={"x-why": "busy"})
    rejected = p.Rejected(p.Error("amqp:decode-error", description="what is this?"))
    states = [p.Accepted(), p.Accepted(), rejected, p.Released(), modified, modified, Described(Symbol("com.example:later"), [1]), None]
    assert [found[number].state for number in numbers] == states
    assert all(update.settled for update in found.values())
    receiver.accept(messages)  # settled ones are passed over
    wrong: Any
    for wrong, kind in (("x", TypeError), ([None], TypeError), (decode_message(HELLO), ValueError), (1.5, TypeError)):
        with pytest.raises(kind):
            receiver.accept(wrong)
    assert status_of(receiver.settle, messages[0].delivery_number) == Status.NOT_FOUND


def test_a_state_without_settling_is_told_and_unsettled_lists_it() -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(target="q")
    number = sender.send_payload(HELLO, tag=b"a tag")
    pair.move()
    (delivery,) = receiver.receive_deliveries()
    assert (delivery.tag, delivery.message().body, delivery.payload, delivery.state) == (b"a tag", "hello", HELLO, None)
    receiver.settle(delivery.number, state=p.Received(0, section_offset=3), settled=False)
    pair.move()
    assert sender.updates() == [e.Update(number, p.Received(0, section_offset=3), False, False)]
    assert list(sender.unsettled()) == [e.Unsettled(number, b"a tag", 0, p.Received.DESCRIPTOR)]
    assert [one.state_type for one in receiver.unsettled()] == [p.Received.DESCRIPTOR]
    receiver.accept(delivery)
    pair.move()
    assert [update.state for update in sender.updates()] == [p.Accepted()]


@pytest.mark.parametrize("piece", [1, 100, 1 << 20])
def test_a_delivery_of_many_frames_arrives_whole(piece: int) -> None:
    pair = Pair(client={"max_frame_size": 512}, server={"max_frame_size": 512}, piece=piece)
    sender, receiver = pair.sender_and_receiver(target="q")
    body = bytes(range(256)) * 40
    payload = b"\0Su\xb0" + len(body).to_bytes(4, "big") + body
    sender.send_payload(payload)
    sender.send_payload(HELLO)
    pair.move()
    assert [message.body for message in receiver.receive()] == [body, "hello"]
    assert pair.server.statistics().deliveries_received == 2
    assert pair.client.statistics().frames_sent > 20


def test_pieces_are_sent_and_received_as_they_are_made() -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(target="q")
    receiver.set_streaming(True)
    sender.send_start(tag=b"t")
    sender.send_chunk(HELLO[:4])
    pair.move()
    first = receiver.receive_deliveries()
    assert [(one.payload, one.more, one.tag) for one in first] == [(HELLO[:4], True, b"t")]
    assert status_of(sender.send_payload, HELLO) == Status.INVALID_STATE
    sender.send_chunk(HELLO[4:])
    sender.send_finish()
    pair.move()
    rest = receiver.receive_deliveries()
    assert b"".join(one.payload for one in rest) == HELLO[4:]
    assert not rest[-1].more
    sender.send_start()
    sender.send_chunk(b"half")
    pair.move()
    sender.send_abort()
    pair.move()
    assert receiver.receive_deliveries()[-1].aborted


def test_a_malformed_message_is_an_error_of_its_own_and_the_rest_arrives() -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(target="q")
    payloads = [HELLO, b"nonsense", HELLO, HELLO, b"\0Sw\xa1\5hell", HELLO]
    numbers = sender.send_payloads(payloads)
    pair.move()
    assert [message.body for message in receiver.receive()] == ["hello"]
    for remaining in (2, 1):
        with pytest.raises(DecodeError) as caught:
            receiver.receive()
        assert caught.value.kind == "message"
        assert caught.value.delivery_number is not None
        receiver.reject(caught.value, p.Error("amqp:decode-error"))
        messages = receiver.receive()
        assert [message.body for message in messages] == ["hello"] * remaining
        assert all(message.delivery_tag for message in messages)
        receiver.accept(messages)
    assert receiver.receive() == []
    pair.move()
    states = {update.number: type(update.state) for update in sender.updates()}
    assert [states.get(number) for number in numbers] == [None, p.Rejected, p.Accepted, p.Accepted, p.Rejected, p.Accepted]


def test_large_bodies_arrive_whole_also_behind_a_malformed_message() -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(target="q")
    bodies = [bytes([i]) * 100_000 for i in range(4)]
    payloads = [b"\0Su\xb0" + len(body).to_bytes(4, "big") + body for body in bodies]
    sender.send_payloads([payloads[0], b"nonsense", *payloads[1:3], HELLO, payloads[3]])
    pair.move()
    found = receiver.receive()
    with pytest.raises(DecodeError):
        receiver.receive()
    found += receiver.receive(3) + receiver.receive()
    assert [message.body for message in found] == [*bodies[:3], "hello", bodies[3]]
    receiver.accept(found)
    assert receiver.unsettled_count == 1


def test_messages_come_typed_or_lazy_where_that_is_asked_for() -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(target="q")
    for _ in range(3):
        sender.send_payload(b"\0SwS\5")
    pair.move()
    plain, typed, lazy = receiver.receive(1), receiver.receive(1, typed=True), receiver.receive(1, lazy=True)
    assert [type(messages[0].body).__name__ for messages in (plain, typed, lazy)] == ["int", "ULong", "int"]
    assert all(message.body == 5 for message in plain + typed + lazy)


# --- Flow.


def test_credit_is_counted_and_a_batch_stops_where_it_ends() -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(credit=3, target="q")
    assert (sender.credit, receiver.flow.credit) == (3, 3)
    assert len(sender.send_payloads([HELLO] * 5)) == 3
    assert sender.send_payloads([HELLO]) == sender.send_payloads([]) == []
    assert status_of(sender.send_payload, HELLO) == Status.NO_CREDIT
    pair.move()
    assert receiver.flow.credit == 0
    receiver.set_prefetch(10)
    pair.move()
    assert pair.names() == ["LINK_FLOW"]
    assert sender.credit == 7  # three are not taken yet
    assert len(receiver.receive()) == 3
    sender.set_available(4)
    receiver.withdraw_credit()
    pair.move()
    assert sender.credit == 0


def test_drain_is_answered_by_giving_credit_back() -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(credit=5, target="q")
    receiver.drain()
    pair.move()
    assert sender.flow.drain
    pair.server_events.clear()
    sender.send_payload(HELLO)
    sender.drained()
    pair.move()
    assert (receiver.flow.credit, receiver.flow.delivery_count, sender.credit) == (0, 5, 0)
    assert {event.type for event in pair.server_events if event.link is receiver} == {e.EventType.DELIVERIES, e.EventType.LINK_FLOW}
    assert len(receiver.receive()) == 1


def test_flow_carries_properties_and_windows_are_told() -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(target="q")
    assert sender.remote_flow_properties is None
    receiver.send_flow(echo=True, properties={"txn-id": b"t"})
    pair.move()
    assert sender.remote_flow_properties == {"txn-id": b"t"}
    receiver.session.incoming_window = 3
    pair.move()
    assert sender.session.outgoing_window == 3
    assert status_of(setattr, receiver.session, "incoming_window", 0) == Status.INVALID_ARGUMENT


def test_what_the_window_does_not_let_out_waits_and_goes_when_it_opens() -> None:
    pair = Pair()
    pair.client.open("client")
    pair.server.open("server")
    sender = pair.client.session().begin().sender("s").attach(target="q")
    pair.move()
    begun, attached = pair.take(e.EventType.SESSION_BEGIN, e.EventType.LINK_ATTACH)
    assert begun.session is not None and isinstance(attached.link, e.Receiver)
    begun.session.begin(incoming_window=2)
    attached.link.attach().set_prefetch(100)
    pair.move()
    numbers = sender.send_payloads([HELLO] * 20)
    taken: list[Any] = []
    while len(taken) < 20:
        pair.move()
        messages = attached.link.receive()
        assert messages
        taken += messages
    attached.link.accept(taken)
    pair.move()
    assert sorted(update.number for update in sender.updates()) == numbers


# --- Suspension and recovery.


def test_a_link_goes_on_in_another_connection_with_what_was_unsettled() -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(target="q")
    numbers = sender.send_payloads([HELLO] * 3)
    pair.move()
    messages = receiver.receive()
    receiver.accept(messages[0])
    kept = receiver.export()
    pair.client.receive_data(b"")
    assert [event.type for event in pair.client.events()][-1] == e.EventType.CONNECTION_FAILED
    assert pair.client.failure is not None and pair.client.failure.status == Status.STREAM_ENDED
    exported = sender.export()

    again = Pair()
    again.open()
    link = again.client.session().begin().sender("link")
    link.restore(exported)
    assert [one.number for one in link.unsettled()] == numbers
    link.attach(target="q")
    again.move()
    begun, attached = again.take(e.EventType.SESSION_BEGIN, e.EventType.LINK_ATTACH)
    assert begun.session is not None and isinstance(attached.link, e.Receiver)
    begun.session.begin()
    attached.link.restore(kept)
    attached.link.attach().add_credit(10)
    again.move()
    assert [message.body for message in attached.link.receive()] == ["hello"]  # its outcome was lost
    attached.link.accept([one.number for one in attached.link.unsettled()])
    again.move()
    assert sorted(link.updates()) == [e.Update(number, p.Accepted(), True, False) for number in numbers]
    with pytest.raises(DecodeError):
        again.client.session().sender("x").restore(b"no export")


def test_a_suspended_link_is_moved_to_another_session() -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(target="q")
    sender.detach()
    pair.move()
    receiver.detach()
    pair.move()
    assert (sender.state, sender.is_closed) == (e.LinkState.DETACHED, False)
    session = pair.client.session().begin()
    sender.move(session)
    assert sender.session is session
    assert session.links == [sender]
    sender.attach(target="q")
    pair.move()
    assert sender.state == e.LinkState.ATTACH_SENT


# --- Time.


def test_time_keeps_idle_connections_and_fails_silent_ones() -> None:
    pair = Pair(client={"idle_timeout": 2})
    pair.open()
    deadline = pair.client.tick(100.0)
    assert deadline is not None and 100.0 < deadline <= 102.0
    assert pair.server.tick(100.0) is not None
    pair.server.tick(100.9)
    assert len(pair.server.data_to_send()) == 8  # an empty frame, which is lost
    pair.client.tick(103.0)
    assert pair.client.failure is not None
    assert pair.client.failure.status == Status.IDLE_TIMEOUT
    pair.move()
    assert pair.server.remote_error is not None


def test_row_107_a_clock_that_jumps_back_stands_still() -> None:
    pair = Pair(client={"idle_timeout": 5})
    pair.open()
    pair.client.tick(1000.0)
    deadline = pair.client.tick(10.0)
    assert deadline is not None and deadline > 1000.0
    assert pair.client.failure is None


def test_a_peer_that_does_not_open_fails_the_handshake() -> None:
    connection = e.Connection(handshake_timeout=1)
    connection.open("client")
    assert connection.tick(5.0) == 6.0
    connection.tick(6.0)
    assert connection.failure is not None
    assert connection.failure.status == Status.HANDSHAKE_TIMEOUT


# --- Lifetimes.


def test_objects_that_were_freed_raise_and_the_rest_goes_on() -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(target="q")
    sender.free()
    sender.free()
    for action in (lambda: sender.send_payload(HELLO), sender.updates, lambda: sender.name, sender.close, lambda: sender.state):
        with pytest.raises(ClosedError):
            action()
    pair.move()
    receiver.close()
    receiver.session.free()
    receiver.session.free()
    with pytest.raises(ClosedError):
        receiver.flow  # noqa: B018 # a property
    with pytest.raises(ClosedError):
        receiver.session.begin()
    pair.move()
    assert sender.session.state in (e.SessionState.END_RECEIVED, e.SessionState.MAPPED)
    sender.session.free()
    pair.move()
    assert pair.client.sessions == []
    again, _ = pair.links(target="q")
    assert repr(again) == "<Sender 'link', ATTACHED>"
    assert repr(sender) == "<Sender, freed>"


def test_a_released_connection_takes_everything_with_it_but_what_was_received() -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(target="q")
    sender.send_payload(HELLO)
    pair.move()
    (message,) = receiver.receive()
    pair.server.release()
    pair.server.release()
    assert pair.server.is_finished
    actions: list[Any] = [receiver.receive, lambda: receiver.accept(message), receiver.session.end, pair.server.next_event, pair.server.close]
    for action in [*actions, lambda: pair.server.tick(1), lambda: pair.server.sasl.mechanism, pair.server.data_to_send]:
        with pytest.raises(ClosedError):
            action()
    receiver.free()
    assert message.body == "hello"
    assert "released" in repr(pair.server) and "freed" in repr(receiver)


def test_row_108_connections_in_garbage_cycles_are_freed() -> None:
    class Application:
        """Holds a connection, and its link holds the application."""

        def __init__(self) -> None:
            pair = Pair()
            self.sender, self.receiver = pair.sender_and_receiver(target="q")
            self.connections = (pair.client, pair.server)
            self.itself = self

    application = Application()
    application.sender.send_payload(HELLO)
    reference = weakref.ref(application.connections[0])
    link = weakref.ref(application.sender)
    del application
    for _ in range(3):
        gc.collect()
    assert (reference(), link()) == (None, None)


def test_a_link_keeps_its_connection_alive() -> None:
    pair = Pair()
    sender, _ = pair.sender_and_receiver(target="q")
    del pair
    gc.collect()
    sender.send_payload(HELLO)
    assert sender.connection.data_to_send()


def test_row_106_calls_may_be_made_while_events_are_read() -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(target="q")
    sender.send_payload(HELLO)
    other = sender.session.sender("other").attach(target="p")
    for data in (pair.client.data_to_send(),):
        pair.server.receive_data(data)
    seen = []
    for event in pair.server.events():
        seen.append(event.type.name)
        receiver.free()
        receiver.session.free()
    assert seen == ["DELIVERIES"]  # what the session had is gone with it
    pair.move()
    assert other.state != e.LinkState.ATTACHED
