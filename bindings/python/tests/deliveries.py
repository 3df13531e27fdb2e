"""Deliveries as the engine gives them, for tests of what is made of them: a receiving engine, and bytes that a sender would send."""

from __future__ import annotations

from typing import Any

from amqpcodec._crossing import ffi, lib

HEADER = b"AMQP\x00\x01\x00\x00"


def frame(performative: str, payload: bytes = b"") -> bytes:
    body = bytes.fromhex(performative) + payload
    return (len(body) + 8).to_bytes(4, "big") + b"\x02\x00\x00\x00" + body


OPEN = frame("005310c00401a10161")
BEGIN = frame("005311c00d044043707fffffff707fffffff")
# name "l", handle 0, sender, source, target, initial-delivery-count 0
ATTACH = frame("005312c0130aa1016c434240400053284500532945404043")


def transfer(number: int, payload: bytes, more: bool = False) -> bytes:
    fields = f"4370{number:08x}a004{number:08x}4341" + ("41" if more else "42")
    return frame(f"005314c0{len(fields) // 2 + 1:02x}06{fields}", payload)


def ok(status: int) -> None:
    assert status == lib.AMQPC_OK, status


class Receiver:
    """An engine that has a link, to which deliveries come."""

    def __init__(self) -> None:
        made = ffi.new("amqpc_connection **")
        options = ffi.new("amqpc_connection_options *")
        lib.amqpc_connection_options_init(options, ffi.sizeof("amqpc_connection_options"))
        options.role = lib.AMQPC_SERVER
        ok(lib.amqpc_connection_new(ffi.NULL, options, made))
        self.connection = ffi.gc(made[0], lib.amqpc_connection_free)
        name = ffi.from_buffer(b"test")
        mine = {"present": lib.AMQPC_OPEN_CONTAINER_ID, "container_id": {"data": name, "size": len(name)}}
        ok(lib.amqpc_connection_open(self.connection, ffi.new("amqpc_open *", mine)))
        self.feed(HEADER + OPEN + BEGIN + ATTACH)
        self.link = ffi.NULL
        event = ffi.new("amqpc_connection_event *")
        while lib.amqpc_connection_next_event(self.connection, event):
            if event.type == lib.AMQPC_EVENT_SESSION_BEGIN:
                ok(lib.amqpc_session_begin(event.session, ffi.NULL))
            if event.type == lib.AMQPC_EVENT_LINK_ATTACH:
                self.link = event.link
                attach, source, target = (ffi.new(f"amqpc_{name} *") for name in ("attach", "source", "target"))
                ok(lib.amqpc_link_attach(self.link, attach, source, target))
                ok(lib.amqpc_link_add_credit(self.link, 1000))
        assert self.link != ffi.NULL
        self.send()

    def send(self) -> None:
        """Lets the output go, credit among it."""
        vectors, count = ffi.new("amqpc_bytes[]", 16), ffi.new("size_t *", 1)
        while count[0] > 0:
            ok(lib.amqpc_connection_output(self.connection, vectors, len(vectors), count))
            lib.amqpc_connection_output_done(self.connection, sum(vectors[index].size for index in range(count[0])))

    def feed(self, data: bytes) -> None:
        place, capacity = ffi.new("void **"), ffi.new("size_t *")
        while data:
            ok(lib.amqpc_connection_input_buffer(self.connection, place, capacity))
            piece, data = data[: capacity[0]], data[capacity[0] :]
            ffi.memmove(place[0], piece, len(piece))
            ok(lib.amqpc_connection_input(self.connection, len(piece)))

    def receive(self, payloads: list[bytes]) -> Any:
        """The deliveries of these payloads, an array of cffi."""
        for number, payload in enumerate(payloads):
            pieces = [payload[start : start + 60000] for start in range(0, len(payload), 60000)] or [b""]
            for index, piece in enumerate(pieces, 1):
                self.feed(transfer(number, piece, index < len(pieces)))
        deliveries = ffi.new("amqpc_delivery[]", len(payloads))
        count = ffi.new("size_t *")
        ok(lib.amqpc_link_receive(self.link, deliveries, len(payloads), count))
        assert count[0] == len(payloads), count[0]
        return deliveries
