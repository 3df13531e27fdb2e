"""What the Python package has of composites and statuses; lib/generate.py writes what this makes."""

from __future__ import annotations

import textwrap

from definitions import NOTICE, Composite, Field, statuses

WIDTH = 110  # columns

# What a field of a kind holds in Python.
TYPES = {
    "BOOLEAN": "bool",
    "UBYTE": "int",
    "USHORT": "int",
    "UINT": "int",
    "ULONG": "int",
    "TIMESTAMP": "datetime.datetime | Timestamp",
    "BINARY": "bytes",
    "STRING": "str",
    "SYMBOL": "str",
    "SYMBOLS": "Iterable[str] | str",
    "MAP": "Mapping[Any, Any] | Pairs",
    "ANY": "Any",
    "DESCRIBED": "Any",
    "MESSAGE_ID": "int | uuid.UUID | bytes | str",
    "ERROR": "Error",
}

# The kinds of which the text that the specification has for the type tells a reader less than the kind.
NAMES = {"MESSAGE_ID": "ulong, uuid, binary or string", "DESCRIBED": "described", "ANY": "any type", "SYMBOLS": "symbols"}


def class_name(name: str) -> str:
    """`sasl-init` or `sasl_init` as a class: SaslInit."""
    return "".join(word.capitalize() for word in name.replace("_", "-").split("-"))


def choice_classes(composites: list[Composite], choices: dict[str, str]) -> dict[str, str]:
    """The types of which the choices are numbers: `role` -> "Role"."""
    symbolic = {f.type_name for c in composites for f in c.fields if f.kind == "SYMBOL"}
    return {name: class_name(name) for name in choices if name not in symbolic}


def choice_class(type_name: str, name: str, values: str) -> str:
    members = "".join(f"    {value.replace('-', '_').upper()} = {i}\n" for i, value in enumerate(values.split()))
    return f'class {name}(enum.IntEnum):\n    """The choices of {type_name}."""\n\n{members}'


def field_type(item: Field, enums: dict[str, str]) -> str:
    return enums.get(item.type_name, TYPES[item.kind])


def wrapped(text: str, indent: str, rest: str) -> str:
    return "\n".join(textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=rest, break_on_hyphens=False))


def field_line(item: Field, choices: dict[str, str]) -> str:
    """What the docstring says of a field."""
    name = NAMES.get(item.kind, TYPES[item.kind].split(" ")[0] if item.type_name == "*" else item.type_name)
    if item.type_name in choices:
        name = f"{item.type_name} ({', '.join(choices[item.type_name].split())})"
    notes = [name]
    if item.mandatory:
        notes.append("mandatory")
    if item.default:
        notes.append(f"default {item.default}")
    return wrapped(f"{item.c_name}: {item.doc} ({'; '.join(notes)})", " " * 4, " " * 8)


def docstring(composite: Composite, choices: dict[str, str]) -> str:
    lines = f'    """{composite.doc}\n\n    {composite.section}; descriptor ``{composite.symbol}``, 0x{composite.code:02x}.\n'
    if composite.fields:
        lines += "\n" + "\n".join(field_line(f, choices) for f in composite.fields) + "\n"
    return lines + '    """\n'


def table(composite: Composite, enums: dict[str, str]) -> str:
    """The fields for whoever goes over them."""
    rows = ""
    for item in composite.fields:
        names = item.type_name in ("fields", "filter-set", "node-properties")
        arguments = [f'"{item.c_name}"', f'"{item.kind.lower()}"']
        arguments += ["mandatory=True"] if item.mandatory else []
        arguments += [f'default="{item.default}"'] if item.default else []
        arguments += [f"choices={enums[item.type_name]}"] if item.type_name in enums else []
        arguments += ["symbol_keys=True"] if names else []
        rows += f"        Field({', '.join(arguments)}),\n"
    return f"    FIELDS = (\n{rows}    )\n" if rows else "    FIELDS = ()\n"


def constructor(composite: Composite, enums: dict[str, str]) -> str:
    """Keywords, but the first field may be given by place."""
    parameters, body = "", ""
    for index, item in enumerate(composite.fields):
        optional = "" if item.mandatory else " | None"
        parameters += f"        {item.c_name}: {field_type(item, enums)}{optional}{'' if item.mandatory else ' = None'},\n"
        if index == 0 and len(composite.fields) > 1:
            parameters += "        *,\n"
        value = f"names({item.c_name})" if item.kind == "SYMBOLS" else item.c_name
        body += f"        self.{item.c_name} = {value}\n"
    return f"\n    def __init__(\n        self,\n{parameters}    ) -> None:\n{body}" if parameters else ""


def composite_class(composite: Composite, choices: dict[str, str], enums: dict[str, str]) -> str:
    slots = "".join(f'"{f.c_name}", ' for f in composite.fields).rstrip(" ")
    slots = f"({slots})" if len(composite.fields) == 1 else f"({slots.rstrip(',')})"
    if len(slots) > WIDTH - 20:
        slots = "(\n" + "".join(f'        "{f.c_name}",\n' for f in composite.fields) + "    )"
    return f"""class {class_name(composite.c_name)}(Composite):
{docstring(composite, choices)}
    __slots__ = {slots}
    NAME = "{composite.name}"
    DESCRIPTOR = 0x{composite.code:02x}
    SYMBOL = "{composite.symbol}"
{table(composite, enums)}{constructor(composite, enums)}"""


def python_composites(composites: list[Composite], choices: dict[str, str]) -> str:
    """amqpcodec/_composites.py."""
    enums = choice_classes(composites, choices)
    ordered = sorted(composites, key=lambda c: c.c_name != "error")
    classes = [choice_class(type_name, name, choices[type_name]) for type_name, name in enums.items()]
    classes += [composite_class(c, choices, enums) for c in ordered]
    names = sorted([*enums.values(), *(class_name(c.c_name) for c in composites)])
    listed = "".join(f'    "{name}",\n' for name in names)
    by_code = "".join(f"    0x{c.code:02x}: {class_name(c.c_name)},\n" for c in composites)
    body = "\n\n".join(classes)
    return f'''"""All composite types of AMQP 1.0 as classes.

{NOTICE.format(source="lib/schema/composites.def")}
"""
# ruff: noqa

from __future__ import annotations

import datetime
import enum
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from amqpcodec._composite import Composite, Field, names
from amqpcodec._types import Pairs, Timestamp

__all__ = [
{listed}]


{body}

# By numeric descriptor.
COMPOSITES: dict[int, type[Composite]] = {{
{by_code}}}
'''


def status_module() -> str:
    """What Python has of the statuses."""

    def quoted(value: str) -> str:
        return f'"{value}"'

    numbers = "\n".join(f"    {name} = {number}" for name, number, _, _ in statuses())
    texts = "\n".join(f"    {number}: {quoted(text)}," for _, number, text, _ in statuses())
    conditions = "\n".join(f"    {number}: {quoted(condition)}," for _, number, _, condition in statuses() if condition)
    return f'''"""The statuses of the library.

{NOTICE.format(source="lib/base/status.def")}
"""

from __future__ import annotations

from enum import IntEnum


class Status(IntEnum):
    """The result of a call of the library. Numbers never change."""

{numbers}

    @property
    def text(self) -> str:
        """The status in words."""
        return _TEXTS[self.value]

    @property
    def condition(self) -> str | None:
        """The AMQP error condition that tells a peer (AMQP 2.8.15 to 2.8.18), or None."""
        return _CONDITIONS.get(self.value)

    @classmethod
    def of(cls, number: int) -> Status:
        """The status of a number; of one that a newer library has, SYSTEM_ERROR."""
        return cls(number) if number in _TEXTS else cls.SYSTEM_ERROR


_TEXTS = {{
{texts}
}}

_CONDITIONS = {{
{conditions}
}}
'''
