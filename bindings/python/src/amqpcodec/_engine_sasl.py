"""SASL of a connection without I/O: what each end brings, and the questions that the application answers (AMQP 5.3)."""

from __future__ import annotations

import enum
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from amqpcodec._composites import SaslCode
from amqpcodec._crossing import ffi, lib
from amqpcodec._engine_calls import failure
from amqpcodec._errors import AuthenticationError
from amqpcodec._library import bytes_argument, bytes_of, text_of
from amqpcodec._status import Status

if TYPE_CHECKING:
    from amqpcodec.engine import Connection

HASHES = {"SCRAM-SHA-1": 1, "SCRAM-SHA-256": 256, "SCRAM-SHA-512": 512}


class Sasl(NamedTuple):
    """What a client has to identify itself by, or what a server offers.

    mechanisms             names. Client: those it will use, the most wanted first; none: by what is given below, the
                           strongest first, and never ANONYMOUS for one who has credentials. Server: those it offers;
                           none: ANONYMOUS. A mechanism that the library does not know is the application's to drive.
    user, password         client: of PLAIN and SCRAM; the user also of XOAUTH2 and OAUTHBEARER
    authorization_id       client: whom to act as; mostly empty
    token                  client: of XOAUTH2 and OAUTHBEARER
    hostname, port         client: the host that is meant; port 0 for none
    allow_plain_cleartext  passwords and tokens may go over a transport that is not marked as protected
    optional               server: a client may leave SASL out
    iterations_max         client: most iterations of SCRAM that a server may ask for
    rounds_max             challenges and responses until it is given up
    """

    mechanisms: tuple[str, ...] = ()
    user: str = ""
    password: str = ""
    authorization_id: str = ""
    token: str = ""
    hostname: str = ""
    port: int = 0
    allow_plain_cleartext: bool = False
    optional: bool = False
    iterations_max: int = 1_000_000
    rounds_max: int = 16

    def __repr__(self) -> str:
        secret = {name: "..." for name in ("password", "token") if getattr(self, name)}
        shown = {**{name: value for name, value in self._asdict().items() if value != self._field_defaults[name]}, **secret}
        return f"Sasl({', '.join(f'{name}={value!r}' for name, value in shown.items())})"


class SaslQuestionType(enum.IntEnum):
    """What the engine asks.

    CREDENTIALS       server: may this client come in? `SaslLayer.finish`
    VERIFIER          server: the SCRAM verifier of `user`? `SaslLayer.give_verifier`, or `finish` to refuse
    INITIAL_RESPONSE  client: of a mechanism of the application's own; `SaslLayer.send_response`
    CHALLENGE         client: `data` is such a mechanism's challenge; `SaslLayer.send_response`
    RESPONSE          server: `data` is such a mechanism's response; `SaslLayer.send_challenge` or `finish`
    """

    CREDENTIALS = 1
    VERIFIER = 2
    INITIAL_RESPONSE = 3
    CHALLENGE = 4
    RESPONSE = 5


class SaslQuestion(NamedTuple):
    """A question; which members hold something depends on its type and the mechanism. `data`: None where there are no bytes."""

    type: SaslQuestionType
    mechanism: str
    user: str
    password: str
    authorization_id: str
    token: str
    hostname: str
    data: bytes | None

    def __repr__(self) -> str:
        return f"SaslQuestion(type={self.type!r}, mechanism={self.mechanism!r}, user={self.user!r})"


class ScramVerifier(NamedTuple):
    """What a server keeps of a SCRAM user instead of the password (RFC 5802 3)."""

    salt: bytes
    iterations: int
    stored_key: bytes
    server_key: bytes

    @classmethod
    def of_password(cls, mechanism: str, password: str, *, iterations: int = 4096, salt: bytes | None = None) -> ScramVerifier:
        """The verifier of a password.

        mechanism   ``SCRAM-SHA-1``, ``SCRAM-SHA-256`` or ``SCRAM-SHA-512``
        iterations  at least 4,096
        salt        a random one where none is given
        """
        if mechanism not in HASHES:
            raise ValueError(f"{mechanism!r} is none of {', '.join(HASHES)}")
        salt = os.urandom(16) if salt is None else bytes(salt)
        keys = ffi.new("uint8_t[128]")
        size = ffi.new("size_t *")
        given, kept = bytes_argument(password.encode())
        salted, kept_salt = bytes_argument(salt)
        status = lib.amqpc_sasl_make_verifier(HASHES[mechanism], given, salted, iterations, keys, keys + 64, size)
        del kept, kept_salt
        if status:
            raise failure(AuthenticationError, status, mechanism)
        stored, server = bytes(ffi.buffer(keys, size[0])), bytes(ffi.buffer(keys + 64, size[0]))
        return cls(salt, iterations, stored, server)


def sasl_options(sasl: Sasl) -> tuple[Any, list[Any]]:
    """The library's struct, and what is to be kept as long."""
    options = ffi.new("amqpc_sasl_options *")
    lib.amqpc_sasl_options_init(options, ffi.sizeof("amqpc_sasl_options"))
    kept: list[Any] = []
    texts = {name: getattr(sasl, name) for name in ("user", "password", "authorization_id", "token", "hostname")}
    mechanisms = (sasl.mechanisms,) if isinstance(sasl.mechanisms, str) else sasl.mechanisms
    texts["mechanisms"] = " ".join(mechanisms)
    for name, text in texts.items():
        view, keep = bytes_argument(text.encode())
        setattr(options, name, view)
        kept.append(keep)
    options.port = sasl.port
    options.allow_plain_cleartext = sasl.allow_plain_cleartext
    options.optional = sasl.optional
    options.iterations_max = sasl.iterations_max
    options.rounds_max = sasl.rounds_max
    return options, kept


class SaslLayer:
    """The SASL of a connection: ``connection.sasl``."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def mechanism(self) -> str:
        """The mechanism that is, or was, in use; empty before there is one."""
        return text_of(lib.amqpc_sasl_mechanism(self._connection._live()))

    @property
    def identity(self) -> str:
        """Server: who came in; empty without SASL, and before it is over."""
        return text_of(lib.amqpc_sasl_identity(self._connection._live()))

    def question(self) -> SaslQuestion | None:
        """The question that is open, which `EventType.SASL` told of; None where there is none."""
        found = ffi.new("amqpc_sasl_question *")
        if lib.amqpc_sasl_question_get(self._connection._live(), found):
            return None
        names = ("mechanism", "user", "password", "authorization_id", "token", "hostname")
        texts = {name: text_of(getattr(found, name)) for name in names}
        return SaslQuestion(SaslQuestionType(found.type), data=bytes_of(found.data) if found.has_data else None, **texts)

    def finish(self, code: SaslCode = SaslCode.OK, additional_data: bytes = b"") -> None:
        """Server: ends SASL with an outcome. OK lets the client in; of SCRAM it is the library's to give."""
        data, kept = bytes_argument(additional_data)
        self._check(lib.amqpc_sasl_finish(self._connection._live(), int(code), data), "finish")
        del kept

    def give_verifier(self, verifier: ScramVerifier) -> None:
        """Server: answers the question for a verifier; the library then checks what the client proves."""
        given = ffi.new("amqpc_sasl_verifier *")
        given.salt, kept_salt = bytes_argument(verifier.salt)
        given.iterations = verifier.iterations
        given.stored_key, kept_stored = bytes_argument(verifier.stored_key)
        given.server_key, kept_server = bytes_argument(verifier.server_key)
        self._check(lib.amqpc_sasl_give_verifier(self._connection._live(), given), "give_verifier")
        del kept_salt, kept_stored, kept_server

    def send_challenge(self, data: bytes) -> None:
        """Server: sends a challenge of the application's own mechanism."""
        given, kept = bytes_argument(data)
        self._check(lib.amqpc_sasl_send_challenge(self._connection._live(), given), "send_challenge")
        del kept

    def send_response(self, data: bytes | None) -> None:
        """Client: sends the initial response, where None means none, or a response, of the application's own mechanism."""
        # The library tells an empty response from none by the pointer.
        empty = ffi.new("uint8_t[1]")
        given = ffi.new("amqpc_bytes *")
        if data is not None:
            given.data, given.size = (ffi.from_buffer(data), len(data)) if len(data) else (empty, 0)
        self._check(lib.amqpc_sasl_send_response(self._connection._live(), given[0]), "send_response")

    def _check(self, status: int, what: str) -> None:
        if status == Status.INVALID_STATE:
            raise AuthenticationError(f"{what}: no question is open that this answers", status=status)
        if status:
            raise failure(AuthenticationError, status, what)
