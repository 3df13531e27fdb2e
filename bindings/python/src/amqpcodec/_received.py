"""Messages as they are received: tuples with names, made by C and marshal, which do not change.

The flat tuple of a message has a place for each field (native/message_to_marshal.c), most of which are empty in most messages.
Those of one batch have places only for the fields that some of them have, and a class for just these: their shape. To its reader
a message is the flat tuple all the same.
"""

from __future__ import annotations

from collections import namedtuple
from functools import cached_property

from amqpcodec import _crossing
from amqpcodec._crossing import ENCODED, FLAG_BITS, LAZY, MARKS, TYPED
from amqpcodec._marks import time_of, without_marks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from typing import Any

    from amqpcodec._message import Message
    from amqpcodec._types import Timestamp

NAMES = (
    "durable", "priority", "ttl", "first_acquirer", "delivery_count", "delivery_annotations", "message_annotations",
    "message_id", "user_id", "to", "subject", "reply_to", "correlation_id", "content_type", "content_encoding",
    "absolute_expiry_time", "creation_time", "group_id", "group_sequence", "reply_to_group_id", "application_properties",
    "body", "footer", "delivery_number", "delivery_tag", "settled",
)  # fmt: skip
FIELD_COUNT = 1 + len(NAMES)  # the first are flags
CONTENT_COUNT = 24  # without those of the delivery
_TIMES = (16, 17)
_BODY = 22

FLAG_MARKS = 0x01
FLAG_SEVERAL = 0x40
_KIND_SHIFT = 4
_BODY_FLAGS, _ONE_DATA = 0x70, 0x10
_KINDS = (None, "data", "sequence", "value")

_ALL_FIELDS = (1 << FIELD_COUNT) - 2
# A peer decides about the shapes. Beyond this many, messages have all fields.
_SHAPES_MAX = 256

# The getters of a namedtuple are the fastest that CPython has, and are good for any tuple. PyPy has properties there.
_Getter: Any = type(vars(namedtuple("_One", "only"))["only"])
_item = tuple.__getitem__


def _field(place: int, text: str = "") -> Any:
    """A read-only attribute: the item at the place."""
    if _Getter is property:
        return property(lambda message: _item(message, place), doc=text)
    return _Getter(place, text)


def _time(place: int, text: str = "") -> Any:
    """A read-only attribute: the time at the place."""

    def get(message: tuple[Any, ...]) -> Any:
        milliseconds = _item(message, place)
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
    delivery_annotations: Any = _field(6, "A map for the next node.")
    message_annotations: Any = _field(7, "A map for all nodes on its way.")
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
    application_properties: Any = _field(21, "A map: what the application says of it.")
    body: Any = _field(22, "bytes; of a sequence a list; of a value any value; of several sections a list of these.")
    footer: Any = _field(23, "A map: what could be said only behind the body.")
    delivery_number: int | None = _field(24, "The delivery that it came by.")
    delivery_tag: bytes | None = _field(25, "The tag of the delivery that it came by.")
    settled: bool | None = _field(26, "Whether the sender has forgotten it already.")

    _flags: int = _field(0)
    _fields = _ALL_FIELDS  # that have places in the tuple

    @property
    def body_kind(self) -> str | None:
        """What the body consists of: "data", "sequence", "value"; None where there is none."""
        return _KINDS[self._flags >> _KIND_SHIFT & 3]

    def copy(self) -> Message:
        """A Message of the same content, which can be changed."""
        from amqpcodec._message import message_of

        return message_of(self)

    def _flat(self) -> tuple[Any, ...]:
        """The flat tuple, with all its places."""
        return _flat(self._fields, tuple.__iter__(self))

    def _comparable(self) -> tuple[Any, ...]:
        flat = self._flat()
        return (flat[0] & (_BODY_FLAGS), *flat[1:CONTENT_COUNT])

    def __len__(self) -> int:
        return FIELD_COUNT

    def __getitem__(self, index: Any) -> Any:
        return self._flat()[index]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._flat())

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ReceivedMessage):
            return self._comparable() == other._comparable()
        return NotImplemented

    def __ne__(self, other: object) -> bool:
        equal = self.__eq__(other)
        return equal if equal is NotImplemented else not equal

    def __reduce__(self) -> tuple[Any, ...]:
        flat = self._flat()
        if not isinstance(flat[_BODY], memoryview):
            return ReceivedMessage, (flat,)
        return ReceivedMessage, ((*flat[:_BODY], bytes(flat[_BODY]), *flat[_BODY + 1 :]),)

    def __repr__(self) -> str:
        fields = [(name, getattr(self, name)) for name in NAMES]
        return f"ReceivedMessage({', '.join(f'{name}={value!r}' for name, value in fields if value is not None)})"


def _flat(fields: int, items: Iterable[Any]) -> tuple[Any, ...]:
    """The flat tuple of the items of one that has places for only some fields."""
    flat = [None] * FIELD_COUNT
    source = iter(items)
    for index in range(FIELD_COUNT):
        if (fields | 1) >> index & 1:
            flat[index] = next(source)
    return tuple(flat)


# --- Shapes.

_shapes: dict[int, type[ReceivedMessage]] = {_ALL_FIELDS: ReceivedMessage}


def _make_shape(fields: int) -> type[ReceivedMessage]:
    """The class of messages whose tuples have these fields."""
    attributes: dict[str, Any] = {"__slots__": (), "__module__": __name__, "__doc__": ReceivedMessage.__doc__, "_fields": fields}
    place = 1
    for index, name in enumerate(NAMES, 1):
        if not fields >> index & 1:
            attributes[name] = None
            continue
        text = getattr(ReceivedMessage, name).__doc__
        attributes[name] = _time(place, text) if index in _TIMES else _field(place, text)
        place += 1
    shape = type("ReceivedMessage", (ReceivedMessage,), attributes)
    _shapes[fields] = shape
    return shape


def _shaped(tuples: Iterable[tuple[Any, ...]], fields: int) -> list[ReceivedMessage]:
    """Messages of tuples that have these fields."""
    shape = _shapes.get(fields)
    if shape is None:
        if len(_shapes) >= _SHAPES_MAX:
            return [ReceivedMessage(_flat(fields, items)) for items in tuples]
        shape = _make_shape(fields)
    return list(map(shape, tuples))


def _without_marks(items: tuple[Any, ...], typed: bool) -> tuple[Any, ...]:
    return tuple([without_marks(item, typed) for item in items]) if items[0] & FLAG_MARKS else items


# --- Messages whose sections are decoded late. Their tuples are: flags, encoded sections, body, delivery number, tag, settled.


class LazyMessage(ReceivedMessage):
    """A ReceivedMessage whose sections, but for a body of one data section, are decoded when one of them is first asked for."""

    body: Any = _field(2, ReceivedMessage.body.__doc__)
    delivery_number: int | None = _field(3, "The delivery that it came by.")
    delivery_tag: bytes | None = _field(4, "The tag of the delivery that it came by.")
    settled: bool | None = _field(5, "Whether the sender has forgotten it already.")

    _sections: bytes = _field(1)
    _given_body: Any = _field(2)
    _mode = 0

    @cached_property
    def _decoded(self) -> ReceivedMessage:
        return decoded_message(self._sections, self._mode)

    def _flat(self) -> tuple[Any, ...]:
        flat = list(self._decoded._flat())
        flat[0] |= self._flags
        flat[22] = self.body
        flat[24:] = self.delivery_number, self.delivery_tag, self.settled
        return tuple(flat)


class EncodedBodyMessage(LazyMessage):
    """A LazyMessage whose body is decoded, too, when it is first asked for."""

    @cached_property
    def body(self) -> Any:
        """bytes; of a sequence a list; of a value any value; of several sections a list of these."""
        body = self._given_body
        if body is None or self._flags & _BODY_FLAGS == _ONE_DATA:
            return body
        return decoded_message(body, self._mode).body


class TypedLazyMessage(EncodedBodyMessage):
    """An EncodedBodyMessage in typed mode."""

    _mode = TYPED


def _of_decoded(name: str) -> Any:
    """An attribute of the sections that are decoded late."""
    return property(lambda message: getattr(message._decoded, name), doc=getattr(ReceivedMessage, name).__doc__)


for _name in NAMES:
    if _name not in vars(LazyMessage):
        setattr(LazyMessage, _name, _of_decoded(_name))


def _lazy_class(flags: int, mode: int) -> type[LazyMessage]:
    return TypedLazyMessage if mode & TYPED else EncodedBodyMessage if flags & ENCODED else LazyMessage


# --- Decoding.


def messages_of(tuples: list[tuple[Any, ...]], flags: int, mode: int) -> list[ReceivedMessage]:
    """The messages of the tuples of a batch; `flags` are the batch's, `mode` is what was asked of it."""
    if mode & LAZY:
        return list(map(_lazy_class(flags, mode), tuples))
    if flags & MARKS:
        typed = bool(mode & TYPED)
        tuples = [_without_marks(items, typed) for items in tuples]
    return _shaped(tuples, flags >> FLAG_BITS)


def decoded_message(data: Any, mode: int) -> ReceivedMessage:
    """The message that the bytes are."""
    items, flags = _crossing.decode_message(data, mode)
    if mode & LAZY:
        return _lazy_class(flags, mode)(items)
    if flags & MARKS:
        items = _without_marks(items, bool(mode & TYPED))
    shape = _shapes.get(flags >> FLAG_BITS)
    return _shaped((items,), flags >> FLAG_BITS)[0] if shape is None else shape(items)


def decoded_messages(data: Iterable[Any], mode: int) -> list[ReceivedMessage]:
    """The messages that the bytes are, one each."""
    return _crossing.decode_messages(data if type(data) is list else list(data), mode, messages_of)
