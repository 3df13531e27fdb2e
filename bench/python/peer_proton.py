"""The contender Proton: the Python binding of Qpid Proton, by cffi over its C library."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any

from common import Fields, Sample, Work, check_fields, check_total, expected_bodies, expected_total, main
from proton import Message
from proton.handlers import MessagingHandler
from proton.reactor import AtLeastOnce, AtMostOnce, Container
from proton.utils import BlockingConnection

CREDIT = 1000


def fields_of(message: Message) -> Fields:
    """All fields, for the checksum."""
    return Fields(
        message.durable, message.id, message.address, message.subject, str(message.content_type), message.properties, bytes(message.body)
    )


def read_all(message: Message) -> int:
    """Reads every field."""
    message.durable  # noqa: B018
    message.id  # noqa: B018
    message.address  # noqa: B018
    message.subject  # noqa: B018
    message.content_type  # noqa: B018
    properties = message.properties
    properties["region"]
    properties["retry"]
    properties["price"]
    return int(len(message.body) + properties["seq"])


def read_body(message: Message) -> int:
    """Reads the body alone."""
    body = message.body
    return int(len(body) + body[0])


def decoded(wire: bytes) -> Message:
    """A message that lies in memory."""
    message = Message()
    message.decode(wire)
    return message


def decode(work: Work, read: Callable[[Message], int], wanted: Callable[[Work, int], int]) -> None:
    """Decodes messages that lie in memory."""
    for number, sample in enumerate(work.samples):
        check_fields(work, number, fields_of(decoded(sample.wire)))
    wires = [sample.wire for sample in work.samples]

    def run(count: int) -> int:
        total = 0
        for _ in range(count // len(wires)):
            for wire in wires:
                total += read(decoded(wire))
        return total

    run(work.warm_up)
    work.begin(process_time)
    total = run(work.count)
    timed = work.count // len(wires) * len(wires)
    work.end(timed, total)
    check_total(total, wanted(work, timed))


def decode_all(work: Work) -> None:
    """Every field read."""
    decode(work, read_all, expected_total)


def decode_body(work: Work) -> None:
    """Only the body read."""
    decode(work, read_body, expected_bodies)


def build(sample: Sample) -> Message:
    """The message as a program builds it."""
    return Message(
        body=sample.body,
        inferred=True,
        durable=True,
        id=sample.message_id,
        address=sample.to,
        subject=sample.subject,
        content_type=sample.content_type,
        properties={"region": sample.region, "seq": sample.sequence, "retry": sample.retry, "price": sample.price},
    )


def encode_one(work: Work) -> None:
    """Builds and encodes messages."""
    for number, sample in enumerate(work.samples):
        check_fields(work, number, fields_of(decoded(build(sample).encode())))

    def run(count: int) -> int:
        total = 0
        samples = work.samples
        for number in range(count):
            total += len(build(samples[number % 16]).encode())
        return total

    run(work.warm_up)
    work.begin(process_time)
    total = run(work.count)
    work.end(work.count, total)


class Receiving(MessagingHandler):  # type: ignore[misc]
    """Receives so many messages; accepts them where they are not settled."""

    def __init__(self, work: Work, settled: bool, read: Callable[[Message], int] = read_all) -> None:
        super().__init__(prefetch=CREDIT, auto_accept=not settled)
        self.work = work
        self.settled = settled
        self.read = read
        self.watches_memory = False
        self.received = 0
        self.total = 0

    def on_start(self, event: Any) -> None:
        """Connects."""
        connection = event.container.connect(self.work.url, sasl_enabled=False, reconnect=False)
        event.container.create_receiver(connection, "bench", options=AtMostOnce() if self.settled else AtLeastOnce())

    def on_message(self, event: Any) -> None:
        """One more."""
        work = self.work
        if self.received >= work.count:
            return
        if self.received < len(work.samples):
            check_fields(work, self.received, fields_of(event.message))
        self.total += self.read(event.message)
        self.received += 1
        if self.watches_memory:
            work.watch_memory(self.received)
        if self.received == work.warm_up:
            work.begin()
        elif self.received == work.count:
            work.end(work.count - work.warm_up, self.total)
            event.connection.close()


def receive_batch(work: Work) -> None:
    """As they come: it has no batches. Every field read."""
    handler = Receiving(work, True)
    Container(handler).run()
    check_total(handler.total, expected_total(work, work.count))


def receive_batch_body(work: Work) -> None:
    """Only the body read."""
    handler = Receiving(work, True, read_body)
    Container(handler).run()
    check_total(handler.total, expected_bodies(work, work.count))


def receive_one(work: Work) -> None:
    """Each accepted."""
    handler = Receiving(work, False)
    Container(handler).run()
    check_total(handler.total, expected_total(work, work.count))


def memory(work: Work) -> None:
    """What stays of messages that were received."""
    handler = Receiving(work, True)
    handler.watches_memory = True
    Container(handler).run()


class Sending(MessagingHandler):  # type: ignore[misc]
    """Sends so many messages, as many at a time as there is credit."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self.work = work
        self.sent = 0
        self.accepted = 0

    def on_start(self, event: Any) -> None:
        """Connects."""
        connection = event.container.connect(self.work.url, sasl_enabled=False, reconnect=False)
        event.container.create_sender(connection, "bench")

    def on_sendable(self, event: Any) -> None:
        """There is credit."""
        samples = self.work.samples
        while event.sender.credit and self.sent < self.work.count:
            event.sender.send(build(samples[self.sent % 16]))
            self.sent += 1

    def on_accepted(self, event: Any) -> None:
        """One more outcome."""
        self.accepted += 1
        if self.accepted == self.work.warm_up:
            self.work.begin()
        elif self.accepted == self.work.count:
            self.work.end(self.work.count - self.work.warm_up, self.sent)
            event.connection.close()


def send_pipelined(work: Work) -> None:
    """As many as there is credit for."""
    Container(Sending(work)).run()


def send_one(work: Work) -> None:
    """One at a time, waiting for each outcome."""
    connection = BlockingConnection(work.url, sasl_enabled=False)
    sender = connection.create_sender("bench")
    for number in range(work.count):
        if number == work.warm_up:
            work.begin()
        sender.send(build(work.samples[number % 16]))
    work.end(work.count - work.warm_up, work.count)
    connection.close()


if __name__ == "__main__":
    main(
        {
            "decode_all": decode_all,
            "decode_body": decode_body,
            "encode_one": encode_one,
            "receive_batch": receive_batch,
            "receive_batch_body": receive_batch_body,
            "receive_one": receive_one,
            "send_pipelined": send_pipelined,
            "send_one": send_one,
            "memory": memory,
        }
    )
