"""The tree of exceptions."""

from __future__ import annotations

import copy
import pickle

import amqpcodec
import pytest
from amqpcodec import Status, _errors

CLASSES = [value for value in vars(_errors).values() if isinstance(value, type) and issubclass(value, amqpcodec.AmqpError)]


@pytest.mark.parametrize("kind", CLASSES)
def test_every_exception_is_public_and_says_what_it_is(kind: type[amqpcodec.AmqpError]) -> None:
    assert getattr(amqpcodec, kind.__name__) is kind
    assert kind.__name__ in amqpcodec.__all__
    error = kind()
    assert str(error)
    assert isinstance(error.status, Status)
    assert (error.description, error.info) == (None, None)


@pytest.mark.parametrize("kind", CLASSES)
def test_every_exception_is_copied_and_pickled_whole(kind: type[amqpcodec.AmqpError]) -> None:
    error = kind("what happened", status=Status.PEER_ERROR, condition="amqp:not-found", description="no queue", info={"x": 1})
    for other in (copy.copy(error), pickle.loads(pickle.dumps(error))):
        assert type(other) is kind
        assert str(other) == "what happened"
        assert vars(other) == vars(error)


@pytest.mark.parametrize(
    ("kind", "built_in"),
    [
        (amqpcodec.DecodeError, ValueError),
        (amqpcodec.EncodeError, ValueError),
        (amqpcodec.UrlError, ValueError),
        (amqpcodec.AmqpConnectionError, ConnectionError),
        (amqpcodec.AuthenticationError, amqpcodec.AmqpConnectionError),
        (amqpcodec.AmqpTimeoutError, TimeoutError),
        (amqpcodec.AmqpMemoryError, MemoryError),
        (amqpcodec.LinkDetachedError, amqpcodec.LinkError),
        (amqpcodec.LinkRedirectError, amqpcodec.LinkError),
    ],
)
def test_exceptions_are_of_the_built_in_kind_that_fits(kind: type[amqpcodec.AmqpError], built_in: type[Exception]) -> None:
    assert issubclass(kind, built_in)


def test_condition_is_the_peers_or_else_that_of_the_status() -> None:
    assert amqpcodec.AmqpError(status=Status.BAD_UTF8).condition == "amqp:decode-error"
    assert amqpcodec.AmqpError(status=Status.BAD_UTF8, condition="amqp:not-found").condition == "amqp:not-found"
    assert amqpcodec.AmqpError(status=Status.TIMED_OUT).condition is None


def test_text_is_the_peers_or_else_that_of_the_status() -> None:
    assert str(amqpcodec.LinkError(description="no such queue")) == "no such queue"
    assert str(amqpcodec.AmqpConnectionError(status=Status.CONNECT_FAILED)) == Status.CONNECT_FAILED.text


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (Status.BAD_UTF8, amqpcodec.DecodeError),
        (Status.MISSING_FIELD, amqpcodec.DecodeError),
        (Status.TIMED_OUT, amqpcodec.AmqpTimeoutError),
        (Status.SASL_REFUSED, amqpcodec.AuthenticationError),
        (Status.CONNECT_FAILED, amqpcodec.AmqpConnectionError),
        (Status.IDLE_TIMEOUT, amqpcodec.AmqpConnectionError),
        (Status.TLS_CERTIFICATE, amqpcodec.AmqpConnectionError),
        (Status.BAD_OPTION, amqpcodec.UrlError),
        (Status.REDIRECTED, amqpcodec.LinkRedirectError),
        (Status.TRANSACTION_ROLLBACK, amqpcodec.TransactionError),
        (Status.NO_MEMORY, amqpcodec.AmqpMemoryError),
        (99999, amqpcodec.AmqpError),
    ],
)
def test_status_tells_the_exception(status: int, kind: type[amqpcodec.AmqpError]) -> None:
    assert _errors.error_class(status) is kind
