"""The client against RabbitMQ as Debian has it."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import ClassVar

from broker_scenarios import QUEUES, BrokerScenarios
from brokers.certificates import Certificates
from brokers.rabbitmq import RabbitMQ, server_folder

REASON = "RabbitMQ is not installed"


@unittest.skipIf(server_folder() is None, REASON)
class WithRabbitMQ(BrokerScenarios):
    differences: ClassVar[dict[str, str]] = {
        "body value: list": "connection, while sending",
        "message annotation: described": "connection, while sending",
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

    -> attach(name="...-1", handle=0, role=sender, ..., unsettled={binary(07d0): null, ...}, initial-delivery-count=2000)
    <- end(error=error(condition=:"amqp:not-implemented", description="Link recovery not supported"))""",
        """The credit of a flow is counted from where the broker is itself, and not from the delivery-count that the flow says (AMQP 2.6.7). It
sends more than there is credit for; the client bears up to 2,048 deliveries beyond.

    -> flow(next-incoming-id=2290, ..., handle=0, delivery-count=2290, link-credit=500)        up to delivery 2789
    <- transfer(handle=0, delivery-id=3014, ...)""",
        """A classic queue that is drained ends the session.

    -> flow(..., handle=1, delivery-count=7, link-credit=33, drain=true)
    <- end(error=error(condition=:"amqp:internal-error", description="{function_clause,[{rabbit_classic_queue,handle_event,
       [{send_drained,[{<<99,116,97,103,45,0,0,0,1>>,31}]}, ...")))

A quorum queue says that it gives credit back before what it still sends, and the next time counts too little: 3 instead of 33.

    <- flow(..., delivery-count=37, link-credit=0, available=0, drain=true)
    <- transfer(handle=1, delivery-id=7, ...)    and two more
    -> flow(..., handle=1, delivery-count=40, link-credit=33, drain=true)
    <- flow(..., handle=1, delivery-count=43, link-credit=0, available=0, drain=true)""",
        """The bare message is not left alone (AMQP 3.2): properties get a subject, the name of the queue; of several data or sequence sections the
last stays. An array within a list, or a described value in annotations, ends the connection without close.

    -> transfer(...) header(durable=true) data(6f6e65) data(616e642074776f)
    <- transfer(...) header(durable=true, first-acquirer=true) properties(subject="types") data(616e642074776f)""",
        """A refused anonymous relay or dynamic node ends the session instead of the link.

    -> attach(..., role=sender, target=target())
    <- end(error=error(condition=:"amqp:invalid-field", description="Attach rejected: {address_not_utf8_string,undefined}"))""",
    )

    @classmethod
    def make_broker(cls, folder: Path, certificates: Certificates) -> RabbitMQ:
        return RabbitMQ(folder, certificates, QUEUES)


# What the classes share is no test of its own.
del BrokerScenarios

if __name__ == "__main__":
    unittest.main(verbosity=2)
