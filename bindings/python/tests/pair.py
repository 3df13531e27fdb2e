"""Two connections without I/O that talk to each other in memory, for the tests of the engine."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from amqpcodec import AmqpError, Status
from amqpcodec.engine import Connection, Event, EventType, Receiver, Sender

HELLO = b"\0Sw\xa1\5hello"


def status_of(action: Any, *arguments: Any, **keywords: Any) -> Status:
    """The status of the exception that a call raises."""
    with pytest.raises(AmqpError) as caught:
        action(*arguments, **keywords)
    return caught.value.status


class Pair:
    """A client and a server. Moving bytes goes on until neither has anything to say."""

    def __init__(self, *, client: dict[str, Any] | None = None, server: dict[str, Any] | None = None, piece: int = 1 << 20) -> None:
        self.client = Connection(**(client or {}))
        self.server = Connection(is_server=True, **(server or {}))
        self.piece = piece
        self.client_events: list[Event] = []
        self.server_events: list[Event] = []

    def move(self) -> None:
        while True:
            sent, answered = self.client.data_to_send(), self.server.data_to_send()
            for piece in self.pieces(sent):
                self.server.receive_data(piece)
            for piece in self.pieces(answered):
                self.client.receive_data(piece)
            self.client_events += self.client.events()
            self.server_events += self.server.events()
            if not sent and not answered:
                return

    def pieces(self, data: bytes) -> Iterable[bytes]:
        return (data[start : start + self.piece] for start in range(0, len(data), self.piece))

    def take(self, *kinds: EventType) -> list[Event]:
        """The server's events of these kinds so far; all of its events are forgotten."""
        found = [event for event in self.server_events if event.type in kinds]
        self.server_events.clear()
        return found

    def names(self) -> list[str]:
        """The names of the client's events so far, which are forgotten."""
        found = [event.type.name for event in self.client_events]
        self.client_events.clear()
        return found

    def open(self) -> None:
        """Opens both ends."""
        self.client.open("client")
        self.move()
        self.server.open("server")
        self.move()
        assert self.server.remote_open is not None
        assert self.client.remote_open is not None

    def links(self, *, is_sender: bool = True, **fields: Any) -> tuple[Any, Any]:
        """A link that the client attaches, and the server's end of it; `fields` are of the client's attach."""
        session = self.client.session().begin()
        link: Sender | Receiver = session.sender("link") if is_sender else session.receiver("link")
        link.attach(**fields)
        self.move()
        begun, attached = self.take(EventType.SESSION_BEGIN, EventType.LINK_ATTACH)
        assert begun.session is not None
        assert attached.link is not None
        begun.session.begin()
        attached.link.attach()
        self.move()
        self.client_events.clear()
        self.server_events.clear()
        return link, attached.link

    def sender_and_receiver(self, credit: int = 100, **fields: Any) -> tuple[Sender, Receiver]:
        """A sender of the client's to the server's receiver, which has given credit."""
        self.open()
        sender, receiver = self.links(**fields)
        receiver.add_credit(credit)
        self.move()
        self.client_events.clear()
        return sender, receiver
