"""tshark and amqpcodec dump read the same capture, and say the same of it.

The capture is made of every valid frame vector, and of every valid message vector in a transfer. Each frame, as tshark's PDML has
it and as our JSON has it, is brought into one form, and the forms are compared: names of performatives, and of every field
the value.

What tshark 4.0 does not show, or not as it was sent, is left out on both sides, and stands in three places below:
NOT_DISSECTED (fields), normal_message (bodies and maps) and KNOWN_WRONG (single vectors).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import frames
from captures import HEADERS, Conversation, Vector, pcap, read_vectors
from tool import VECTORS, dump

ARGUMENTS = "amqp.performative.arguments."

# Our names of fields to tshark's, where that is not ARGUMENTS and the name in camel case.
FIELDS = {
    "idle-time-out": ARGUMENTS + "idleTimeout",
    "initial-delivery-count": ARGUMENTS + "initDeliveryCount",
    "offered-capabilities": "amqp.arguments.offeredCapabilities",
    "source.address": ARGUMENTS + "address.string",
    "target.address": ARGUMENTS + "address.string",
    "source.durable": ARGUMENTS + "terminusDurable",
    "target.durable": ARGUMENTS + "terminusDurable",
    "expiry-policy": "amqp.properties.expiryPolicy",
    "timeout": "amqp.properties.timeout",
    "dynamic": "amqp.properties.dynamic",
    "dynamic-node-properties": "amqp.properties.dynamicNodeProperties",
    "distribution-mode": "amqp.properties.distributionMode",
    "filter": "amqp.properties.filter",
    "outcomes": "amqp.properties.outcomes",
    "capabilities": "amqp.properties.capabilities",
    "condition": "amqp.error.condition",
    "description": "amqp.error.description",
    "info": "amqp.error.info",
    "section-number": "amqp.received.sectionNumber",
    "section-offset": "amqp.received.sectionOffset",
    "delivery-failed": "amqp.modified.deliveryFailed",
    "undeliverable-here": "amqp.modified.undeliverableHere",
    "modified.message-annotations": "amqp.messageAnnotations",
    "txn-id": "amqp.tx.arguments.txnId",
    "sasl-server-mechanisms": "amqp.sasl.mechanisms",
    "mechanism": "amqp.sasl.mechanism",
    "initial-response": "amqp.sasl.initResponse",
    "sasl-init.hostname": ARGUMENTS + "hostname",
    "challenge": "amqp.sasl.challenge",
    "response": "amqp.sasl.response",
    "code": "amqp.sasl.saslCode",
    "additional-data": "amqp.sasl.addData",
    "header.durable": "amqp.message.durable",
    "priority": "amqp.message.priority",
    "ttl": "amqp.message.ttl",
    "first-acquirer": "amqp.message.firstAcquirer",
    "user-id": "amqp.message.userId",
    "to": "amqp.message.to.string",
    "subject": "amqp.message.subject",
    "reply-to": "amqp.message.replyTo.string",
    "content-type": "amqp.message.contentType",
    "content-encoding": "amqp.message.contentEncoding",
    "group-id": "amqp.message.groupId",
    "group-sequence": "amqp.message.groupSequence",
    "reply-to-group-id": "amqp.message.replyToGroupId",
}

# Fields that hold a composite: tshark names the composite instead of the field.
COMPOSITES = {
    "source": ARGUMENTS + "source",
    "target": ARGUMENTS + "target",
    "error": ARGUMENTS + "error",
    "coordinator": "amqp.tx.coordinator",
    "transactional-state": "amqp.tx.transactionalState",
    **{name: f"amqp.delivery-state.{name}" for name in ("received", "accepted", "rejected", "released", "modified")},
}

PERFORMATIVES = {
    "open": 16, "begin": 17, "attach": 18, "flow": 19, "transfer": 20, "disposition": 21, "detach": 22, "end": 23, "close": 24,
    "sasl-mechanisms": 64, "sasl-init": 65, "sasl-challenge": 66, "sasl-response": 67, "sasl-outcome": 68,
}

CHOICES = {
    "role": ["sender", "receiver"],
    "snd-settle-mode": ["unsettled", "settled", "mixed"],
    "rcv-settle-mode": ["first", "second"],
    "source.durable": ["none", "configuration", "unsettled-state"],
    "target.durable": ["none", "configuration", "unsettled-state"],
    "code": ["ok", "auth", "sys", "sys-perm", "sys-temp"],
}

# Fields that tshark 4.0 leaves out, or shows as something else.
NOT_DISSECTED = {
    "received.section-offset": "a ulong of 8 bytes is 'malformed', the upper half is read",
    "attach.unsettled": "only the number of entries is shown",
    "message-id": "shown under a name for each type, ulongs of 8 bytes wrongly",
    "correlation-id": "as message-id",
    "absolute-expiry-time": "shown as a date, negative ones wrongly",
    "creation-time": "as absolute-expiry-time",
}

# Vectors of messages that tshark 4.0 does not show, or not whole.
KNOWN_WRONG = {
    "spec all-sections-by-symbol": "sections with symbolic descriptors are not recognised",
    "proton properties-all-fields": "texts that are not ASCII are garbled",
    "rhea properties-subject": "as proton's properties-all-fields",
    "spec string-with-nul-in-properties": "a text ends at its first NUL",
}


# Sections that are maps.
MAPS = {
    "delivery-annotations": "amqp.deliveryAnnotations",
    "message-annotations": "amqp.messageAnnotations",
    "application-properties": "amqp.applicationProperties",
}


def camel_case(name: str) -> str:
    first, *others = name.split("-")
    return first + "".join(part.capitalize() for part in others)


# Types that tshark writes as we do where they are values of a map.
PLAIN_TYPES = ("ubyte", "ushort", "uint", "ulong", "byte", "short", "int", "long", "symbol")


def map_text(value: Any) -> Any:
    """A value in a map as tshark writes it, without its type; of a described value the value alone. ANY where it writes another text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return value
    if not isinstance(value, dict):
        return ANY
    (kind, inner), = value.items()
    if kind == "described":
        descriptor, described = inner
        return "lifetime-policy" if descriptor == {"ulong": 43} else map_text(described)
    return str(inner) if kind in PLAIN_TYPES else ANY


def normal_value(place: str, value: Any) -> Any:
    """A field's value in our JSON as text, a list of texts, or pairs of texts."""
    if place in CHOICES:
        return str(CHOICES[place].index(value))
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, list):
        return value
    if isinstance(value, dict):
        (kind, inner), = value.items()
        if kind == "binary":
            return inner
        if kind == "map":
            return [(map_text(key), map_text(item)) for key, item in inner]
        raise AssertionError(f"{place}: {value}")
    return str(value)


def normal_composite(name: str, members: dict[str, Any]) -> dict[str, Any]:
    """A composite in our JSON as a mapping from tshark's names."""
    normal: dict[str, Any] = {}
    for field, value in members.items():
        place = f"{name}.{field}"
        if place in NOT_DISSECTED or field in NOT_DISSECTED:
            continue
        inner = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else None
        if inner in COMPOSITES and isinstance(value[inner], dict):
            normal[COMPOSITES[inner]] = normal_composite(inner, value[inner])
            continue
        tshark_name = FIELDS.get(place) or FIELDS.get(field) or ARGUMENTS + camel_case(field)
        normal[tshark_name] = normal_value(place if place in CHOICES else field, value)
    return normal


def normal_message(message: dict[str, Any]) -> dict[str, Any]:
    """The sections of a message that are compared: all but sequences, values that are compound, and footers."""
    normal: dict[str, Any] = {}
    for name, tshark_name in MAPS.items():
        if name in message:
            normal[tshark_name] = normal_value(name, message[name])
    if "header" in message:
        normal["amqp.header"] = normal_composite("header", message["header"])
    if "properties" in message:
        normal["amqp.properties"] = normal_composite("properties", message["properties"])
    if "data" in message:
        normal["amqp.data"] = message["data"]
    return normal


def normal_document(document: dict[str, Any]) -> dict[str, Any]:
    """A frame in our JSON."""
    channel = document.get("channel", 0)
    if document["performative"] is None:
        return {"channel": channel}
    (name, members), = document["performative"].items()
    normal = {"channel": channel, "performative": PERFORMATIVES[name], "arguments": normal_composite(name, members)}
    if "message" in document and "delivery" not in document:
        normal["message"] = normal_message(document["message"])
    return normal


def pdml_name(element: ElementTree.Element) -> str:
    return element.get("name") or ""


def pdml_value(element: ElementTree.Element) -> Any:
    """A field of PDML as text, a list of texts, pairs of texts, or a composite."""
    name, show, shown = pdml_name(element), element.get("show") or "", element.get("showname") or ""
    if name in COMPOSITES.values():
        return pdml_members(element)
    if " (array of " in shown:
        return [(item.get("showname") or "").split("): ", 1)[1] for item in element]
    if " (map of " in shown:
        return [pdml_entry(item) for item in element]
    if name.endswith("_sym"):
        return [show]
    if element.get("value") is not None and name in (ARGUMENTS + "deliveryTag", "amqp.tx.arguments.txnId", "amqp.message.userId",
                                                     "amqp.sasl.initResponse", "amqp.sasl.challenge", "amqp.sasl.response",
                                                     "amqp.sasl.addData", "amqp.data"):
        return show.replace(":", "")
    return show


def pdml_entry(element: ElementTree.Element) -> tuple[str, str]:
    """An entry of a map: `key (type): value`."""
    key, rest = (element.get("showname") or "").split(" (", 1)
    if pdml_name(element).startswith("amqp.lifetime-policy."):
        return key, key
    return key.removesuffix(":"), rest.partition("): ")[2]


def pdml_members(element: ElementTree.Element) -> dict[str, Any]:
    """The fields of a composite."""
    left_out = {FIELDS.get(place) or FIELDS.get(place.split(".")[1]) or ARGUMENTS + camel_case(place.split(".")[1])
                for place in NOT_DISSECTED if "." in place}
    members: dict[str, Any] = {}
    for child in element:
        name = pdml_name(child)
        is_left_out = name in left_out or name.startswith(("amqp.message.messageId", "amqp.message.correlationId",
                                                          "amqp.message.expiryTime", "amqp.message.creationTime"))
        if name.startswith("amqp.") and not is_left_out:
            members[name.removesuffix("_sym")] = pdml_value(child)
    return members


def normal_pdml(proto: ElementTree.Element) -> dict[str, Any] | None:
    """A frame in PDML, or None for a protocol header."""
    normal: dict[str, Any] = {"channel": 0}
    message: dict[str, Any] = {}
    for child in proto:
        name = pdml_name(child)
        if name == "amqp.init.protocol":
            return None
        if name == "amqp.channel":
            normal["channel"] = int(child.get("show") or "")
        elif name in ("amqp.performative", "amqp.sasl.method"):
            normal["performative"] = int(child.get("show") or "")
        elif name == "amqp.method.arguments":
            normal["arguments"] = pdml_members(child)
        elif name in ("amqp.header", "amqp.properties"):
            message[name] = pdml_members(child)
        elif name in MAPS.values():
            message[name] = [pdml_entry(item) for item in child]
        elif name == "amqp.data":
            message.setdefault(name, []).append((child.get("show") or "").replace(":", ""))
    if message:
        normal["message"] = message
    return normal


def make_capture(vectors: list[Vector]) -> bytes:
    """One connection with all frames of AMQP, and one for each frame of SASL."""
    made = Conversation()
    made.send(HEADERS["amqp"])
    made.answer(HEADERS["amqp"])
    for vector in vectors:
        if vector.data[5] == 0:
            made.send(vector.data, 60000)
    packets = made.packets()
    port = 40001
    for vector in vectors:
        if vector.data[5] == 1:
            other = Conversation(port)
            other.send(HEADERS["sasl"])
            other.send(vector.data)
            packets += other.packets()
            port += 1
    return pcap(packets)


def as_frame(number: int, message: Vector) -> Vector:
    """A message vector in a transfer of its own link."""
    data = frames.transfer_frame(message.data, handle=1000 + number, delivery_id=1000 + number)
    return Vector("frame", message.origin, message.name, "ok", len(data), data, "")


@unittest.skipIf(shutil.which("tshark") is None, "tshark is not installed")
class Agreement(unittest.TestCase):
    maxDiff = None

    def compare(self, vectors: list[Vector]) -> list[dict[str, Any]]:
        vectors = [v for v in vectors if v.data[5] == 0] + [v for v in vectors if v.data[5] == 1]
        capture = make_capture(vectors)
        ours = dump(capture, "--json", "--port=5672")
        self.assertEqual((ours.status, ours.errors), (0, ""))
        self.assertEqual(len(dump(capture).lines), len(ours.lines))
        documents = [normal_document(d) for d in ours.documents() if "protocol-header" not in d]
        theirs = self.run_tshark(capture)
        self.assertEqual(len(documents), len(vectors))
        self.assertEqual(len(theirs), len(vectors))
        for vector, document, frame in zip(vectors, documents, theirs):
            if f"{vector.origin.split()[0]} {vector.name}" in KNOWN_WRONG:
                continue
            with self.subTest(vector=f"{vector.origin} {vector.name}", text=vector.text):
                if "message" not in document:
                    frame.pop("message", None)
                self.assertEqual(document, frame | {"message": frame.get("message", {})} if "message" in document else frame)
        return documents

    def run_tshark(self, capture: bytes) -> list[dict[str, Any]]:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "vectors.pcap"
            path.write_bytes(capture)
            done = subprocess.run(["tshark", "-r", str(path), "-d", "tcp.port==5672,amqp", "-T", "pdml"], capture_output=True,
                                  check=True, timeout=120)
        frames_found = []
        for packet in ElementTree.fromstring(done.stdout):
            for proto in packet:
                if proto.get("name") == "amqp":
                    normal = normal_pdml(proto)
                    if normal is not None:
                        frames_found.append(normal)
        return frames_found

    def test_on_every_frame_vector(self) -> None:
        vectors = [vector for vector in read_vectors(VECTORS, "frame") if vector.status == "ok"]
        self.assertGreaterEqual(len(vectors), 90)
        documents = self.compare(vectors)
        self.assertEqual({d["performative"] for d in documents if "performative" in d}, set(PERFORMATIVES.values()))

    def test_on_every_message_vector_in_a_transfer(self) -> None:
        messages = [vector for vector in read_vectors(VECTORS, "message") if vector.status == "ok"]
        self.compare([as_frame(number, message) for number, message in enumerate(messages)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
