"""Filters of receivers: which messages of a node they take (AMQP 3.5.8, and the filters that brokers have registered).

connection.receiver("orders", filters=[filters.selector("colour = 'red'"), filters.no_local()])
"""

from __future__ import annotations

from typing import Any, NamedTuple

from amqpcodec._types import Symbol

__all__ = ["Filter", "no_local", "selector", "subject", "topic"]


class Filter(NamedTuple):
    """A filter: the name that it has among the filters of a source, its descriptor, and its value."""

    name: str
    descriptor: Any
    value: Any


def _of_apache(name: str, value: str | list[Any]) -> Filter:
    full_name = f"apache.org:{name}"
    return Filter(full_name, Symbol(full_name), value)


def selector(text: str) -> Filter:
    """Messages that a selector of JMS is true for, such as "priority > 4 AND colour = 'red'"."""
    return _of_apache("selector-filter:string", text)


def no_local() -> Filter:
    """Messages that did not come by this connection's container."""
    return _of_apache("no-local-filter:list", [])


def subject(text: str) -> Filter:
    """Messages of a subject, or of a binding key of AMQP 0-10."""
    return _of_apache("legacy-amqp-direct-binding:string", text)


def topic(pattern: str) -> Filter:
    """Messages whose subject matches a pattern of AMQP 0-10: "*" stands for a word, "#" for any number of them."""
    return _of_apache("legacy-amqp-topic-binding:string", pattern)
