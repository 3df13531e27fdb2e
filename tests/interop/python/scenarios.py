#!/usr/bin/env python3
"""What the Python package does with one broker; tests/interop/python_client.py runs it.

    scenarios.py SCENARIO --url URL [--address ADDRESS] [--count N] [--hold-at N]

The last line is a JSON document of what happened; a traceback says what went wrong.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import sys
from collections.abc import Iterator
from typing import Any

import amqpcodec
from amqpcodec import AmqpTimeoutError, Message, Value
from cases import Case, cases, difference

MIB_10 = 10 * 1024 * 1024
TIMEOUT_S = 300.0
# None comes for so long: that was all.
QUIET_S = 1.5
BATCH = 64


def everything(receiver: amqpcodec.Receiver) -> Iterator[amqpcodec.ReceivedMessage]:
    """All that is there, each accepted when the next is asked for."""
    while batch := receiver.receive_batch(BATCH, timeout=QUIET_S):
        yield from batch
        receiver.accept(batch)


# --- Types.


def try_case(url: str, address: str, case: Case) -> str | None:
    """Sends a message and receives it: what came otherwise; None for nothing. On a connection of its own: some brokers end it."""
    try:
        with amqpcodec.connect(url) as connection, connection.sender(address) as sender:
            sender.send(case.message, timeout=TIMEOUT_S)
    except amqpcodec.AmqpError as error:
        return f"sending: {type(error).__name__}"
    with amqpcodec.connect(url) as connection, connection.receiver(address, typed=True, credit=1) as receiver:
        message = receiver.receive(timeout=TIMEOUT_S)
        receiver.accept(message)
        return difference(case.message, message)


def run_types(options: argparse.Namespace) -> dict[str, Any]:
    """Every type of value in every place."""
    found = {case.name: try_case(options.url, options.address, case) for case in cases()}
    return {"sent": len(found), "differences": {name: text for name, text in found.items() if text}}


# --- Messages.


def run_large(options: argparse.Namespace) -> dict[str, Any]:
    """Messages of 10 MiB, there and back."""
    bodies = [bytes([number]) * MIB_10 for number in range(options.count)]
    with amqpcodec.connect(options.url) as connection:
        with connection.sender(options.address) as sender:
            outcomes = sender.send_many(bodies, timeout=TIMEOUT_S)
        with connection.receiver(options.address, credit=1, message_size=0, views=True) as receiver:
            digests = []
            for _ in bodies:
                message = receiver.receive(timeout=TIMEOUT_S)
                digests.append(hashlib.sha256(message.body).hexdigest())
                receiver.accept(message)
    wanted = [hashlib.sha256(body).hexdigest() for body in bodies]
    return {"accepted": sum(outcome.is_accepted for outcome in outcomes), "same": digests == wanted}


def run_selector(options: argparse.Namespace) -> dict[str, Any]:
    """A receiver with a selector gets what that says, and leaves the rest."""
    messages = [Message(number, application_properties={"parity": "odd" if number % 2 else "even"}) for number in range(10)]
    with amqpcodec.connect(options.url) as connection:
        with connection.sender(options.address) as sender:
            sender.send_many(messages, timeout=TIMEOUT_S)
        with connection.receiver(options.address, selector="parity = 'odd'") as receiver:
            selected = [message.body for message in everything(receiver)]
        with connection.receiver(options.address) as receiver:
            rest = [message.body for message in everything(receiver)]
    return {"selected": selected, "rest": rest}


def run_transaction(options: argparse.Namespace) -> dict[str, Any]:
    """What is sent and accepted in a transaction counts when it is committed, and not when it is rolled back."""
    with amqpcodec.connect(options.url) as connection, connection.sender(options.address) as sender:
        with contextlib.suppress(KeyError), connection.transaction() as transaction:
            sender.send("rolled back", transaction=transaction)
            raise KeyError
        with connection.transaction() as transaction:
            for text in ("first", "second"):
                sender.send(text, transaction=transaction)
        with connection.receiver(options.address, credit=2) as receiver:
            first = receiver.receive(timeout=TIMEOUT_S)
            with contextlib.suppress(KeyError), connection.transaction() as transaction:
                receiver.accept(first, transaction=transaction)
                raise KeyError
        with connection.receiver(options.address, credit=2) as receiver:
            batch = [receiver.receive(timeout=TIMEOUT_S) for _ in range(2)]
            with connection.transaction() as transaction:
                receiver.accept(batch, transaction=transaction)
        with connection.receiver(options.address) as receiver:
            left = [message.body for message in everything(receiver)]
    return {"received": sorted(message.body for message in batch), "left": left}


# --- Connections.


def run_connect(options: argparse.Namespace) -> dict[str, Any]:
    """Whether it comes about, and what the exception says where not."""
    try:
        with amqpcodec.connect(options.url, reconnect=False, timeout=TIMEOUT_S) as connection:
            return {"state": connection.state}
    except amqpcodec.AmqpError as error:
        return {"status": error.status.name, "kind": type(error).__name__, "text": str(error)}


def numbered(options: argparse.Namespace) -> Iterator[Message]:
    """Messages with their numbers; tells how far it is, and waits to be told to go on."""
    for number in range(options.count):
        if number % 100 == 0:
            print(f"progress {number}", file=sys.stderr, flush=True)
        if number == options.hold_at:
            sys.stdin.readline()
        yield Message(Value(number), durable=True)


def run_restart(options: argparse.Namespace) -> dict[str, Any]:
    """Sends while the broker is killed and started again; nothing may be lost."""
    with amqpcodec.connect(options.url, reconnect_delay_max=1) as connection:
        with connection.sender(options.address, window=500) as sender:
            outcomes = sender.send_many(numbered(options), timeout=TIMEOUT_S * 4)
        connects = connection.statistics()["connects"]
    states = {state: sum(outcome.state == state for outcome in outcomes) for state in {outcome.state for outcome in outcomes}}
    seen: set[int] = set()
    received = 0
    with amqpcodec.connect(options.url) as connection, connection.receiver(options.address, credit=500) as receiver:
        while len(seen) < options.count:
            try:
                batch = receiver.receive_batch(BATCH, timeout=TIMEOUT_S)
            except AmqpTimeoutError:
                batch = []
            if not batch:
                break
            received += len(batch)
            seen.update(message.body for message in batch)
            receiver.accept(batch)
    return {"states": states, "connects": connects, "distinct": len(seen), "received": received}


SCENARIOS = {
    "types": run_types,
    "large": run_large,
    "selector": run_selector,
    "transaction": run_transaction,
    "connect": run_connect,
    "restart": run_restart,
}


def main() -> int:
    """Runs a scenario."""
    parser = argparse.ArgumentParser()
    parser.add_argument("scenario", choices=SCENARIOS)
    parser.add_argument("--url", required=True)
    parser.add_argument("--address", default="")
    parser.add_argument("--count", type=int, default=3)
    parser.add_argument("--hold-at", type=int, default=-1)
    options = parser.parse_args()
    print(json.dumps(SCENARIOS[options.scenario](options)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
