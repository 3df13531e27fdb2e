"""A connection without I/O on a loop of one's own: sends "hello" to HOST PORT, and waits for its outcome."""

from __future__ import annotations

import select
import socket
import sys
import time

from amqpcodec import Message
from amqpcodec.engine import Connection, EventType


def main(host: str, port: int) -> str:
    connection = Connection()
    connection.open("example")
    sender = connection.session().begin().sender("examples").attach(target="examples")
    outcome = "unknown"
    with socket.create_connection((host, port)) as peer:
        while not connection.is_finished:
            now = time.monotonic()
            deadline = connection.tick(now)
            peer.sendall(connection.data_to_send())
            if select.select([peer], [], [], None if deadline is None else deadline - now)[0]:
                connection.receive_data(peer.recv(65536))
            for event in connection.events():
                if event.type == EventType.LINK_FLOW and sender.credit and not sender.unsettled_count:
                    sender.send(Message("hello"))
                elif event.type == EventType.UPDATES:
                    outcome = repr(sender.updates()[0].state)
                    connection.close()
    return outcome


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2])))
