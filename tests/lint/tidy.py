#!/usr/bin/env python3
"""clang-tidy over C files, each once.

    tests/lint/tidy.py BUILD JOBS FILE...

BUILD/venv holds the tool, BUILD/lint/compile_commands.json says how the files are compiled. What passed is
remembered below BUILD/lint/tidy, under a hash of all that it depends on, and is not looked at again.
Exits with 1 where something was found.
"""

from __future__ import annotations

import functools
import hashlib
import json
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SETTINGS = (ROOT / ".clang-tidy", ROOT / "tests/lint/requirements.txt", Path(__file__))
COMPILER = "clang"
# How many states of a function the analyzer looks at: 225,000, where nothing is said. Of tests, a third: it takes half of their time.
SHIPPED = (ROOT / "lib", ROOT / "bindings")
FEWER_STATES = ("-Xclang", "-analyzer-config", "-Xclang", "max-nodes=75000")


def how_compiled(database: Path) -> dict[Path, list[str]]:
    """The compiler's arguments for each file, without the output and the file itself.

    Many files are compiled more than once: fixtures into each test, the engine with planted bugs again. Once is
    enough, and within one process the analyzer takes what it knows of a va_list from the first time to the second.
    """
    commands: dict[Path, list[str]] = {}
    entries = json.loads(database.read_text())
    for entry in sorted(entries, key=lambda entry: "-DAMQPCODEC_PLANTED_BUG" in entry["command"]):
        arguments = shlex.split(entry["command"])[1:]
        output = arguments.index("-o")
        del arguments[output : output + 2]
        file = Path(entry["file"])
        fewer = [] if any(folder in file.parents for folder in SHIPPED) else FEWER_STATES
        commands.setdefault(file, [*arguments[: arguments.index("-c")], *fewer])
    return commands


@functools.cache
def content_hash(path: str) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def state(file: Path, arguments: list[str]) -> str | None:
    """A hash of the file, what it includes, the arguments and the settings; None where it does not compile."""
    made = subprocess.run([COMPILER, *arguments, "-M", file], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return None
    # OBJECT: FILE HEADER..., with a backslash before each end of a line
    depends = made.stdout.partition(":")[2].replace("\\\n", " ").split()
    parts = [*arguments, *map(content_hash, [*map(str, SETTINGS), *depends]), *depends]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class Tidy:
    def __init__(self, build: Path) -> None:
        self.tool = build / "venv/bin/clang-tidy"
        self.commands = how_compiled(build / "lint/compile_commands.json")
        self.passed = build / "lint/tidy"
        self.passed.mkdir(exist_ok=True)
        resources = subprocess.run([COMPILER, "-print-resource-dir"], capture_output=True, text=True, check=True)
        self.headers = f"-isystem{resources.stdout.strip()}/include"  # the tool comes without the compiler's own

    def check(self, file: Path) -> str:
        """What is wrong with the file, in the tool's words; empty where nothing is."""
        arguments = self.commands[file]
        key = state(file, arguments)
        if key is not None and (self.passed / key).exists():
            return ""
        ran = subprocess.run(
            [self.tool, "--quiet", file, "--", *arguments, self.headers], capture_output=True, text=True, check=False, cwd=ROOT
        )
        if ran.returncode != 0:
            return ran.stdout or ran.stderr or f"{file}: clang-tidy ended with {ran.returncode}\n"
        if key is not None:
            (self.passed / key).touch()
        return ran.stdout


def main() -> int:
    build = Path(sys.argv[1]).resolve()
    tidy = Tidy(build)
    files = [Path(name).resolve() for name in sys.argv[3:]]
    found = 0
    with ThreadPoolExecutor(int(sys.argv[2])) as pool:
        for told in pool.map(tidy.check, files):
            found += told != ""
            print(told, end="", flush=True)
    print(f"{len(files)} files, {found} with findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
