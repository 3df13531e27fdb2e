"""Options of connections, senders and receivers: what programs say, and what the C library takes."""

from __future__ import annotations

import copy
import operator
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypedDict, Union

from amqpcodec._crossing import LAZY, TYPED, VIEWS
from amqpcodec._crossing_client import Terms
from amqpcodec._encode import encode_value
from amqpcodec._errors import UrlError
from amqpcodec._status import Status
from amqpcodec._types import Described, Symbol, ULong

if TYPE_CHECKING:
    import os

    from amqpcodec.filters import Filter

    Path = Union[str, bytes, os.PathLike[str]]

Guarantee = Literal["at-least-once", "at-most-once", "once-or-unknown", "exactly-once"]
Capabilities = Union[str, Iterable[str]]
Filters = Union["Filter", Iterable["Filter"], Mapping[str, Any]]

GUARANTEES = ("at-least-once", "at-most-once", "once-or-unknown", "exactly-once")  # as amqpc_guarantee
_SOURCE = ULong(0x28)
_TARGET = ULong(0x29)
_FILTER_FIELD = 7


class Terminus(Protocol):
    """A Source or Target of amqpcodec.performatives."""

    def encode(self) -> bytes: ...


class ConnectionOptions(TypedDict, total=False):
    """What amqpcodec.connect takes beside the URL, which may say the same, and comes first (docs/client-options.md).

    Durations are in seconds here, sizes in bytes; None stands for the default.

    user, password, token  credentials
    sasl                   mechanisms that may be used, the most wanted first, separated by spaces; "none" for no SASL layer
    allow_plain_cleartext  passwords and tokens may go over clear text to a host that is not this machine
    ca, cert, key          PEM files: certificates to trust, the client's certificate chain, and its key
    key_password           of the file of the key
    tls_host               the name that the server's certificate has to be for; default: the host
    tls_verify             False checks neither certificate nor host
    alpn                   protocol to agree upon by ALPN
    heartbeat              silence of the peer after which the connection is given up; default 60; 0: never
    connect_timeout        of one attempt to one host; default 30; 0: none
    reconnect              False: the first failure is final
    reconnect_delay, reconnect_delay_max
                           before the second attempt, doubled each time up to the most; default 0.1 and 30
    reconnect_time         how long to try since the connection was lost; 0, the default, for ever
    max_frame_size         largest frame that is received; default 65,536
    background             False: no thread of C's looks after the connection while nobody waits
    trace_size             of the ring that keeps the frame trace; 0, the default, for none
    container_id           of this client; default: made up
    hostname               of open and sasl-init; default: the host
    desired_capabilities   of open
    """

    user: str | None
    password: str | None
    token: str | None
    sasl: str | None
    allow_plain_cleartext: bool | None
    ca: Path | None
    cert: Path | None
    key: Path | None
    key_password: str | None
    tls_host: str | None
    tls_verify: bool | None
    alpn: str | None
    heartbeat: float | None
    connect_timeout: float | None
    reconnect: bool | None
    reconnect_delay: float | None
    reconnect_delay_max: float | None
    reconnect_time: float | None
    max_frame_size: int | None
    background: bool | None
    trace_size: int | None
    container_id: str | None
    hostname: str | None
    desired_capabilities: Capabilities | None


# Names of amqpc_client_options, where they are others.
_MEMBERS = {"sasl": "mechanisms", "cert": "certificate"}
_TEXTS = frozenset(("user", "password", "token", "sasl", "ca", "cert", "key", "key_password", "tls_host", "alpn", "container_id", "hostname"))
_PATHS = frozenset(("ca", "cert", "key"))
_SECONDS = frozenset(("heartbeat", "connect_timeout", "reconnect_delay", "reconnect_delay_max", "reconnect_time"))
_FLAGS = frozenset(("allow_plain_cleartext", "tls_verify", "reconnect", "background"))
_SIZES = frozenset(("max_frame_size", "trace_size"))
_UINT_MAX = 0xFFFFFFFF
_SIZE_MAX = 0x7FFFFFFFFFFFFFFF


_CREDIT_MAX = 0x7FFFFFFF
_WINDOW_MAX = 1_000_000


def _unexpected(name: str, expected: str, value: Any) -> TypeError:
    return TypeError(f"{name}: {expected} is expected, not {type(value).__name__}")


def _text(name: str, value: Any, expected: str = "a str") -> bytes:
    """What C takes for a text: there it ends with NUL."""
    data = value.__fspath__() if hasattr(value, "__fspath__") else value
    if isinstance(data, str):
        try:
            data = data.encode()
        except UnicodeEncodeError as error:
            raise UrlError(f"{name}: {value!r} has a lone surrogate", status=Status.BAD_OPTION) from error
    if not isinstance(data, bytes):
        raise _unexpected(name, expected, value)
    if b"\0" in data:
        raise UrlError(f"{name}: a NUL may not stand there", status=Status.BAD_OPTION)
    return data


def url_of(url: str) -> bytes:
    """As C takes it. Raises UrlError, TypeError."""
    if not isinstance(url, str):
        raise _unexpected("url", "a str", url)
    return _text("url", url)


def _seconds(name: str, value: Any) -> int:
    """Milliseconds."""
    try:
        number: int = round(value * 1000)
    except (TypeError, ValueError, OverflowError) as error:
        if isinstance(value, float):
            raise UrlError(f"{name}: {value} is out of range", status=Status.BAD_OPTION) from error
        raise _unexpected(name, "a number of seconds", value) from error
    if not 0 <= number <= _UINT_MAX:
        raise UrlError(f"{name}: {value} is out of range", status=Status.BAD_OPTION)
    return number


def _integer(name: str, value: Any, least: int = 0, most: int = _UINT_MAX) -> int:
    try:
        number = operator.index(value)
    except TypeError as error:
        raise _unexpected(name, "an int", value) from error
    if not least <= number <= most:
        raise UrlError(f"{name}: {value} is out of range, which is {least} to {most}", status=Status.BAD_OPTION)
    return number


def words(name: str, value: Capabilities | None) -> bytes | None:
    """Symbols, as C takes them: separated by spaces."""
    if value is None:
        return None
    try:
        return _text(name, value if isinstance(value, str) else " ".join(value))
    except TypeError as error:
        raise _unexpected(name, "a str, or several,", value) from error


def client_options(options: ConnectionOptions) -> dict[str, Any]:
    """Members of amqpc_client_options. Raises UrlError for an option that is not valid, TypeError for one that there is not."""
    members: dict[str, Any] = {}
    for name, value in options.items():
        if value is None:
            continue
        if name in _TEXTS:
            members[_MEMBERS.get(name, name)] = _text(name, value, "a path" if name in _PATHS else "a str")
        elif name in _SECONDS:
            members[f"{name}_ms"] = _seconds(name, value)
        elif name in _SIZES:
            members[name] = _integer(name, value)
        elif name in _FLAGS:
            members[name] = bool(value)
        elif name == "desired_capabilities":
            members[name] = words(name, value)  # type: ignore[arg-type]
        else:
            raise TypeError(f"there is no option {name!r}")
    return members


def address_of(address: str | None) -> bytes | None:
    """As C takes it."""
    return None if address is None else _text("address", address)


class LinkOptions(TypedDict, total=False):
    """What senders and receivers have in common.

    name          of the link; default: made up
    source        a Source of amqpcodec.performatives, with all that can be said of it
    target        a Target
    properties    of attach: a map
    capabilities  desired, of attach
    dynamic       the peer makes the node; `address` tells its name
    """

    name: str | None
    source: Terminus | None
    target: Terminus | None
    properties: Mapping[str, Any] | None
    capabilities: Capabilities | None
    dynamic: bool


class SenderOptions(LinkOptions, total=False):
    """What connection.sender takes beside the address.

    guarantee  "at-least-once", the default: what has no outcome when the connection is lost is sent again; "at-most-once": sent settled,
               without an outcome; "once-or-unknown"; "exactly-once" (docs/guide-client.md)
    window     messages without an outcome, at most; default 1,000
    """

    guarantee: Guarantee
    window: int | None


class ReceiverOptions(LinkOptions, total=False):
    """What connection.receiver takes beside the address.

    credit        messages that are on their way or waiting, kept topped up; default 100; 0: by hand, with add_credit
    settled       ask the peer to send settled (at most once)
    second        receiver-settle-mode second (exactly once)
    selector      a JMS selector
    filters       of amqpcodec.filters, or a map
    message_size  bytes of the largest message; default 1 MiB; 0 for no limit
    typed         integers and floats keep the width that they had
    lazy          sections of messages are decoded when they are first asked for
    views         bodies of 64 KiB and more are memoryviews, without a copy; they keep what else was received with them in memory
    """

    credit: int | None
    settled: bool
    second: bool
    selector: str | None
    filters: Filters | None
    message_size: int | None
    typed: bool
    lazy: bool
    views: bool


def _common(options: Any, members: dict[str, Any]) -> None:
    if options.get("name") is not None:
        members["name"] = _text("name", options["name"])
    capabilities = words("capabilities", options.get("capabilities"))
    if capabilities is not None:
        members["capabilities"] = capabilities


def _properties(properties: Mapping[str, Any] | None) -> bytes:
    if properties is None:
        return b""
    if not isinstance(properties, Mapping):
        raise _unexpected("properties", "a map", properties)
    return encode_value({_symbol("properties", key): value for key, value in properties.items()})


def _symbol(name: str, key: Any) -> Symbol:
    if not isinstance(key, str):
        raise _unexpected(f"{name}, a key", "a str", key)
    return Symbol(key)


def _terminus(descriptor: ULong, given: Terminus | None, dynamic: bool, filters: dict[Any, Any] | None) -> bytes:
    """A source or target, encoded; empty for none."""
    if given is not None:
        changed: Any = copy.copy(given)
        if dynamic:
            changed.dynamic = True
        if filters:
            changed.filter = filters
        encoded: bytes = changed.encode()
        return encoded
    if not dynamic and not filters:
        return b""
    fields: list[Any] = [None, None, None, None, dynamic or None]
    if filters:
        fields += [None, None, filters]
    return encode_value(Described(descriptor, fields))


def lives_on(terminus: Terminus | None) -> bool:
    """Whether a terminus is to outlive connections (AMQP 3.5.3, 3.5.4): the options' `source` of a receiver, `target` of a sender."""
    given: Any = terminus
    return given is not None and (given.expiry_policy == "never" or bool(given.timeout))


def _filter_map(filters: Filters | None) -> dict[Any, Any] | None:
    if filters is None:
        return None
    from amqpcodec.filters import Filter

    if isinstance(filters, Mapping):
        named: Mapping[Any, Any] = filters
        return {_symbol("filters", name): value for name, value in named.items()}
    several = (filters,) if isinstance(filters, Filter) else filters
    if isinstance(several, str):
        raise TypeError("filters: a str is no filter; selector= takes a selector")
    found: dict[Any, Any] = {}
    for one in several:
        if not isinstance(one, Filter):
            raise _unexpected("filters", "one of amqpcodec.filters", one)
        found[Symbol(one.name)] = Described(one.descriptor, one.value)
    return found


def _check(options: Any, known: type) -> None:
    for name in options:
        if name not in known.__annotations__ and name not in LinkOptions.__annotations__:
            raise TypeError(f"there is no option {name!r}")


def sender_options(options: SenderOptions) -> tuple[dict[str, Any], Terms]:
    """Members of amqpc_sender_options, and what is encoded."""
    _check(options, SenderOptions)
    members: dict[str, Any] = {}
    _common(options, members)
    guarantee = options.get("guarantee", "at-least-once")
    if guarantee not in GUARANTEES:
        raise ValueError(f"guarantee is one of {', '.join(GUARANTEES)}, not {guarantee!r}")
    members["guarantee"] = GUARANTEES.index(guarantee)
    window = options.get("window")
    if window is not None:
        members["window"] = _integer("window", window, 1, _WINDOW_MAX)
    source = _terminus(_SOURCE, options.get("source"), False, None)
    target = _terminus(_TARGET, options.get("target"), options.get("dynamic", False), None)
    return members, Terms(source, target, _properties(options.get("properties")))


def receiver_options(options: ReceiverOptions) -> tuple[dict[str, Any], Terms, int]:
    """Members of amqpc_receiver_options, what is encoded, and how messages are decoded."""
    _check(options, ReceiverOptions)
    credit = options.get("credit")
    members: dict[str, Any] = {"prefetch": 100 if credit is None else _integer("credit", credit, 0, _CREDIT_MAX)}
    _common(options, members)
    for name in ("settled", "second"):
        members[name] = bool(options.get(name, False))
    selector = options.get("selector")
    if selector is not None:
        members["selector"] = _text("selector", selector)
    size = options.get("message_size")
    if size is not None:
        members["message_size"] = _integer("message_size", size, 0, _SIZE_MAX)
    source = _terminus(_SOURCE, options.get("source"), options.get("dynamic", False), _filter_map(options.get("filters")))
    target = _terminus(_TARGET, options.get("target"), False, None)
    modes = (("typed", TYPED), ("lazy", LAZY), ("views", VIEWS))
    mode = sum(bit for name, bit in modes if options.get(name))
    return members, Terms(source, target, _properties(options.get("properties"))), mode
