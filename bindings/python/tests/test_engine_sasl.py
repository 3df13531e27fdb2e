"""SASL of connections without I/O: each mechanism, refusals, and mechanisms of the application's own."""

from __future__ import annotations

from typing import Any

import pytest
from amqpcodec import AuthenticationError, EncodeError, Status
from amqpcodec import engine as e
from pair import Pair

CLEAR: Any = {"allow_plain_cleartext": True}


def talk(client: e.Sasl, server: e.Sasl) -> Pair:
    """A pair of which the client has said all it can before the first answer."""
    pair = Pair(client={"sasl": client}, server={"sasl": server})
    pair.client.open("client")
    pair.move()
    return pair


def finished(pair: Pair) -> None:
    """Both ends open after SASL went well."""
    pair.move()
    assert e.EventType.SASL_OUTCOME in [event.type for event in pair.client_events]
    pair.server.open("server")
    pair.move()
    assert pair.client.state == pair.server.state == e.ConnectionState.OPENED


def refused(pair: Pair, status: Status) -> AuthenticationError:
    pair.move()
    failure = pair.client.failure
    assert isinstance(failure, AuthenticationError)
    assert failure.status == status
    return failure


def test_anonymous_is_what_nobody_in_particular_uses() -> None:
    pair = talk(e.Sasl(), e.Sasl())
    question = pair.server.sasl.question()
    assert question is not None
    assert (question.type, question.mechanism) == (e.SaslQuestionType.CREDENTIALS, "ANONYMOUS")
    pair.server.sasl.finish()
    finished(pair)
    assert (pair.server.sasl.identity, pair.client.sasl.mechanism) == ("anonymous", "ANONYMOUS")
    assert pair.server.sasl.question() is None


@pytest.mark.parametrize("is_welcome", [True, False])
def test_plain_gives_user_and_password_to_the_server(is_welcome: bool) -> None:
    pair = talk(
        e.Sasl(user="ann", password="söcret", hostname="example.com", **CLEAR),
        e.Sasl(mechanisms=("PLAIN",), **CLEAR),
    )
    assert [event.type for event in pair.server_events] == [e.EventType.SASL]
    question = pair.server.sasl.question()
    assert question is not None
    assert (question.user, question.password, question.hostname, question.authorization_id) == ("ann", "söcret", "example.com", "")
    assert "söcret" not in repr(question)
    if is_welcome:
        pair.server.sasl.finish()
        finished(pair)
        assert pair.server.sasl.identity == "ann"
        return
    pair.server.sasl.finish(e.SaslCode.AUTH)
    refused(pair, Status.SASL_REFUSED)


def test_external_says_whom_the_client_wants_to_be() -> None:
    pair = talk(e.Sasl(mechanisms=("EXTERNAL",), authorization_id="ann"), e.Sasl(mechanisms=("EXTERNAL",)))
    question = pair.server.sasl.question()
    assert question is not None
    assert (question.mechanism, question.authorization_id) == ("EXTERNAL", "ann")
    pair.server.sasl.finish(e.SaslCode.OK)
    finished(pair)


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512"])
def test_scram_proves_the_password_without_showing_it(mechanism: str) -> None:
    verifier = e.ScramVerifier.of_password(mechanism, "pencil", salt=b"salt" * 4)
    assert verifier == e.ScramVerifier.of_password(mechanism, "pencil", salt=b"salt" * 4, iterations=4096)
    for password in ("pencil", "pen"):
        pair = talk(e.Sasl(user="ann", password=password), e.Sasl(mechanisms=(mechanism,)))
        question = pair.server.sasl.question()
        assert question is not None
        assert (question.type, question.user, question.password) == (e.SaslQuestionType.VERIFIER, "ann", "")
        pair.server.sasl.give_verifier(verifier)
        if password == "pencil":
            finished(pair)
            assert pair.client.sasl.mechanism == mechanism
        else:
            refused(pair, Status.SASL_REFUSED)


def test_a_verifier_is_refused_where_it_cannot_be() -> None:
    with pytest.raises(ValueError, match="PLAIN"):
        e.ScramVerifier.of_password("PLAIN", "x")
    with pytest.raises(EncodeError):
        e.ScramVerifier.of_password("SCRAM-SHA-1", "x", iterations=1)
    pair = talk(e.Sasl(user="ann", password="x"), e.Sasl(mechanisms=("SCRAM-SHA-256",)))
    with pytest.raises(EncodeError):
        pair.server.sasl.give_verifier(e.ScramVerifier(b"salt", 4096, b"short", b"short"))
    assert pair.server.sasl.question() is not None
    pair.server.sasl.finish(e.SaslCode.AUTH)
    refused(pair, Status.SASL_REFUSED)


def test_passwords_do_not_go_over_clear_text_unasked() -> None:
    pair = talk(e.Sasl(mechanisms=("PLAIN",), user="ann", password="x"), e.Sasl(mechanisms=("PLAIN",), **CLEAR))
    refused(pair, Status.SASL_CLEARTEXT)
    assert b"ann" not in pair.client.data_to_send()


def test_a_client_without_a_common_mechanism_fails() -> None:
    pair = talk(e.Sasl(user="ann", password="x"), e.Sasl(mechanisms=("ANONYMOUS",)))
    refused(pair, Status.SASL_NO_MECHANISM)


@pytest.mark.parametrize("initial", [b"", b"first", None])
def test_a_mechanism_of_the_application_goes_by_questions(initial: Any) -> None:
    pair = talk(e.Sasl(mechanisms=("X-OURS",)), e.Sasl(mechanisms=("X-OURS",)))
    question = pair.client.sasl.question()
    assert question is not None and question.type == e.SaslQuestionType.INITIAL_RESPONSE
    pair.client.sasl.send_response(initial)
    pair.move()
    question = pair.server.sasl.question()
    assert question is not None
    assert (question.type, question.data) == (e.SaslQuestionType.RESPONSE, initial)
    pair.server.sasl.send_challenge(b"who?")
    pair.move()
    question = pair.client.sasl.question()
    assert question is not None
    assert (question.type, question.data) == (e.SaslQuestionType.CHALLENGE, b"who?")
    pair.client.sasl.send_response(b"me")
    pair.move()
    question = pair.server.sasl.question()
    assert question is not None and question.data == b"me"
    pair.server.sasl.finish(additional_data=b"welcome")
    finished(pair)


def test_answers_that_nobody_asked_for_are_errors() -> None:
    pair = talk(e.Sasl(), e.Sasl())
    actions: list[Any] = [pair.client.sasl.finish, lambda: pair.server.sasl.send_challenge(b"x"), lambda: pair.client.sasl.send_response(b"")]
    for action in actions:
        with pytest.raises(AuthenticationError, match="no question is open"):
            action()


def test_a_server_may_let_clients_leave_sasl_out() -> None:
    pair = Pair(server={"sasl": e.Sasl(optional=True)})
    pair.open()
    strict = Pair(server={"sasl": e.Sasl()})
    strict.client.open("client")
    strict.move()
    assert strict.server.failure is not None
    assert strict.server.failure.status == Status.SASL_SKIPPED


def test_secrets_do_not_show() -> None:
    shown = repr(e.Sasl(mechanisms=("PLAIN",), user="ann", password="hidden", token="hidden"))
    assert shown == "Sasl(mechanisms=('PLAIN',), user='ann', password='...', token='...')"
