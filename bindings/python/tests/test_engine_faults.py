"""Connections without I/O whose peer, or whose caller, has something wrong."""

from __future__ import annotations

import pytest
from amqpcodec import AmqpConnectionError, ClosedError, DecodeError, Status
from amqpcodec import engine as e
from hypothesis import given
from hypothesis import strategies as st
from pair import HELLO, Pair, status_of


def test_bytes_that_are_no_frame_fail_the_connection_and_explain_why() -> None:
    pair = Pair(server={"trace_size": 4096})
    pair.open()
    pair.server.receive_data(b"\0\0\0\x0c\2\0\0\0\0S\x11\x45")
    pair.move()
    assert pair.take(e.EventType.CONNECTION_FAILED)
    failure = pair.server.failure
    assert isinstance(failure, AmqpConnectionError)
    assert failure.status == Status.MISSING_FIELD
    assert isinstance(failure.__cause__, DecodeError)
    assert (failure.__cause__.offset, failure.__cause__.kind) == (12, "frame")
    assert pair.client.remote_error is not None
    assert pair.client.remote_error.condition == "amqp:invalid-field"
    with pytest.raises(ClosedError, match="the connection has failed") as caught:
        pair.server.session()
    assert isinstance(caught.value.__cause__, AmqpConnectionError)
    trace = pair.server.read_trace()
    assert trace[0] == "<- AMQP header"
    assert any(line.startswith('<- 0 open(container-id="client"') for line in trace)
    assert pair.server.read_trace() == []


def test_a_peer_that_speaks_something_else_fails_the_connection() -> None:
    connection = e.Connection()
    connection.open("client")
    connection.receive_data(bytearray(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    assert connection.failure is not None
    assert connection.failure.status == Status.BAD_PROTOCOL_HEADER


def test_a_message_larger_than_the_peer_takes_is_refused_at_the_sender() -> None:
    pair = Pair()
    pair.open()
    sender = pair.client.session().begin().sender("s").attach(target="q")
    pair.move()
    begun, attached = pair.take(e.EventType.SESSION_BEGIN, e.EventType.LINK_ATTACH)
    assert begun.session is not None and isinstance(attached.link, e.Receiver)
    begun.session.begin()
    attached.link.attach(max_message_size=1000).add_credit(1)
    pair.move()
    assert status_of(sender.send_payload, bytes(1001)) == Status.MESSAGE_TOO_LARGE
    assert status_of(sender.send_payloads, [bytes(1001)]) == Status.MESSAGE_TOO_LARGE
    assert sender.send_payload(bytes(1000))


def test_a_delivery_larger_than_this_end_takes_detaches_its_link() -> None:
    pair = Pair(server={"message_size": 1000})
    sender, receiver = pair.sender_and_receiver(target="q")
    sender.send_payload(bytes(2000))
    pair.move()
    assert receiver.error is not None
    assert receiver.error.condition == "amqp:link:message-size-exceeded"
    assert sender.error == receiver.error


def test_output_is_given_in_parts_where_that_is_asked_for() -> None:
    pair = Pair()
    pair.client.open("client")
    data = b""
    while True:
        part = pair.client.data_to_send(5)
        assert len(part) <= 5
        if not part:
            break
        data += part
    assert data[:8] == b"AMQP\0\1\0\0"
    assert pair.client.data_to_send(0) == b""
    assert pair.client.statistics().bytes_sent == len(data)


@given(st.lists(st.binary(max_size=40), max_size=6), st.booleans(), st.booleans())
def test_arbitrary_bytes_fail_a_connection_at_most(pieces: list[bytes], is_server: bool, has_sasl: bool) -> None:
    connection = e.Connection(is_server=is_server, sasl=e.Sasl() if has_sasl else None, random=bytes(64))
    connection.open("here")
    header = b"AMQP\3\1\0\0" if has_sasl else b"AMQP\0\1\0\0"
    for piece in [header, *pieces]:
        if piece:
            connection.receive_data(piece)
        connection.data_to_send()
        list(connection.events())
    assert connection.failure is None or connection.failure.status
    connection.receive_data(b"")


@given(st.data())
def test_a_conversation_of_which_a_byte_is_changed_fails_at_most(draw: st.DataObject) -> None:
    pair = Pair()
    sender, receiver = pair.sender_and_receiver(target="q")
    sender.send_payloads([HELLO] * 3)
    sender.session.receiver("back").attach(source="p")
    data = bytearray(pair.client.data_to_send())
    data[draw.draw(st.integers(0, len(data) - 1))] = draw.draw(st.integers(0, 255))
    pair.server.receive_data(data)
    for event in pair.server.events():
        assert repr(event)
    if receiver.state == e.LinkState.ATTACHED:
        for _ in range(4):
            try:
                receiver.accept(receiver.receive())
            except DecodeError as error:
                receiver.reject(error)
    pair.client.receive_data(pair.server.data_to_send() or b"")
