"""Messages as they are received: tuples with names, made by C and marshal, which do not change."""

from __future__ import annotations

from collections import namedtuple
from functools import cached_property
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from amqpcodec import _crossing
from amqpcodec._crossing import ENCODED, LAZY, MARKS, PYPY, TYPED
from amqpcodec._marks import time_of, without_marks

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from amqpcodec._message import Message
    from amqpcodec._types import Timestamp

# Positions in the tuple (native/message_to_marshal.c).
FLAGS, BODY, NUMBER = 0, 22, 24
FIELD_COUNT = 27
FLAG_MARKS = 0x01
FLAG_SEVERAL = 0x40
_KIND_SHIFT = 4
_BODY_FLAGS, _ONE_DATA = 0x70, 0x10
_KINDS = (None, "data", "sequence", "value")
_LAZY_FLAGS, _LAZY_SECTIONS, _LAZY_BODY = 0, 1, 2

NAMES = (
    "durable", "priority", "ttl", "first_acquirer", "delivery_count", "delivery_annotations", "message_annotations",
    "message_id", "user_id", "to", "subject", "reply_to", "correlation_id", "content_type", "content_encoding",
    "absolute_expiry_time", "creation_time", "group_id", "group_sequence", "reply_to_group_id", "application_properties",
    "body", "footer", "delivery_number", "delivery_tag", "settled",
)  # fmt: skip
_CONTENT = NAMES[: NUMBER - 1]

# The getters of a namedtuple are the fastest that CPython has, and are good for any tuple.
_SLOTS: Any = namedtuple("_SLOTS", [f"slot{index}" for index in range(FIELD_COUNT)])  # type: ignore[misc]


def _field(index: int, text: str) -> Any:
    """A read-only attribute: the item at the index."""
    if PYPY:
        return property(itemgetter(index), doc=text)
    getter = getattr(_SLOTS, f"slot{index}")
    getter.__doc__ = text
    return getter


def _time(index: int, text: str) -> Any:
    """A read-only attribute: the time at the index."""

    def get(message: tuple[Any, ...]) -> Any:
        milliseconds = message[index]
        return None if milliseconds is None else time_of(milliseconds)

    return property(get, doc=text)


class ReceivedMessage(tuple):  # type: ignore[type-arg]
    """A message that was received or decoded (AMQP 3.2). It does not change; `copy` gives a Message that can.

    What the sender left out is None. Two are equal, also to a Message, where their content is: all but the last three attributes.
    """

    __slots__ = ()
    __hash__ = None  # type: ignore[assignment]

    durable: bool | None = _field(1, "Whether it is kept where it would otherwise be lost.")
    priority: int | None = _field(2, "0 to 255, higher first; None means 4.")
    ttl: int | None = _field(3, "How long it is of use, in milliseconds.")
    first_acquirer: bool | None = _field(4, "Whether no other link has acquired it before.")
    delivery_count: int | None = _field(5, "Failed attempts to deliver it so far; None means 0.")
    delivery_annotations: dict[Any, Any] | None = _field(6, "For the next node.")
    message_annotations: dict[Any, Any] | None = _field(7, "For all nodes on its way.")
    message_id: Any = _field(8, "Its identity: int, uuid.UUID, bytes or str.")
    user_id: bytes | None = _field(9, "Who made it.")
    to: str | None = _field(10, "The address of the node that it is for.")
    subject: str | None = _field(11, "What it is about.")
    reply_to: str | None = _field(12, "The address to reply to.")
    correlation_id: Any = _field(13, "The message that it belongs to: int, uuid.UUID, bytes or str.")
    content_type: str | None = _field(14, "The MIME type of a body of data.")
    content_encoding: str | None = _field(15, "How a body of data is encoded beyond its type.")
    absolute_expiry_time: datetime | Timestamp | None = _time(16, "When it is no longer of use.")
    creation_time: datetime | Timestamp | None = _time(17, "When it was made.")
    group_id: str | None = _field(18, "The group that it belongs to.")
    group_sequence: int | None = _field(19, "Its place in the group.")
    reply_to_group_id: str | None = _field(20, "The group that replies belong to.")
    application_properties: dict[str, Any] | None = _field(21, "What the application says of it.")
    body: Any = _field(22, "bytes; of a sequence a list; of a value any value; of several sections a list of these.")
    footer: dict[Any, Any] | None = _field(23, "What could be said only behind the body.")
    delivery_number: int | None = _field(24, "The delivery that it came by.")
    delivery_tag: bytes | None = _field(25, "The tag of the delivery that it came by.")
    settled: bool | None = _field(26, "Whether the sender has forgotten it already.")

    @property
    def body_kind(self) -> str | None:
        """What the body consists of: "data", "sequence", "value"; None where there is none."""
        return _KINDS[self[FLAGS] >> _KIND_SHIFT & 3]

    @property
    def _several(self) -> bool:
        """Whether the body is a list of sections."""
        return bool(self[FLAGS] & FLAG_SEVERAL)

    def copy(self) -> Message:
        """A Message of the same content."""
        from amqpcodec._message import Data, Message, Sequence, Value

        body = self.body
        if self.body_kind == "data":
            body = Data(body if self._several else [body])
        elif self.body_kind == "sequence":
            body = Sequence(*(body if self._several else [body]))
        elif self.body_kind == "value":
            body = Value(body)
        return Message(body, **{name: getattr(self, name) for name in _CONTENT if name != "body"})

    def _content(self) -> list[Any]:
        return [getattr(self, name) for name in _CONTENT]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ReceivedMessage):
            same_body = self.body_kind == other.body_kind and self._several == other._several
            return same_body and self._content() == other._content()
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __repr__(self) -> str:
        fields = [(name, getattr(self, name)) for name in NAMES]
        return f"ReceivedMessage({', '.join(f'{name}={value!r}' for name, value in fields if value is not None)})"


class LazyMessage(ReceivedMessage):
    """A ReceivedMessage whose sections, but for a body of one data section, are decoded when one of them is first asked for."""

    body: Any = _field(_LAZY_BODY, "bytes, a list, or any value; of several sections a list of these.")
    delivery_number: int | None = _field(3, "The delivery that it came by.")
    delivery_tag: bytes | None = _field(4, "The tag of the delivery that it came by.")
    settled: bool | None = _field(5, "Whether the sender has forgotten it already.")

    @cached_property
    def _decoded(self) -> ReceivedMessage:
        return decoded_message(self[_LAZY_SECTIONS], self._mode)

    @property
    def _mode(self) -> int:
        return 0


class EncodedBodyMessage(LazyMessage):
    """A LazyMessage whose body is decoded, too, when it is first asked for."""

    @cached_property
    def body(self) -> Any:
        """bytes, a list, or any value; of several sections a list of these."""
        body = self[_LAZY_BODY]
        if body is None or self[FLAGS] & _BODY_FLAGS == _ONE_DATA:
            return body
        return decoded_message(body, self._mode).body


class TypedLazyMessage(EncodedBodyMessage):
    """An EncodedBodyMessage in typed mode."""

    @property
    def _mode(self) -> int:
        return TYPED


def _of_decoded(name: str) -> Any:
    """An attribute of the sections that are decoded late."""
    return property(lambda message: getattr(message._decoded, name), doc=getattr(ReceivedMessage, name).__doc__)


for _name in NAMES:
    if _name not in vars(LazyMessage):
        setattr(LazyMessage, _name, _of_decoded(_name))


def _whole(fields: tuple[Any, ...], typed: bool) -> ReceivedMessage:
    if fields[FLAGS] & FLAG_MARKS:
        return ReceivedMessage([without_marks(field, typed) for field in fields])
    return ReceivedMessage(fields)


def messages_of(tuples: list[tuple[Any, ...]], flags: int, mode: int) -> list[ReceivedMessage]:
    """The messages of a batch of tuples, whose flags and mode are given (_crossing)."""
    if mode & LAZY:
        kind = TypedLazyMessage if mode & TYPED else EncodedBodyMessage if flags & ENCODED else LazyMessage
        return list(map(kind, tuples))
    if flags & MARKS:
        typed = bool(mode & TYPED)
        return [_whole(fields, typed) for fields in tuples]
    return list(map(ReceivedMessage, tuples))


def decoded_message(data: Any, mode: int) -> ReceivedMessage:
    """The message that the bytes are."""
    fields = _crossing.decode_message(data, mode)
    if mode & LAZY:
        kind = TypedLazyMessage if mode & TYPED else EncodedBodyMessage
        return kind(fields)
    return _whole(fields, bool(mode & TYPED))


def decoded_messages(data: Iterable[Any], mode: int) -> list[ReceivedMessage]:
    """The messages that the bytes are, one each."""
    items = list(data)
    batch = _crossing.new_batch(mode)
    found: list[ReceivedMessage] = []
    for start in range(0, len(items), _crossing.BATCH_MESSAGES):
        for tuples, flags in _crossing.decode_dumped(items[start : start + _crossing.BATCH_MESSAGES], batch):
            found += messages_of(tuples, flags, mode)
    return found
