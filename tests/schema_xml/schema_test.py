#!/usr/bin/env python3
"""lib/schema/composites.def says what the specification's XML definitions say: every composite, every field, every choice.

Run it as a program, or by unittest. The last tests take something away from the table, and expect the comparison to notice.
"""

import copy
import importlib.util
import subprocess
import sys
import unittest
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NAMESPACE = "{http://www.amqp.org/schema/amqp.xsd}"

# Defaults that the text of the specification gives (AMQP 3.2.1) and its XML lacks.
DEFAULTS_OF_THE_TEXT = {
    ("header", "durable"): "false",
    ("header", "priority"): "4",
    ("header", "first-acquirer"): "false",
    ("header", "delivery-count"): "0",
}

# Choices of symbols that are open for extension: the table leaves them to programs.
OPEN_CHOICES = {
    "std-dist-mode", "txn-capability", "transaction-error", "amqp-error", "connection-error", "session-error", "link-error",
}  # fmt: skip

# Which kind of field (amqpc_field_kind) holds a type, by the primitive type that it restricts.
KINDS = {
    "boolean": "BOOLEAN", "ubyte": "UBYTE", "ushort": "USHORT", "uint": "UINT", "ulong": "ULONG", "timestamp": "TIMESTAMP",
    "binary": "BINARY", "string": "STRING", "symbol": "SYMBOL", "map": "MAP", "error": "ERROR",
}  # fmt: skip

# ... and of fields of any type, by what they require to be in them.
KINDS_OF_REQUIRED = {
    "address": "STRING", "message-id": "MESSAGE_ID", "txn-id": "BINARY", "global-tx-id": "ANY", "source": "DESCRIBED",
    "target": "DESCRIBED", "delivery-state": "DESCRIBED", "outcome": "DESCRIBED",
}  # fmt: skip


@dataclass
class FieldDefinition:
    name: str
    type_name: str
    requires: str
    mandatory: bool
    multiple: bool
    default: str


@dataclass
class TypeDefinition:
    name: str
    composite: bool
    source: str
    symbol: str = ""
    code: int = 0
    fields: list[FieldDefinition] = field(default_factory=list)
    choices: list[tuple[str, str]] = field(default_factory=list)


def specification() -> dict[str, TypeDefinition]:
    """The composite and restricted types of the XML files."""
    types: dict[str, TypeDefinition] = {}
    for path in sorted(HERE.glob("*.bare.xml")):
        for element in ElementTree.parse(path).getroot().iter(NAMESPACE + "type"):
            if element.get("class") not in ("composite", "restricted"):
                continue
            kind = TypeDefinition(element.attrib["name"], element.get("class") == "composite", element.get("source", ""))
            descriptor = element.find(NAMESPACE + "descriptor")
            if descriptor is not None:
                high, low = (int(part, 16) for part in descriptor.attrib["code"].split(":"))
                kind.symbol, kind.code = descriptor.attrib["name"], high << 32 | low
            for item in element.iter(NAMESPACE + "field"):
                kind.fields.append(
                    FieldDefinition(
                        item.attrib["name"], item.attrib["type"], item.get("requires", ""),
                        item.get("mandatory") == "true", item.get("multiple") == "true", item.get("default", ""),
                    )
                )  # fmt: skip
            for choice in element.iter(NAMESPACE + "choice"):
                kind.choices.append((choice.attrib["name"], choice.attrib["value"]))
            assert kind.name not in types, kind.name
            types[kind.name] = kind
    return types


def generator() -> ModuleType:
    """lib/generate.py, which reads the table."""
    sys.path.insert(0, str(ROOT / "lib"))  # where its own modules are
    spec = importlib.util.spec_from_file_location("generate", ROOT / "lib/generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["generate"] = module
    sys.dont_write_bytecode = True
    spec.loader.exec_module(module)
    return module


def kind_of(types: dict[str, TypeDefinition], item: FieldDefinition) -> str:
    """The amqpc_field_kind that holds a field of the specification."""
    name = item.type_name
    while name in types and not types[name].composite:
        name = types[name].source
    if name == "*":
        return KINDS_OF_REQUIRED[item.requires]
    return "SYMBOLS" if item.multiple and KINDS[name] == "SYMBOL" else KINDS[name]


def field_differences(types: dict[str, TypeDefinition], owner: str, ours: Any, theirs: FieldDefinition) -> Iterator[str]:
    default = DEFAULTS_OF_THE_TEXT.get((owner, theirs.name), theirs.default)
    for what, left, right in (
        ("name", ours.name, theirs.name),
        ("type", ours.type_name, theirs.type_name),
        ("mandatory", ours.mandatory, theirs.mandatory),
        ("multiple", ours.multiple, theirs.multiple),
        ("default", ours.default, default),
        ("kind", ours.kind, kind_of(types, theirs)),
    ):
        if left != right:
            yield f"{owner}.{theirs.name}: {what} is {left!r}, the specification has {right!r}"


def differences(types: dict[str, TypeDefinition], composites: list[Any], choices: dict[str, str]) -> list[str]:
    """In words, where the table and the specification differ."""
    found = []
    ours = {composite.name: composite for composite in composites}
    theirs = {name: kind for name, kind in types.items() if kind.composite}
    found += [f"{name}: missing from the table" for name in theirs.keys() - ours.keys()]
    found += [f"{name}: not in the specification" for name in ours.keys() - theirs.keys()]
    if len(ours) != len(composites):
        found.append("a composite is there twice")
    for name in sorted(ours.keys() & theirs.keys()):
        table, xml = ours[name], theirs[name]
        if (table.symbol, table.code) != (xml.symbol, xml.code):
            found.append(f"{name}: descriptor {table.symbol} {table.code:#x}, the specification has {xml.symbol} {xml.code:#x}")
        if len(table.fields) != len(xml.fields):
            found.append(f"{name}: {len(table.fields)} fields, the specification has {len(xml.fields)}")
        for left, right in zip(table.fields, xml.fields):
            found += field_differences(types, name, left, right)
    closed = {name: kind for name, kind in types.items() if kind.choices and name not in OPEN_CHOICES}
    for name in sorted(closed.keys() | choices.keys()):
        names = [choice for choice, _ in closed[name].choices] if name in closed else []
        if choices.get(name, "").split() != names:
            found.append(f"{name}: choices {choices.get(name, '').split()}, the specification has {names}")
    return found


class SchemaTest(unittest.TestCase):
    def setUp(self) -> None:
        self.types = specification()
        self.generate = generator()
        self.composites, self.choices = self.generate.read_schema()

    def assert_noticed(self, words: str) -> None:
        found = differences(self.types, self.composites, self.choices)
        self.assertTrue(any(words in difference for difference in found), f"not noticed: {words}; only {found}")

    def composite(self, name: str) -> Any:
        return next(composite for composite in self.composites if composite.name == name)

    def test_the_table_says_what_the_specification_says(self) -> None:
        self.assertEqual([], differences(self.types, self.composites, self.choices))

    def test_the_specification_was_read(self) -> None:
        composites = [kind for kind in self.types.values() if kind.composite]
        self.assertEqual((33, 125), (len(composites), sum(len(kind.fields) for kind in composites)))

    def test_numbered_choices_count_from_zero(self) -> None:
        for name, kind in self.types.items():
            if kind.choices and kind.source != "symbol":
                values = ["false", "true"] if kind.source == "boolean" else [str(i) for i in range(len(kind.choices))]
                self.assertEqual(values, [value for _, value in kind.choices], name)

    def test_symbolic_choices_are_their_names(self) -> None:
        for name in self.choices:
            if self.types[name].source == "symbol":
                for choice, value in self.types[name].choices:
                    self.assertEqual(choice, value)

    def test_conditions_of_statuses_are_the_specifications(self) -> None:
        known = {value for name in OPEN_CHOICES for _, value in self.types[name].choices if name.endswith("-error")}
        for name, _, _, condition in self.generate.statuses():
            self.assertTrue(condition == "" or condition in known, f"{name}: {condition}")

    def test_generated_files_are_fresh(self) -> None:
        command = [sys.executable, "-B", str(ROOT / "lib/generate.py"), "--check"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        self.assertEqual(0, result.returncode, result.stdout + result.stderr)

    # The comparison notices what it is there for.

    def test_any_removed_field_is_noticed(self) -> None:
        whole = self.composites
        for composite in whole:
            for item in composite.fields:
                self.composites = copy.deepcopy(whole)
                fields = self.composite(composite.name).fields
                fields[:] = [other for other in fields if other.name != item.name]
                count = len(composite.fields)
                self.assert_noticed(f"{composite.name}: {count - 1} fields, the specification has {count}")

    def test_any_removed_composite_is_noticed(self) -> None:
        whole = self.composites
        for composite in whole:
            self.composites = [other for other in whole if other is not composite]
            self.assert_noticed(f"{composite.name}: missing from the table")

    def test_every_changed_detail_is_noticed(self) -> None:
        whole = self.composites
        for detail, value in (("c_name", "x"), ("type_name", "x"), ("default", "7"), ("kind", "x")):
            self.composites = copy.deepcopy(whole)
            setattr(self.composite("open").fields[2], detail, value)
            self.assert_noticed("open.max-frame-size: ")
        self.composites = copy.deepcopy(whole)
        self.composite("open").fields[0].mandatory = False
        self.assert_noticed("open.container-id: mandatory")
        self.composites = copy.deepcopy(whole)
        self.composite("open").fields[:2] = reversed(self.composite("open").fields[:2])
        self.assert_noticed("open.container-id: name is 'hostname'")
        self.composites = copy.deepcopy(whole)
        self.composite("open").code = 0x11
        self.assert_noticed("open: descriptor")

    def test_changed_choices_are_noticed(self) -> None:
        self.choices["sasl-code"] = "ok auth sys sys-temp sys-perm"
        self.assert_noticed("sasl-code: choices")
        del self.choices["sasl-code"]
        self.assert_noticed("sasl-code: choices []")


if __name__ == "__main__":
    unittest.main()
