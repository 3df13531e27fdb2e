"""The public headers as cffi's cdef parser takes them: without preprocessor lines and the macros of export.h."""

import re
from pathlib import Path

MACROS = ("AMQPC_API", "AMQPC_CHECK", "AMQPC_BEGIN_DECLS", "AMQPC_END_DECLS")
STRING_CONSTANTS = {"AMQPC_VERSION"}


def text_of(header: Path) -> str:
    """A header without its comments and continued lines."""
    text = re.sub(r"/\*.*?\*/", " ", header.read_text(), flags=re.S)
    return text.replace("\\\n", " ")


def headers_in_order(include: Path) -> list[Path]:
    """Every public header, each behind those that it includes."""
    ordered: list[Path] = []

    def visit(header: Path) -> None:
        if header in ordered:
            return
        for name in re.findall(r"#include <(amqpcodec/[a-z_]+\.h)>", header.read_text()):
            visit(include / name)
        ordered.append(header)

    for header in sorted((include / "amqpcodec").glob("*.h")):
        visit(header)
    return ordered


def declarations(header: Path) -> str:
    """What a header declares."""
    text = re.sub(r"^[ \t]*#.*$", "", text_of(header), flags=re.M)
    return re.sub(r"\b(" + "|".join(MACROS) + r")\b", "", text)


def integer_constants(header: Path) -> dict[str, int]:
    """The integers that a header defines by #define. Any other definition is an error: bindings could not have it."""
    constants: dict[str, int] = {}
    for name, rest in re.findall(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(.*)$", text_of(header), flags=re.M):
        body = rest.strip()
        if name in MACROS or name in STRING_CONSTANTS or body == "":  # empty: an include guard
            continue
        if not re.fullmatch(r"[0-9a-fA-FxuUlL<|() -]+", body):
            raise ValueError(f"{header.name}: {name} is neither an integer nor one of {', '.join(MACROS)}: {body}")
        constants[name] = int(eval(re.sub(r"(?<=[0-9a-fA-F])[uUlL]+", "", body), {"__builtins__": {}}))
    return constants


def cdef(include: Path) -> str:
    """All public headers, for ffi.cdef."""
    parts = []
    for header in headers_in_order(include):
        parts += [f"#define {name} {value}" for name, value in integer_constants(header).items()]
        parts.append(declarations(header))
    return "\n".join(parts)
