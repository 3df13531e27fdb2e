#!/usr/bin/env python3
"""The library's binary interface is what this folder says it is.

    tests/abi/check.py --work FOLDER [--tool PROGRAM] [--renew]

symbols.txt           every exported symbol and its version. The shared library, the headers' AMQPC_API declarations and
                      lib/libamqpcodec.map must have the same.
layout.def            size, alignment and offsets of every public struct on 64-bit machines, and every public constant, as made
                      from the headers; layout_test.c compares it with the compiler's.
libamqpcodec.abixml   the whole interface as libabigail sees it (x86-64); abidiff compares.

--renew writes the three files; look at their differences before they are committed. --tool: hardening-check looks at the program.
Needs cffi (tests/lint/requirements.txt), binutils, abigail-tools, devscripts.
"""

import argparse
import difflib
import platform
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "bindings/python"))

import cdef  # noqa: E402
import cffi  # noqa: E402

INCLUDE = ROOT / "include"
ABI_XML = HERE / "libamqpcodec.abixml"


def run(*command: "str | Path") -> str:
    """Runs a command to success and gives what it printed."""
    result = subprocess.run(
        [str(part) for part in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if result.returncode != 0:
        raise SystemExit(f"{' '.join(map(str, command))}\nexited with {result.returncode}:\n{result.stdout}")
    return result.stdout


def build_library(work: Path) -> Path:
    """The shared library as packages have it, with debugging information."""
    run("cmake", "-S", ROOT, "-B", work, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DCMAKE_C_COMPILER=gcc",
        f"-DCMAKE_C_FLAGS=-fdebug-prefix-map={ROOT}=.", # so that the baseline names no folder of the machine
        "-DAMQPCODEC_BUILD_TESTS=OFF", "-DAMQPCODEC_BUILD_TOOLS=OFF", "-DAMQPCODEC_BUILD_STATIC=OFF")  # fmt: skip
    run("cmake", "--build", work, "-j2")
    return (work / "lib/libamqpcodec.so").resolve()


# --- Symbols.


def exported_symbols(library: Path) -> list[str]:
    """`NAME VERSION` of every symbol that the library defines for others; a version's own symbol is left out."""
    symbols = []
    for line in run("nm", "--dynamic", "--defined-only", "--with-symbol-versions", library).splitlines():
        _, kind, name = line.split()
        if kind != "A":
            symbols.append(name.replace("@@", " "))
    return sorted(symbols)


def declared_functions() -> list[str]:
    texts = [re.sub(r"^[ \t]*#.*$", "", cdef.text_of(header), flags=re.M) for header in cdef.headers_in_order(INCLUDE)]
    return sorted(name for text in texts for name in re.findall(r"\bAMQPC_API\b[^;{]*?\b(\w+)\s*\(", text))


def mapped_symbols() -> list[str]:
    """`NAME VERSION` of every line of the linker's version script."""
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "lib/libamqpcodec.map").read_text(), flags=re.S)
    symbols = []
    for version, block in re.findall(r"(\w[\w.]*)\s*\{(.*?)\}", text, flags=re.S):
        exported = block.split("local:")[0].replace("global:", "")
        symbols += [f"{name} {version}" for name in re.findall(r"[\w*?]+", exported)]
    return sorted(symbols)


# --- Layout.


def public_structs(ffi: cffi.FFI) -> list[str]:
    return sorted(name for name in ffi.list_types()[0] if ffi.typeof(name).kind == "struct" and ffi.typeof(name).fields is not None)


def layout_text() -> str:
    """layout.def, from the headers alone, by cffi's knowledge of this machine's ABI."""
    ffi = cffi.FFI()
    ffi.cdef(cdef.cdef(INCLUDE))
    lines = ["/* Written by tests/abi/check.py --renew, on a 64-bit machine. */"]
    for name in public_structs(ffi):
        lines.append(f"STRUCT({name}, {ffi.sizeof(name)}, {ffi.alignof(name)})")
        for member, description in ffi.typeof(name).fields:
            lines.append(f"MEMBER({name}, {member}, {description.offset}, {ffi.sizeof(description.type)})")
    for name in sorted(ffi.list_types()[0]):
        if ffi.typeof(name).kind == "enum":
            lines += [f"CONSTANT({constant}, {value})" for value, constant in sorted(ffi.typeof(name).elements.items())]
    for header in cdef.headers_in_order(INCLUDE):
        lines += [f"CONSTANT({name}, {value})" for name, value in cdef.integer_constants(header).items()]
    return "\n".join(lines) + "\n"


# --- Checks: each gives what is wrong, in words.


def differences(name: str, wanted: list[str], found: list[str]) -> list[str]:
    lines = difflib.unified_diff(wanted, found, "tests/abi", name, lineterm="", n=0)
    return [line for line in lines if not line.startswith("@@")]


def check_symbols(library: Path, renew: bool) -> list[str]:
    exported, path = exported_symbols(library), HERE / "symbols.txt"
    if renew:
        path.write_text("\n".join(exported) + "\n")
    wanted = path.read_text().splitlines()
    names = [symbol.split()[0] for symbol in wanted]
    return [
        *differences("the library's exported symbols", wanted, exported),
        *differences("lib/libamqpcodec.map", wanted, mapped_symbols()),
        *differences("declarations with AMQPC_API", names, declared_functions()),
        *[f"{name} does not begin with amqpc_" for name in names if not name.startswith("amqpc_")],
    ]


def check_layout(renew: bool) -> list[str]:
    if sys.maxsize < 2**32:
        return []
    path, text = HERE / "layout.def", layout_text()
    if renew:
        path.write_text(text)
    return differences("the headers", path.read_text().splitlines(), text.splitlines())


def check_interface(library: Path, work: Path, renew: bool) -> list[str]:
    if platform.machine() != "x86_64":
        print("abidiff: the baseline is for x86-64 only")
        return []
    options = ["--headers-dir", INCLUDE, "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs", "--drop-private-types",
               "--exported-interfaces-only"]
    if renew:
        run("abidw", *options, "--out-file", ABI_XML, library)
    new = work / "libamqpcodec.abixml"
    run("abidw", *options, "--out-file", new, library)
    result = subprocess.run(["abidiff", ABI_XML, new], text=True, capture_output=True, check=False)
    return [] if result.returncode == 0 else ["abidiff:", *(result.stdout + result.stderr).splitlines()]


def start_up_code_is_protected(work: Path) -> bool:
    """Whether programs of this system can have control-flow protection: the linker drops it where the C library's start-up objects
    lack it, as Debian's do."""
    source, program = work / "empty.c", work / "empty"
    source.write_text("int main(void) { return 0; }\n")
    compiled = subprocess.run(["gcc", "-fcf-protection", source, "-o", program], capture_output=True, check=False)
    return compiled.returncode == 0 and "SHSTK" in run("readelf", "-n", program)


def check_hardening(tool: Path, work: Path) -> list[str]:
    command = ["hardening-check", tool]
    if not start_up_code_is_protected(work):
        print("hardening-check: no control-flow protection, because this system's start-up code has none")
        command.insert(1, "--nocfprotection")
    result = subprocess.run(command, text=True, capture_output=True, check=False)
    return [] if result.returncode == 0 else ["hardening-check:", *(result.stdout + result.stderr).splitlines()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="a folder to build in")
    parser.add_argument("--tool", type=Path, help="a program for hardening-check")
    parser.add_argument("--renew", action="store_true", help="write the files")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    library = build_library(work)
    checks = {
        "symbols": check_symbols(library, arguments.renew),
        "layout": check_layout(arguments.renew),
        "interface": check_interface(library, work, arguments.renew),
    }
    if arguments.tool:
        checks["hardening"] = check_hardening(arguments.tool, work)
    for name, faults in checks.items():
        print(f"{'FAILED' if faults else 'ok':8}{name}")
        print("".join(f"    {fault}\n" for fault in faults), end="")
    failed = any(checks.values())
    if failed:
        print("Where the change is meant: tests/abi/check.py --renew, and lib/libamqpcodec.map. See docs/contributing.md.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
