#!/usr/bin/env python3
"""Writes the C source of the module amqpcodec._native, from the public headers and native/crossing.h.

    build_native.py INCLUDE OUTPUT      INCLUDE: the folder that has amqpcodec/amqpcodec.h

CMakeLists.txt runs it with the interpreter that the module is for.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import cdef
import cffi

HERE = Path(__file__).resolve().parent
CROSSING = HERE / "native/crossing.h"
MODULE = "amqpcodec._native"

# The functions that wait, and so release the GIL: those that take a time-out, these, and crossing_wait_*. Every other one keeps
# it: a release for each call hands up to 5 ms to any thread that is busy in Python, and none of them takes longer than the work
# that it was called for. A call that shall not wait, and so keep the GIL, has a function crossing_* that passes the time-out 0.
WAITING = ("amqpc_client_free",)
PREAMBLE = """#include <amqpcodec/amqpcodec.h>

#include "crossing.h"
"""
GLUE = re.compile(r"^_cffi_f_(\w+)\(PyObject", re.MULTILINE)
RELEASE = re.compile(r"^ *Py_(BEGIN|END)_ALLOW_THREADS\n", re.MULTILINE)


def declarations(include: Path) -> str:
    """All that Python sees, for ffi.cdef."""
    constants = "".join(f"#define {name} {value}\n" for name, value in cdef.integer_constants(CROSSING).items())
    return cdef.cdef(include) + "\n" + constants + cdef.declarations(CROSSING)


def waiting_functions(declared: str) -> set[str]:
    """The names of those that wait."""
    functions = re.findall(r"\b((?:amqpc|crossing)_\w+)\(([^;]*?)\)[^;()]*;", declared)
    return {name for name, parameters in functions if "timeout_ms" in parameters or name.startswith("crossing_wait_")}.union(WAITING)


def keep_the_gil(source: str, waiting: set[str]) -> str:
    """cffi's glue for CPython with the release of the GIL left out of all functions but those that wait."""
    first, *rest = re.split(r"(?=^_cffi_f_\w+\(PyObject)", source, flags=re.MULTILINE)
    parts = [first]
    for part in rest:
        found = GLUE.match(part)
        assert found is not None
        parts.append(part if found.group(1) in waiting else RELEASE.sub("", part))
    return "".join(parts)


def native_source(include: Path, work: Path) -> str:
    """The module's C source. cffi writes it to a file only, which `work` holds."""
    ffi = cffi.FFI()
    declared = declarations(include)
    ffi.cdef(declared)
    ffi.set_source(MODULE, PREAMBLE)
    emitted = work / "native_emitted.c"
    ffi.emit_c_code(str(emitted))
    return keep_the_gil(emitted.read_text(), waiting_functions(declared))


def main() -> int:
    include, output = Path(sys.argv[1]), Path(sys.argv[2])
    source = native_source(include, output.parent)
    if not output.exists() or output.read_text() != source:
        output.write_text(source)
    return 0


if __name__ == "__main__":
    sys.exit(main())
