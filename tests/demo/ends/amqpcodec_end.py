"""This project's package."""

from __future__ import annotations

from typing import Literal

import amqpcodec
from end import BATCH, STALLED_S, Work, main

CREDIT = 1000


def receive(work: Work) -> None:
    """In batches."""
    with amqpcodec.connect(work.url) as connection, connection.receiver(work.address, credit=CREDIT, settled=work.settled) as receiver:
        receiver.wait_open()
        work.ready()
        is_over = False
        while not is_over:
            batch = receiver.receive_batch(BATCH, timeout=STALLED_S)
            is_over = work.take([message.body for message in batch])
            if not work.settled:
                receiver.accept(batch)


def send(work: Work) -> None:
    """Pipelined."""
    guarantee: Literal["at-most-once", "at-least-once"] = "at-most-once" if work.settled else "at-least-once"
    with amqpcodec.connect(work.url) as connection, connection.sender(work.address, guarantee=guarantee) as sender:
        sender.wait_open()
        work.begin()
        sender.send_many(map(amqpcodec.Message, work.bodies()))
        sender.flush()


if __name__ == "__main__":
    main(send, receive)
