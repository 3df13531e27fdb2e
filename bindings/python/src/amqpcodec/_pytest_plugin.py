"""The fixture `amqp_broker`, which pytest finds by an entry point of the package.

    def test_it(amqp_broker):
        with amqpcodec.connect(amqp_broker.url) as connection:
            ...

Each test gets a broker of its own, or with the option `amqp_broker_scope = session` of pytest's configuration (or module, package, class) all
share one. The marker `amqp_broker(**options)` gives the options of `amqpcodec.testing.Broker` for tests that have their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from amqpcodec.testing import Broker

_SCOPES = ("function", "class", "module", "package", "session")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option of pytest's configuration."""
    parser.addini("amqp_broker_scope", f"Who shares the broker of the fixture amqp_broker: {', '.join(_SCOPES)}", default="function")


def pytest_configure(config: pytest.Config) -> None:
    """The marker, for --strict-markers and --markers."""
    config.addinivalue_line("markers", "amqp_broker(**options): options of amqpcodec.testing.Broker for the fixture amqp_broker")


def _scope(fixture_name: str, config: pytest.Config) -> Any:
    scope = config.getini("amqp_broker_scope")
    if scope not in _SCOPES:
        raise pytest.UsageError(f"amqp_broker_scope has to be one of {', '.join(_SCOPES)}, not {scope!r} ({fixture_name})")
    return scope


def _options(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Of the markers around, the nearest last."""
    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("amqp_broker"))):
        if marker.args:
            raise pytest.UsageError("the marker amqp_broker takes options by name, such as users={'name': 'password'}")
        options.update(marker.kwargs)
    return options


@pytest.fixture(scope=_scope)
def amqp_broker(request: pytest.FixtureRequest) -> Iterator[Broker]:
    """An embedded AMQP broker that runs: amqpcodec.testing.Broker. Connect to its `url`."""
    from amqpcodec.testing import Broker

    with Broker(**_options(request)) as broker:
        yield broker
