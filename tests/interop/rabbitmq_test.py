"""The client against RabbitMQ as Debian has it."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import ClassVar

from broker_scenarios import QUEUES
from brokers.certificates import Certificates
from brokers.rabbitmq import RabbitMQ, server_folder
from python_scenarios import PythonScenarios

REASON = "RabbitMQ is not installed"


@unittest.skipIf(server_folder() is None, REASON)
class WithRabbitMQ(PythonScenarios):
    differences: ClassVar[dict[str, str]] = {
        "body value: list": "connection, while sending",
        "message annotation: described": "connection, while sending",
        "body of two data": "body",
        "body of two sequences": "body",
    }
    # The same, and arrays of ints, which it cannot encode again either.
    python_differences: ClassVar[dict[str, str]] = {
        "body: list": "sending: OutcomeError",
        "body: array of ints": "sending: OutcomeError",
        "message annotation: array of ints": "sending: OutcomeError",
        "message annotation: described": "sending: OutcomeError",
        "body of two data": "body",
        "body of two sequences": "body",
    }
    again: ClassVar[list[tuple[int, int]]] = [(2, 0), (3, 0), (4, 0)]  # modified is not known, and what is released is delivered as if for the first time
    elsewhere: ClassVar[list[tuple[int, int]]] = []
    lacks: ClassVar[dict[str, str]] = {
        "modified": "its sources announce the other outcomes only",
        "drain": "ends the session",
        "selectors": "are not known",
        "dynamic nodes": "are not known",
        "anonymous relay": "is not offered",
        "requests and replies": "need dynamic nodes",
        "transactions": "are not known",
    }

    findings: ClassVar[tuple[str, ...]] = (
        """A link that is attached again with an unsettled map ends the session, instead of being answered with the broker's own map (AMQP 2.6.13).
The client then attaches it without, and sends again what has no outcome.

    <- end(error=error(condition=:"amqp:not-implemented", description="Link recovery not supported"))""",
        """The credit of a flow is counted from where the broker is itself, and not from the delivery-count that the flow says (AMQP 2.6.7), so that
it sends more than there is credit for. The client bears up to 2,048 deliveries beyond. Of one conversation the last flow, and the last
of the deliveries behind it, of which the 500th has the delivery-id 2789:

    -> flow(next-incoming-id=2290, incoming-window=2048, next-outgoing-id=0, outgoing-window=2147483647, handle=0, delivery-count=2290,
       link-credit=500)
    <- transfer(handle=0, delivery-id=3014, delivery-tag=binary(0000000000000bc7), message-format=0, settled=false, ...)""",
        """A classic queue that is drained ends the session.

    -> flow(next-incoming-id=7, incoming-window=2048, next-outgoing-id=10, outgoing-window=2147483647, handle=1, delivery-count=7,
       link-credit=33, drain=true)
    <- end(error=error(condition=:"amqp:internal-error", description="{function_clause,[{rabbit_classic_queue,handle_event,
       [{send_drained,[{<<99,116,97,103,45,0,0,0,1>>,31}]}, ...

A quorum queue gives credit back before it sends what it has, and the next time counts too little: 3 instead of 33.

    <- flow(..., handle=1, delivery-count=37, link-credit=0, available=0, drain=true)
    <- transfer(handle=1, delivery-id=7, ...)    and two more
    -> flow(..., handle=1, delivery-count=40, link-credit=33, drain=true)
    <- flow(..., handle=1, delivery-count=43, link-credit=0, available=0, drain=true)""",
        """The bare message is not left alone (AMQP 3.2): properties get a subject, which is the queue's name, and several sections of data, or of
sequences, come in the opposite order.

    -> transfer(handle=0, delivery-id=0, delivery-tag=binary(00), message-format=0, settled=false)
       header(durable=true) data(6f6e65) data(616e642074776f)
    <- transfer(handle=1, delivery-id=0, delivery-tag=binary(0000000000000001), ...)
       header(durable=true, first-acquirer=true) properties(subject="q1") data(616e642074776f) data(6f6e65)""",
        """These two messages crash the session's process in the broker, and the socket is closed without `close`.

    -> transfer(handle=0, delivery-id=0, delivery-tag=binary(00), message-format=0, settled=false) header(durable=true)
       amqp-value(["first", [int(1), int(-70000), int(3)], {"key": ulong(7), :"symbol": null, int(5): true}, array<symbol>[:"one", :"two"], null])
    -> transfer(handle=0, delivery-id=0, delivery-tag=binary(00), message-format=0, settled=false) header(durable=true)
       message-annotations{:"x-opt-key": @:"example:point" [int(1), int(-70000), int(3)]} amqp-value("a body")

So do arrays of ints, as a body and as an annotation.

    -> transfer(handle=0, delivery-id=0, delivery-tag=binary(00), message-format=0, settled=false) amqp-value(array<int>[int(1), int(2)])""",
        """A refused anonymous relay ends the session instead of the link.

    -> attach(name="70aca654aa6e2152-1", handle=0, role=sender, snd-settle-mode=unsettled, rcv-settle-mode=first,
       source=source(address="70aca654aa6e2152-1"), target=target(), initial-delivery-count=0)
    <- end(error=error(condition=:"amqp:invalid-field", description="Attach rejected: {address_not_utf8_string,undefined}"))""",
    )

    @classmethod
    def make_broker(cls, folder: Path, certificates: Certificates) -> RabbitMQ:
        return RabbitMQ(folder, certificates, QUEUES)


# What the classes share is no test of its own.
del PythonScenarios

if __name__ == "__main__":
    unittest.main(verbosity=2)
