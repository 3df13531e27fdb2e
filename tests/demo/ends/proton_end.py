"""Qpid Proton's own Python package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from end import Work, main
from proton import Message
from proton.handlers import MessagingHandler
from proton.reactor import AtLeastOnce, AtMostOnce, Container

CREDIT = 1000
WINDOW = 1000


class Receiver(MessagingHandler):  # type: ignore[misc]
    """Takes messages as they come; it accepts each by itself."""

    def __init__(self, work: Work) -> None:
        super().__init__(prefetch=CREDIT)
        self.work = work

    def on_start(self, event: Any) -> None:
        connection = event.container.connect(self.work.url, reconnect=False)
        event.container.create_receiver(connection, self.work.address, options=AtMostOnce() if self.work.settled else AtLeastOnce())

    def on_link_opened(self, _: Any) -> None:
        self.work.ready()

    def on_message(self, event: Any) -> None:
        if self.work.moved < self.work.count and self.work.take([bytes(event.message.body)]):
            event.connection.close()


class Sender(MessagingHandler):  # type: ignore[misc]
    """Sends while there is credit, and not too many are without an outcome."""

    def __init__(self, work: Work) -> None:
        super().__init__()
        self.work = work
        self.bodies: Iterator[bytes] | None = None
        self.sent = self.done = 0

    def on_start(self, event: Any) -> None:
        connection = event.container.connect(self.work.url, reconnect=False)
        event.container.create_sender(connection, self.work.address, options=AtMostOnce() if self.work.settled else AtLeastOnce())

    def on_link_opened(self, _: Any) -> None:
        self.work.begin()
        self.bodies = self.work.bodies()

    def on_sendable(self, event: Any) -> None:
        self.send(event.sender)

    def on_settled(self, event: Any) -> None:
        self.done += 1
        self.send(event.link)

    def send(self, sender: Any) -> None:
        """As many as may go."""
        while self.bodies is not None and sender.credit > 0 and self.sent - self.done < WINDOW:
            body = next(self.bodies, None)
            if body is None:
                self.bodies = None
                break
            sender.send(Message(body=body, inferred=True))
            self.sent += 1
            if self.work.settled:
                self.done = self.sent
        if self.bodies is None and self.done >= self.work.count:
            sender.connection.close()


if __name__ == "__main__":
    main(lambda work: Container(Sender(work)).run(), lambda work: Container(Receiver(work)).run())
