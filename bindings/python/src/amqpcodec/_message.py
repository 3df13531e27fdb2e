"""Messages that programs make and send (AMQP 3.2)."""

from __future__ import annotations

from amqpcodec._types import Timestamp, milliseconds_of, time_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from typing import Any

    from typing_extensions import Self

# Places in the flat list of a message, which is what crosses into C.
FLAGS = 0
HEADER = range(1, 6)
DELIVERY_ANNOTATIONS = 6
MESSAGE_ANNOTATIONS = 7
PROPERTIES = range(8, 21)
APPLICATION_PROPERTIES = 21
BODY = 22
FOOTER = 23
FIELD_COUNT = 24
FIELD_NAMES = (
    "flags",
    "durable",
    "priority",
    "ttl",
    "first_acquirer",
    "delivery_count",
    "delivery_annotations",
    "message_annotations",
    "message_id",
    "user_id",
    "to",
    "subject",
    "reply_to",
    "correlation_id",
    "content_type",
    "content_encoding",
    "absolute_expiry_time",
    "creation_time",
    "group_id",
    "group_sequence",
    "reply_to_group_id",
    "application_properties",
    "body",
    "footer",
)
TIMES = (16, 17)
_MAPS = (DELIVERY_ANNOTATIONS, MESSAGE_ANNOTATIONS, APPLICATION_PROPERTIES, FOOTER)

# Bits of the flags (native/crossing.h): which sections the body has.
KIND_MASK = 0x30
KIND_DATA = 0x10
KIND_SEQUENCE = 0x20
KIND_VALUE = 0x30
SEVERAL_SECTIONS = 0x40
KIND_BY_TYPE = 0x100  # bytes are data, all else is a value
KIND_NAMES = {0: None, KIND_DATA: "data", KIND_SEQUENCE: "sequence", KIND_VALUE: "value"}


class _Body:
    """A body whose sections are said outright."""

    __slots__ = ("sections",)
    sections: list[Any]

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.sections == other.sections if isinstance(other, _Body) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.sections))})"


class Data(_Body):
    """A body of data sections (AMQP 3.2.6): `Data([b"one", b"two"])`. One alone is what bytes are anyway."""

    __slots__ = ()

    def __init__(self, sections: Any) -> None:
        """Makes a body.

        sections  an iterable of bytes-like objects; of none, there is one empty section
        """
        self.sections = [sections] if isinstance(sections, (bytes, bytearray, memoryview)) else list(sections) or [b""]

    def __repr__(self) -> str:
        return f"Data({self.sections!r})"


class Sequence(_Body):
    """A body of amqp-sequence sections (AMQP 3.2.7): `Sequence([1, 2])`, `Sequence([1, 2], [3])`."""

    __slots__ = ()

    def __init__(self, *sections: Iterable[Any]) -> None:
        """Makes a body.

        sections  a list each; of none, there is one empty section
        """
        self.sections = [list(section) for section in sections] or [[]]


class Value(_Body):
    """A body of one amqp-value section (AMQP 3.2.8): `Value(b"...")` for bytes that are not to be data."""

    __slots__ = ()

    def __init__(self, value: Any) -> None:
        self.sections = [value]


class Message:
    """A message, to be made and changed; a received one is a ReceivedMessage.

    A field that is None is absent. Of the body bytes, and whatever is like bytes, become one data section, Data several; Sequence
    amqp-sequence sections; everything else, str, dict, list, numbers and None, one amqp-value section, and so does Value.
    """

    _items: list[Any]

    # The fields are properties, made below, which checkers of types do not see.
    if not TYPE_CHECKING:
        __slots__ = ("_items",)
    else:
        durable: bool | None
        priority: int | None
        ttl: int | None
        first_acquirer: bool | None
        delivery_count: int | None
        delivery_annotations: Any
        message_annotations: Any
        message_id: Any
        user_id: Any
        to: str | None
        subject: str | None
        reply_to: str | None
        correlation_id: Any
        content_type: str | None
        content_encoding: str | None
        absolute_expiry_time: datetime | Timestamp | None
        creation_time: datetime | Timestamp | None
        group_id: str | None
        group_sequence: int | None
        reply_to_group_id: str | None
        application_properties: Any
        body: Any
        footer: Any

    def __init__(
        self,
        body: Any = None,
        _keywords: None = None,
        message_id: Any = None,
        to: str | None = None,
        subject: str | None = None,
        application_properties: Any = None,
        content_type: str | None = None,
        durable: bool | None = None,
        correlation_id: Any = None,
        reply_to: str | None = None,
        ttl: int | None = None,
        priority: int | None = None,
        message_annotations: Any = None,
        creation_time: datetime | Timestamp | None = None,
        absolute_expiry_time: datetime | Timestamp | None = None,
        user_id: Any = None,
        group_id: str | None = None,
        group_sequence: int | None = None,
        reply_to_group_id: str | None = None,
        content_encoding: str | None = None,
        first_acquirer: bool | None = None,
        delivery_count: int | None = None,
        delivery_annotations: Any = None,
        footer: Any = None,
    ) -> None:
        # Real keyword-only parameters cost an eighth more of the time that this takes: each default is looked up in a dict. Names are
        # compared one after the other, so that those that are said most come first.
        if _keywords is not None:
            raise TypeError("a message's fields are given by name")
        # One list, which crosses into C as it is: faster to make, and to encode, than an attribute for each.
        self._items = [
            KIND_BY_TYPE, durable, priority, ttl, first_acquirer, delivery_count, delivery_annotations, message_annotations,
            message_id, user_id, to, subject, reply_to, correlation_id, content_type, content_encoding,
            absolute_expiry_time if absolute_expiry_time is None else _milliseconds(absolute_expiry_time),
            creation_time if creation_time is None else _milliseconds(creation_time),
            group_id, group_sequence, reply_to_group_id, application_properties, body, footer,
        ]  # fmt: skip

    @property
    def body_kind(self) -> str | None:
        """Which sections the body has: "data", "sequence", "value", or None for none at all."""
        flags = self._items[FLAGS]
        if not flags & KIND_BY_TYPE:
            return KIND_NAMES[flags & KIND_MASK]
        return KIND_NAMES[body_flags(self._items[BODY]) & KIND_MASK]

    def copy(self) -> Self:
        """Another message of the same class, fields and attributes; its maps are copies, too."""
        copied: Any = message_of(self)
        return copied  # type: ignore[no-any-return]

    __copy__ = copy

    def __eq__(self, other: object) -> bool:
        fields = flat_fields(other)
        return NotImplemented if fields is None else flat_fields(self) == fields

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = [] if self.body is None else [repr(self.body)]
        shown += [f"{name}={getattr(self, name)!r}" for name in FIELD_NAMES[1:] if name != "body" and getattr(self, name) is not None]
        return f"Message({', '.join(shown)})"


def _milliseconds(time: Any) -> int:
    """What crosses for a time: a datetime's milliseconds; numbers are that already."""
    return int(time) if isinstance(time, int) else milliseconds_of(time)


_DOCUMENTATION = {
    "durable": "Whether the message is to be kept where it would otherwise be lost.",
    "priority": "0 to 255, higher first; 4 where absent.",
    "ttl": "How long the message is of use, in milliseconds.",
    "first_acquirer": "Whether no other link has acquired the message before.",
    "delivery_count": "Attempts to deliver the message that have failed so far.",
    "delivery_annotations": "A map for the next hop; its keys are symbols, given as str.",
    "message_annotations": "A map for all on the way; its keys are symbols, given as str.",
    "message_id": "The message's identity: str, int, uuid.UUID or bytes.",
    "user_id": "The user who made the message: bytes.",
    "to": "The address of the node that the message is for.",
    "subject": "What the message is about.",
    "reply_to": "The address of the node to reply to.",
    "correlation_id": "The message that this one belongs to: str, int, uuid.UUID or bytes.",
    "content_type": "The MIME type of the data sections.",
    "content_encoding": "How the data sections are encoded beyond their type.",
    "absolute_expiry_time": "When the message is no longer of use: an aware datetime. Microseconds are cut off.",
    "creation_time": "When the message was made: an aware datetime. Microseconds are cut off.",
    "group_id": "The group that the message belongs to.",
    "group_sequence": "The message's place in its group: 0 to 2**32 - 1.",
    "reply_to_group_id": "The group to which replies belong.",
    "application_properties": "The application's own map; its keys are str.",
    "body": "What the message carries.",
    "footer": "A map behind the body; its keys are symbols, given as str.",
}


def _field(index: int) -> Any:
    """The property of a field."""

    def get(self: Message) -> Any:
        return self._items[index]

    def put(self: Message, value: Any) -> None:
        self._items[index] = value

    return property(get, put, doc=_DOCUMENTATION[FIELD_NAMES[index]])


def _time_field(index: int) -> Any:
    """The property of a field that crosses as milliseconds."""

    def get(self: Message) -> Any:
        time = self._items[index]
        return None if time is None else time_of(time)

    def put(self: Message, value: Any) -> None:
        self._items[index] = None if value is None else _milliseconds(value)

    return property(get, put, doc=_DOCUMENTATION[FIELD_NAMES[index]])


def _put_body(self: Message, value: Any) -> None:
    self._items[FLAGS] = KIND_BY_TYPE
    self._items[BODY] = value


def _add_properties() -> None:
    for index, name in enumerate(FIELD_NAMES[1:], 1):
        setattr(Message, name, _time_field(index) if index in TIMES else _field(index))
    Message.body = property(lambda self: self._items[BODY], _put_body, doc=_DOCUMENTATION["body"])


_add_properties()


def _copy_attributes(message: Message, made: Message) -> None:
    """Those that a class of the program's has beside the fields."""
    state: Any = message.__reduce_ex__(2)[2]
    for attributes in state if isinstance(state, tuple) else (state,):
        for name, value in (attributes or {}).items():
            object.__setattr__(made, name, value)


def message_of(message: Any) -> Message:
    """A Message of the same content as a message of either kind, and of the same class where that is one; its maps are copies."""
    if isinstance(message, Message):
        kind = type(message)
        made = kind.__new__(kind)
        if kind is not Message:
            _copy_attributes(message, made)
        made._items = list(message._items)
    else:
        made = Message.__new__(Message)
        made._items = flat_fields(message) or []
    for index in _MAPS:
        if type(made._items[index]) is dict:
            made._items[index] = dict(made._items[index])
    return made


def body_flags(body: Any) -> int:
    """The flags of a body whose type decides."""
    if type(body) is bytes:
        return KIND_DATA
    if isinstance(body, Value):
        return KIND_VALUE
    if isinstance(body, _Body):
        kind = KIND_DATA if isinstance(body, Data) else KIND_SEQUENCE
        return kind | SEVERAL_SECTIONS if len(body.sections) > 1 else kind
    return KIND_DATA if is_buffer(body) else KIND_VALUE


def body_content(body: Any, flags: int) -> Any:
    """What the sections hold: a list of them where they are several."""
    if not isinstance(body, _Body):
        return body
    return body.sections if flags & SEVERAL_SECTIONS else body.sections[0]


def is_buffer(value: Any) -> bool:
    """Whether something is like bytes. Numbers of numpy have the buffer protocol as well, and are numbers."""
    if hasattr(value, "__index__") or hasattr(value, "__float__"):
        return False
    try:
        memoryview(value)
    except TypeError:
        return False
    return True


def flat_fields(message: Any) -> list[Any] | None:
    """A copy of the fields of a message of either kind, with flags that tell the body's kind; None for what is no message."""
    if isinstance(message, Message):
        fields = list(message._items)
    else:
        flat = getattr(message, "_flat", None) if isinstance(message, tuple) else None
        if flat is None:
            return None
        fields = list(flat()[:FIELD_COUNT])
    flags = fields[FLAGS]
    if flags & KIND_BY_TYPE:
        flags = body_flags(fields[BODY])
        fields[BODY] = body_content(fields[BODY], flags)
    fields[FLAGS] = flags & (KIND_MASK | SEVERAL_SECTIONS)
    return fields
