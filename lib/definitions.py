"""What base/status.def and schema/composites.def define, as Python objects; lib/generate.py and the tests read them so."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

LIB = Path(__file__).resolve().parent


@dataclass
class Kind:
    """What an amqpc_field_kind means in C. `types` are the AMQP types whose encoding a field of the kind may have."""

    c_type: str
    types: str
    direct: bool = False  # a straight-line function takes it; otherwise a function that returns a status
    default: str = "0"
    store: str = ""  # the function that stores it, where it is not amqpci_store_<kind>
    by_address: bool = False


KINDS = {
    "BOOLEAN": Kind("bool", "BOOLEAN", True, "false"),
    "UBYTE": Kind("uint8_t", "UBYTE", True),
    "USHORT": Kind("uint16_t", "USHORT", True),
    "UINT": Kind("uint32_t", "UINT", True),
    "ULONG": Kind("uint64_t", "ULONG", True),
    "TIMESTAMP": Kind("int64_t", "TIMESTAMP", True),
    "BINARY": Kind("amqpc_bytes", "BINARY", True, "(amqpc_bytes){NULL, 0}"),
    "STRING": Kind("amqpc_bytes", "STRING", True, "(amqpc_bytes){NULL, 0}"),
    "SYMBOL": Kind("amqpc_bytes", "SYMBOL", True, "(amqpc_bytes){NULL, 0}"),
    "SYMBOLS": Kind("amqpc_symbols", "", False, "", "", True),
    "MAP": Kind("amqpc_value", "", False, "", "", True),
    "ANY": Kind("amqpc_value", "", False, "", "", True),
    "DESCRIBED": Kind("amqpc_value", "", False, "", "", True),
    "MESSAGE_ID": Kind("amqpc_value", "", False, "", "", True),
    "ERROR": Kind("amqpc_error", "", False, "", "", True),
}


@dataclass
class Field:
    c_name: str
    type_name: str
    kind: str
    mandatory: bool
    default: str
    doc: str
    minimum: int = 0

    @property
    def name(self) -> str:
        return self.c_name.replace("_", "-")

    @property
    def multiple(self) -> bool:
        return self.kind == "SYMBOLS"


@dataclass
class Composite:
    c_name: str
    code: int
    symbol: str
    section: str
    doc: str
    fields: list[Field] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.c_name.replace("_", "-")

    @property
    def upper(self) -> str:
        return self.c_name.upper()

    def bit(self, item: Field) -> str:
        return f"AMQPC_{self.upper}_{item.c_name.upper()}"

    @property
    def mandatory(self) -> str:
        return " | ".join(self.bit(item) for item in self.fields if item.mandatory)


def rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """The rows of a .def file: (macro, arguments)."""
    text = re.sub(r"/\*.*?\*/", "", path.read_text(), flags=re.DOTALL)
    for macro, body in re.findall(r"^([A-Z]+)\((.*)\)$", text, flags=re.MULTILINE):
        yield macro, [quoted or bare for quoted, bare in re.findall(r'"([^"]*)"|([^\s,"]+)', body)]


def read_schema() -> tuple[list[Composite], dict[str, str]]:
    composites: list[Composite] = []
    choices: dict[str, str] = {}
    for macro, row in rows(LIB / "schema/composites.def"):
        if macro == "CHOICES":
            choices[row[0]] = row[1]
        elif macro == "COMPOSITE":
            composites.append(Composite(row[0], int(row[1], 16), row[2], row[3], row[4]))
        elif macro == "FIELD":
            composites[-1].fields.append(Field(row[0], row[1], row[2], row[3] == "mandatory", row[4], row[5]))
        elif macro == "MINIMUM":
            owner = next(c for c in composites if c.c_name == row[0])
            next(f for f in owner.fields if f.c_name == row[1]).minimum = int(row[2])
        else:
            raise SystemExit(f"composites.def: unknown row {macro}")
    return composites, choices


@dataclass
class Option:
    """A row of client/options.def. `in_url`: it stands in the URL's query, and not before its '@'."""

    name: str
    member: str
    kind: str
    minimum: int
    maximum: int
    default: int
    choices: str
    doc: str
    in_url: bool


def client_options() -> list[Option]:
    found = []
    for macro, row in rows(LIB / "client/options.def"):
        if macro not in ("OPTION", "USER"):
            raise SystemExit(f"options.def: unknown row {macro}")
        name, member, kind, minimum, maximum, default, choices, doc = row
        found.append(Option(name, member, kind, int(minimum), int(maximum), int(default), choices, doc, macro == "OPTION"))
    return found


def statuses() -> list[tuple[str, int, str, str]]:
    return [(row[0], int(row[1]), row[2], row[3]) for _, row in rows(LIB / "base/status.def")]
