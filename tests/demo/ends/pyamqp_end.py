"""pyamqp, the pure Python AMQP stack inside of azure-eventhub."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

from azure.eventhub._pyamqp import ReceiveClient, SendClient, _transport
from azure.eventhub._pyamqp._decode import decode_frame
from azure.eventhub._pyamqp.constants import ReceiverSettleMode, SenderSettleMode
from azure.eventhub._pyamqp.message import Message
from azure.eventhub._pyamqp.sasl import SASLAnonymousCredential
from end import BATCH, Work, main

CREDIT = 1000
# Its cost for each disposition grows with what is pending: more are slower.
WINDOW = 64
LINGER_S = 1.0


# Fields of performatives, by descriptor: open, begin, attach, flow, transfer, disposition, detach, end, close (AMQP 2.7).
FIELD_COUNTS = {16: 10, 17: 8, 18: 14, 19: 11, 20: 11, 21: 6, 22: 3, 23: 1, 24: 1}


def decode_whole_frame(data: memoryview) -> tuple[int, list[Any]]:
    """It reads fields that a peer may leave out, and most do, where they are null at the end (AMQP 1.4): here they are put back."""
    kind, fields = decode_frame(data)
    payload = [fields.pop()] if kind == 20 else []
    missing = FIELD_COUNTS.get(kind, 0) - len(fields)
    return kind, fields + [None] * missing + payload


_transport.decode_frame = decode_whole_frame


class Anonymous:
    """It cannot do without SASL."""

    auth_type = "none"
    sasl = SASLAnonymousCredential()


def arguments_of(work: Work) -> tuple[tuple[str, str], dict[str, Any]]:
    """Of either kind of client."""
    return (urlsplit(work.url).netloc, work.address), {
        "auth": Anonymous(),
        "use_tls": False,
        "send_settle_mode": SenderSettleMode.Settled if work.settled else SenderSettleMode.Unsettled,
        "receive_settle_mode": ReceiverSettleMode.First,
    }


def receive(work: Work) -> None:
    """In batches where they come settled; one by one, each accepted, where not."""
    places, options = arguments_of(work)
    client = ReceiveClient(*places, link_credit=CREDIT, **options)
    client.open()
    while not client.client_ready():
        pass
    work.ready()
    if work.settled:
        while not work.take([message.data[0] for message in client.receive_message_batch(max_batch_size=BATCH)]):
            pass
    else:
        for frame, message in client.receive_messages_iter():
            client.settle_messages(frame[1], frame[2], "accepted")
            if work.take([message.data[0]]):
                break
    client.close()


def send(work: Work) -> None:
    """As many as the window allows without an outcome, or, where they go settled, as many as there is credit for."""
    places, options = arguments_of(work)
    client = SendClient(*places, **options)
    client.open()
    while not client.client_ready():
        pass
    link = client._link
    while link.current_link_credit == link.link_credit:
        client._connection.listen(wait=1)  # it begins with credit that nobody gave
    done = posted = 0

    def settle(_reason: object, _state: object) -> None:
        nonlocal done
        done += 1

    work.begin()
    for body in work.bodies():
        link.send_transfer(Message(data=[body]), on_send_complete=settle, send_async=not work.settled)
        posted += 1
        while link.current_link_credit <= 0:
            client._connection.listen(wait=1)  # do_work would invent more
        while not work.settled and posted - done >= WINDOW:
            client.do_work(batch=1)
    while not work.settled and done < posted:
        client.do_work(batch=1)
    # It resets the connection where it closes with something unread, and then the last messages are lost.
    until = time.monotonic() + LINGER_S
    while work.settled and time.monotonic() < until:
        client._connection.listen(wait=LINGER_S)
    client.close()


if __name__ == "__main__":
    main(send, receive)
