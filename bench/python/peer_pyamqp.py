"""The contender pyamqp: the pure Python AMQP stack inside azure-eventhub."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import process_time
from typing import Any

from azure.eventhub._pyamqp import ReceiveClient, SendClient
from azure.eventhub._pyamqp._decode import decode_payload
from azure.eventhub._pyamqp._encode import encode_payload
from azure.eventhub._pyamqp.aio import ReceiveClientAsync
from azure.eventhub._pyamqp.constants import ReceiverSettleMode, SenderSettleMode
from azure.eventhub._pyamqp.message import Header, Message, Properties
from azure.eventhub._pyamqp.sasl import SASLAnonymousCredential
from azure.eventhub._pyamqp.types import TYPE, VALUE, AMQPTypes
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

# A multiple of the batch: where credit ends within a batch, it waits for its time-out of 0.2 s before it gives more.
CREDIT = 1024
# Its cost for each disposition grows with what is pending: more are slower.
WINDOW = 16


class Anonymous:
    """SASL ANONYMOUS: it cannot do without SASL."""

    auth_type = "none"
    sasl = SASLAnonymousCredential()


def options_of(settled: bool) -> dict[str, Any]:
    """Of either kind of client."""
    return {
        "auth": Anonymous(),
        "use_tls": False,
        "send_settle_mode": SenderSettleMode.Settled if settled else SenderSettleMode.Unsettled,
        "receive_settle_mode": ReceiverSettleMode.First,
    }


def host_of(work: Work) -> str:
    """As it wants it."""
    return f"127.0.0.1:{work.port}"


def fields_of(message: Any) -> Fields:
    """All fields, for the checksum."""
    properties = message.properties
    return Fields(
        bool(message.header.durable),
        properties.message_id,
        properties.to,
        properties.subject,
        properties.content_type,
        message.application_properties,
        message.data[0],
    )


def read_all(message: Any) -> int:
    """Reads every field."""
    message.header.durable  # noqa: B018
    properties = message.properties
    properties.message_id  # noqa: B018
    properties.to  # noqa: B018
    properties.subject  # noqa: B018
    properties.content_type  # noqa: B018
    application_properties = message.application_properties
    application_properties[b"region"]
    application_properties[b"retry"]
    application_properties[b"price"]
    return int(len(message.data[0]) + application_properties[b"seq"])


def read_body(message: Any) -> int:
    """Reads the body alone."""
    body = message.data[0]
    return int(len(body) + body[0])


def decode(work: Work, read: Callable[[Any], int], wanted: Callable[[Work, int], int]) -> None:
    """Decodes messages that lie in memory."""
    for number, sample in enumerate(work.samples):
        check_fields(work, number, fields_of(decode_payload(memoryview(sample.wire))))
    views = [memoryview(sample.wire) for sample in work.samples] * (BATCH // len(work.samples))

    def run(count: int) -> int:
        total = 0
        for _ in range(count // BATCH):
            for view in views:
                total += read(decode_payload(view))
        return total

    run(work.warm_up)
    work.begin(process_time)
    total = run(work.count)
    timed = work.count // BATCH * BATCH
    work.end(timed, total)
    check_total(total, wanted(work, timed))


def decode_all(work: Work) -> None:
    """Every field read."""
    decode(work, read_all, expected_total)


def decode_body(work: Work) -> None:
    """Only the body read."""
    decode(work, read_body, expected_bodies)


def build(sample: Sample) -> Message:
    """The message as a program builds it. It takes integers for int, so that one of 64 bits has to say what it is."""
    return Message(
        header=Header(durable=True),
        properties=Properties(message_id=sample.message_id, to=sample.to, subject=sample.subject, content_type=sample.content_type),
        application_properties={
            "region": sample.region,
            "seq": {TYPE: AMQPTypes.long, VALUE: sample.sequence},
            "retry": sample.retry,
            "price": sample.price,
        },
        data=[sample.body],
    )


def encode_one(work: Work) -> None:
    """Builds and encodes messages."""
    for number, sample in enumerate(work.samples):
        output = bytearray()
        encode_payload(output, build(sample))
        check_fields(work, number, fields_of(decode_payload(memoryview(output))))

    def run(count: int) -> int:
        total = 0
        samples = work.samples
        for number in range(count):
            output = bytearray()
            encode_payload(output, build(samples[number % 16]))
            total += len(output)
        return total

    run(work.warm_up)
    work.begin(process_time)
    total = run(work.count)
    work.end(work.count, total)


# --- Receiving.


def receive_settled(work: Work, read: Callable[[Any], int], wanted: Callable[[Work, int], int]) -> None:
    """Batches of messages that were sent settled."""
    client = ReceiveClient(host_of(work), "bench", link_credit=CREDIT, **options_of(True))
    received = 0
    total = 0
    before = 0
    while received < work.count:
        batch = client.receive_message_batch(max_batch_size=BATCH)
        if received < len(work.samples):
            for number, message in enumerate(batch, received):
                check_fields(work, number, fields_of(message))
        for message in batch:
            total += read(message)
        received += len(batch)
        if before == 0 and received >= work.warm_up:
            before = received
            work.begin()
    work.end(received - before, total)
    check_total(total, wanted(work, received))
    client.close()


def receive_batch(work: Work) -> None:
    """Every field read."""
    receive_settled(work, read_all, expected_total)


def receive_batch_body(work: Work) -> None:
    """Only the body read."""
    receive_settled(work, read_body, expected_bodies)


def receive_one(work: Work) -> None:
    """Messages one by one, each accepted by itself."""
    client = ReceiveClient(host_of(work), "bench", link_credit=CREDIT, **options_of(False))
    total = 0
    begin, count = work.warm_up, work.count
    for number, (frame, message) in enumerate(client.receive_messages_iter(), 1):
        total += read_all(message)
        client.settle_messages(frame[1], frame[2], "accepted")
        if number == begin:
            work.begin()
        elif number == count:
            break
    work.end(count - begin, total)
    check_total(total, expected_total(work, count))
    client.close()


def asyncio_batch(work: Work) -> None:
    """Batches in an event loop."""

    async def run() -> None:
        client = ReceiveClientAsync(host_of(work), "bench", link_credit=CREDIT, **options_of(True))
        received = total = before = 0
        while received < work.count:
            batch = await client.receive_message_batch_async(max_batch_size=BATCH)
            for message in batch:
                total += read_all(message)
            received += len(batch)
            if before == 0 and received >= work.warm_up:
                before = received
                work.begin()
        work.end(received - before, total)
        check_total(total, expected_total(work, received))
        await client.close_async()

    asyncio.run(run())


def memory(work: Work) -> None:
    """What stays of messages that were received."""
    client = ReceiveClient(host_of(work), "bench", link_credit=CREDIT, **options_of(True))
    received = total = 0
    work.begin()
    while received < work.count:
        batch = client.receive_message_batch(max_batch_size=BATCH)
        total += sum(map(read_all, batch))
        received += len(batch)
        work.watch_memory(received)
    work.end(received, total)
    client.close()


# --- Sending.


def ready_sender(work: Work) -> SendClient:
    """Attached, and with credit."""
    client = SendClient(host_of(work), "bench", **options_of(False))
    client.open()
    while not client.client_ready():
        pass
    return client


def send_pipelined(work: Work) -> None:
    """As many as the window allows without an outcome."""
    client = ready_sender(work)
    link = client._link
    done = 0

    def settled(reason: object, state: object) -> None:
        nonlocal done
        if not state or "accepted" not in state:  # type: ignore[operator]
            raise SystemExit(f"a message was not accepted: {reason} {state}")
        done += 1

    posted = 0
    begun = 0
    while done < work.count:
        while posted < work.count and posted - done < WINDOW:
            link.send_transfer(build(work.samples[posted % 16]), on_send_complete=settled, send_async=True)
            posted += 1
        client.do_work()
        if begun == 0 and done >= work.warm_up:
            begun = done
            work.begin()
    work.end(done - begun, posted)
    client.close()


def send_one(work: Work) -> None:
    """One at a time, waiting for each outcome."""
    client = ready_sender(work)
    for number in range(work.count):
        if number == work.warm_up:
            work.begin()
        client.send_message(build(work.samples[number % 16]))
    work.end(work.count - work.warm_up, work.count)
    client.close()


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
            "asyncio_batch": asyncio_batch,
            "memory": memory,
        }
    )
