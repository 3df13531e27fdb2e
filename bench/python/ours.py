"""The contender that is judged: the package amqpcodec, by its public names only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from time import process_time
from typing import Any

import amqpcodec
from common import (
    BATCH,
    Fields,
    Sample,
    Work,
    check_fields,
    check_total,
    expected_bodies,
    expected_total,
    main,
)

CREDIT = 1000
TASKS = 100
Read = Callable[[Iterable[Any]], int]


def fields_of(message: Any) -> Fields:
    """All fields, for the checksum."""
    return Fields(
        message.durable, message.message_id, message.to, message.subject, message.content_type, message.application_properties, message.body
    )


def read_all(messages: Iterable[Any]) -> int:
    """Reads every field of messages."""
    total = 0
    for message in messages:
        message.durable  # noqa: B018
        message.message_id  # noqa: B018
        message.to  # noqa: B018
        message.subject  # noqa: B018
        message.content_type  # noqa: B018
        application_properties = message.application_properties
        application_properties["region"]
        application_properties["retry"]
        application_properties["price"]
        total += len(message.body) + application_properties["seq"]
    return total


def read_one(message: Any) -> int:
    """Reads every field of one message."""
    message.durable  # noqa: B018
    message.message_id  # noqa: B018
    message.to  # noqa: B018
    message.subject  # noqa: B018
    message.content_type  # noqa: B018
    application_properties = message.application_properties
    application_properties["region"]
    application_properties["retry"]
    application_properties["price"]
    return int(len(message.body) + application_properties["seq"])


def read_bodies(messages: Iterable[Any]) -> int:
    """Reads only the bodies of messages."""
    total = 0
    for message in messages:
        body = message.body
        total += len(body) + body[0]
    return total


# --- Codec.


def decode(work: Work, read: Read, lazy: bool, wanted: Callable[[Work, int], int]) -> None:
    """Decodes messages that lie in memory, in batches."""
    decode_messages = amqpcodec.decode_messages
    for number, message in enumerate(decode_messages([sample.wire for sample in work.samples], lazy=lazy)):
        check_fields(work, number, fields_of(message))

    def run(count: int) -> int:
        return sum(read(decode_messages(batch, lazy=lazy)) for batch in work.batches(count))

    run(work.warm_up)
    work.begin(process_time)
    total = run(work.count)
    timed = work.count // BATCH * BATCH
    work.end(timed, total)
    check_total(total, wanted(work, timed))


def decode_all(work: Work) -> None:
    """Every field read."""
    decode(work, read_all, False, expected_total)


def decode_body(work: Work) -> None:
    """Only the bodies read: sections are decoded on touch."""
    decode(work, read_bodies, True, expected_bodies)


def decode_one(work: Work) -> None:
    """One message a call, every field read."""
    decode_message = amqpcodec.decode_message
    wires = [sample.wire for sample in work.samples]

    def run(count: int) -> int:
        return sum(read_all(map(decode_message, wires)) for _ in range(count // len(wires)))

    run(work.warm_up)
    work.begin(process_time)
    total = run(work.count)
    timed = work.count // len(wires) * len(wires)
    work.end(timed, total)
    check_total(total, expected_total(work, timed))


def build(sample: Sample) -> amqpcodec.Message:
    """The message as a program builds it."""
    return amqpcodec.Message(
        sample.body,
        durable=True,
        message_id=sample.message_id,
        to=sample.to,
        subject=sample.subject,
        content_type=sample.content_type,
        application_properties={"region": sample.region, "seq": sample.sequence, "retry": sample.retry, "price": sample.price},
    )


def check_encoded(work: Work, encoded: Iterable[bytes]) -> None:
    """What was encoded is what was built."""
    for number, message in enumerate(amqpcodec.decode_messages(encoded)):
        check_fields(work, number, fields_of(message))


def encode_batch(work: Work) -> None:
    """Builds messages, and encodes them in batches."""
    encode_messages = amqpcodec.encode_messages
    samples = work.samples * (BATCH // len(work.samples))
    check_encoded(work, encode_messages(map(build, work.samples)))

    def run(count: int) -> int:
        return sum(len(encode_messages([build(sample) for sample in samples])) for _ in range(count // BATCH))

    run(work.warm_up)
    work.begin(process_time)
    work.end(run(work.count), 0)


def encode_one(work: Work) -> None:
    """Builds and encodes messages, one a call."""
    encode_message = amqpcodec.encode_message
    check_encoded(work, [encode_message(build(sample)) for sample in work.samples])

    def run(count: int) -> int:
        total = 0
        samples = work.samples
        for number in range(count):
            total += len(encode_message(build(samples[number % 16])))
        return total

    run(work.warm_up)
    work.begin(process_time)
    total = run(work.count)
    work.end(work.count, total)


# --- Receiving.


def receive_settled(work: Work, read: Read, lazy: bool, wanted: Callable[[Work, int], int]) -> None:
    """Batches of messages that were sent settled."""
    with amqpcodec.connect(work.url) as connection, connection.receiver("bench", credit=CREDIT, settled=True, lazy=lazy) as receiver:
        received = total = before = 0
        while received < work.count:
            batch = receiver.receive_batch(BATCH)
            if received < len(work.samples):
                for number, message in enumerate(batch, received):
                    check_fields(work, number, fields_of(message))
            total += read(batch)
            received += len(batch)
            if before == 0 and received >= work.warm_up:
                before = received
                work.begin()
        work.end(received - before, total)
        check_total(total, wanted(work, received))


def receive_batch(work: Work) -> None:
    """Every field read."""
    receive_settled(work, read_all, False, expected_total)


def receive_batch_body(work: Work) -> None:
    """Only the bodies read: sections are decoded on touch."""
    receive_settled(work, read_bodies, True, expected_bodies)


def memory(work: Work) -> None:
    """What stays of messages that were received."""
    with amqpcodec.connect(work.url) as connection, connection.receiver("bench", credit=CREDIT, settled=True) as receiver:
        received = total = 0
        work.begin()
        while received < work.count:
            batch = receiver.receive_batch(BATCH)
            total += read_all(batch)
            received += len(batch)
            work.watch_memory(received)
        work.end(received, total)


def receive_one(work: Work) -> None:
    """Messages one by one, each accepted by itself."""
    with amqpcodec.connect(work.url) as connection, connection.receiver("bench", credit=CREDIT) as receiver:
        total = 0
        begin, count = work.warm_up, work.count
        for number, message in enumerate(receiver, 1):
            total += read_one(message)
            receiver.accept(message)
            if number == begin:
                work.begin()
            elif number == count:
                break
        work.end(count - begin, total)
        check_total(total, expected_total(work, count))


# --- Sending.


def send_pipelined(work: Work) -> None:
    """As many as the window allows without an outcome."""
    with amqpcodec.connect(work.url) as connection, connection.sender("bench") as sender:
        samples = work.samples
        sender.send_many(build(samples[number % 16]) for number in range(work.warm_up))
        rest = work.count - work.warm_up
        work.begin()
        outcomes = sender.send_many(build(samples[number % 16]) for number in range(work.warm_up, work.count))
        work.end(rest, work.count)
        check_total(sum(outcome.is_accepted for outcome in outcomes), rest)


def send_one(work: Work) -> None:
    """One at a time, waiting for each outcome."""
    with amqpcodec.connect(work.url) as connection, connection.sender("bench") as sender:
        for number in range(work.count):
            if number == work.warm_up:
                work.begin()
            sender.send(build(work.samples[number % 16]))
        work.end(work.count - work.warm_up, work.count)


# --- Event loops.


def asyncio_batch(work: Work) -> None:
    """Batches in an event loop."""

    async def run() -> None:
        async with amqpcodec.aio.connect(work.url) as connection:
            receiver = connection.receiver("bench", credit=CREDIT, settled=True)
            received = total = before = 0
            while received < work.count:
                batch = await receiver.receive_batch(BATCH)
                total += read_all(batch)
                received += len(batch)
                if before == 0 and received >= work.warm_up:
                    before = received
                    work.begin()
            work.end(received - before, total)
            check_total(total, expected_total(work, received))

    asyncio.run(run())


def asyncio_one(work: Work) -> None:
    """One by one in an event loop, by `async for`."""

    async def run() -> None:
        async with amqpcodec.aio.connect(work.url) as connection:
            number = total = 0
            begin, count = work.warm_up, work.count
            async for message in connection.receiver("bench", credit=CREDIT, settled=True):
                total += read_one(message)
                number += 1
                if number == begin:
                    work.begin()
                elif number == count:
                    break
            work.end(count - begin, total)
            check_total(total, expected_total(work, count))

    asyncio.run(run())


def asyncio_tasks(work: Work) -> None:
    """Tasks that share a sender, and each await the outcome of what they sent before they send more."""

    async def send_some(sender: amqpcodec.aio.Sender, numbers: range) -> None:
        for number in numbers:
            await sender.send(build(work.samples[number % 16]))

    async def run() -> None:
        async with amqpcodec.aio.connect(work.url) as connection:
            sender = connection.sender("bench")
            await asyncio.gather(*(send_some(sender, range(first, work.warm_up, TASKS)) for first in range(TASKS)))
            rest = work.count - work.warm_up
            work.begin()
            await asyncio.gather(*(send_some(sender, range(work.warm_up + first, work.count, TASKS)) for first in range(TASKS)))
            work.end(rest, work.count)

    asyncio.run(run())


if __name__ == "__main__":
    main(
        {
            "decode_all": decode_all,
            "decode_body": decode_body,
            "decode_one": decode_one,
            "encode_batch": encode_batch,
            "encode_one": encode_one,
            "receive_batch": receive_batch,
            "receive_batch_body": receive_batch_body,
            "receive_one": receive_one,
            "memory": memory,
            "send_pipelined": send_pipelined,
            "send_one": send_one,
            "asyncio_batch": asyncio_batch,
            "asyncio_one": asyncio_one,
            "asyncio_tasks": asyncio_tasks,
        }
    )
