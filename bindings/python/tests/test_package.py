"""The package as a whole: what it is made of, what it exports, and that its parts belong together."""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import amqpcodec
import build_native
import cdef
import pytest
from amqpcodec._crossing import library_version
from amqpcodec._native import ffi, lib

HERE = Path(__file__).resolve().parent
BINDING = HERE.parent
STAGED = BINDING / "libamqpcodec"  # of a source distribution
INCLUDE = (STAGED if STAGED.exists() else BINDING.parent.parent) / "include"
NATIVE = sorted((BINDING / "native").glob("*.[ch]"))
MODULE = Path(sys.modules["amqpcodec._native"].__file__ or "")


def test_one_version_is_said_everywhere() -> None:
    project = re.search(r'^version = "([^"]+)"', (BINDING / "pyproject.toml").read_text(), flags=re.MULTILINE)
    header = re.search(r'AMQPC_VERSION +"([^"]+)"', (INCLUDE / "amqpcodec/version.h").read_text())
    assert project is not None
    assert header is not None
    assert amqpcodec.__version__ == project.group(1) == header.group(1) == library_version()


def test_module_declares_what_the_headers_declare() -> None:
    """The module that runs is as fresh as the headers: functions, constants and enumerators, no less and no more."""
    declared = build_native.declarations(INCLUDE)
    functions = set(re.findall(r"\b((?:amqpc|crossing)_\w+)\([^;]*\)[^;()]*;", declared))
    constants = set(re.findall(r"^#define (\w+)", declared, flags=re.MULTILINE))
    enumerators = {name for body in re.findall(r"\benum\b\s*\w*\s*\{([^}]*)\}", declared) for name in re.findall(r"\b((?:AMQPC|CROSSING)_\w+)", body)}
    assert len(functions) > 250
    assert set(dir(lib)) == functions | constants | enumerators


def test_structs_of_the_module_have_the_members_of_the_headers() -> None:
    """A member that a header gained is there for Python."""
    declared = build_native.declarations(INCLUDE)
    structs = re.findall(r"typedef struct (amqpc_\w+) \{([^{}]*)\} \1;", declared)
    assert len(structs) > 60
    for name, body in structs:
        members = [re.sub(r"\[.*", "", part).split()[-1].lstrip("*") for part in body.split(";") if part.strip() and "(" not in part]
        fields = ffi.typeof(name).fields
        assert [member for member, _ in fields if member in members] == members, name


def test_constants_are_those_of_the_headers() -> None:
    for header in cdef.headers_in_order(INCLUDE):
        for name, value in cdef.integer_constants(header).items():
            assert getattr(lib, name) == value, name


def test_binding_includes_public_headers_only() -> None:
    standard = {"assert", "errno", "limits", "math", "pthread", "stdatomic", "stdbool", "stddef", "stdint", "stdio", "stdlib", "string", "time"}
    public = {f"amqpcodec/{path.name}" for path in (INCLUDE / "amqpcodec").glob("*.h")}
    own = {path.name for path in NATIVE}
    for path in NATIVE:
        for opening, name in re.findall(r'^ *# *include +([<"])([^>"]+)[>"]', path.read_text(), flags=re.MULTILINE):
            if opening == '"':
                assert name in own, f"{path.name} includes {name}"
            else:
                assert name in public or name[:-2] in standard, f"{path.name} includes {name}"


def test_native_code_uses_nothing_of_pythons_c_api() -> None:
    for path in NATIVE:
        code = re.sub(r"/\*.*?\*/|//[^\n]*", " ", path.read_text(), flags=re.DOTALL)
        assert re.findall(r"\b_?Py[A-Z_]\w*|Python\.h", code) == [], path.name


@pytest.mark.skipif(shutil.which("nm") is None, reason="nm of the binutils is not there")
def test_module_exports_its_entry_alone() -> None:
    """Two packages may have the library linked in, in different versions: neither finds the other's functions."""
    told = subprocess.run(["nm", "-D", "--defined-only", "--format=posix", MODULE], capture_output=True, text=True, check=True).stdout
    names = {line.split()[0].partition("@")[0] for line in told.splitlines()} - {"_init", "_fini", "_edata", "_end", "__bss_start"}
    assert names == {"PyInit__native"} if platform.python_implementation() == "CPython" else names == {"_cffi_pypyinit__native"}


def released_functions(source: str) -> set[str]:
    """The functions whose glue in C source for CPython releases the GIL."""
    parts = re.split(r"^_cffi_f_(\w+)\(PyObject", source, flags=re.MULTILINE)
    return {name for name, body in zip(parts[1::2], parts[2::2]) if "Py_BEGIN_ALLOW_THREADS" in body}


def test_only_functions_that_wait_release_the_gil(tmp_path: Path) -> None:
    source = build_native.native_source(INCLUDE, tmp_path)
    released = released_functions(source)
    assert {"amqpc_client_wait_open", "amqpc_client_close", "amqpc_sender_send", "amqpc_receiver_receive", "amqpc_client_free"} <= released
    assert not released & {"amqpc_value_decode", "amqpc_connection_receive", "amqpc_client_process", "crossing_version"}
    others = {name for name in released if not name.startswith("crossing_wait_")}
    declared = build_native.declarations(INCLUDE)
    for name in others - set(build_native.WAITING):
        assert re.search(rf"\b{name}\([^;]*timeout_ms", declared), f"{name} releases the GIL and does not wait"
    assert source.count("Py_BEGIN_ALLOW_THREADS") == source.count("Py_END_ALLOW_THREADS") == len(released)


def test_statuses_are_those_of_the_library() -> None:
    for status in amqpcodec.Status:
        assert ffi.string(lib.amqpc_status_name(status)).decode() == status.name
        assert ffi.string(lib.amqpc_status_text(status)).decode() == status.text
        assert ffi.string(lib.amqpc_status_condition(status)).decode() == (status.condition or "")


def test_status_of_a_newer_library_is_a_failure() -> None:
    assert amqpcodec.Status.of(99999) is amqpcodec.Status.SYSTEM_ERROR


def test_command_is_the_program_of_the_package() -> None:
    code = "import sys; from amqpcodec._command import main; sys.argv = ['amqpcodec', '--version']; main()"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.split() == ["amqpcodec", library_version()]


def test_importing_does_not_import_what_few_programs_need() -> None:
    program = "import sys; before = set(sys.modules); import amqpcodec; print(*set(sys.modules) - before)"
    imported = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    assert not {"typing", "logging", "decimal", "datetime", "uuid", "dataclasses", "asyncio", "pytest"}.intersection(imported)
