#!/usr/bin/env python3
"""Makes the package importable without installing it, for those who work on it.

    develop.py [PYTHON] [--build-dir FOLDER] [--sanitize]

Builds the library once below FOLDER/python/library (FOLDER: build), and the module for the interpreter, and puts links to both and to the
sources into FOLDER/python/TAG (TAG: cp311, pp39), whose name is printed: it goes into PYTHONPATH. What is up to date is not built again.
--sanitize: the same with AddressSanitizer, in FOLDER/python-asan. PYTHON, by default the one that runs this, needs cffi and its C headers.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ASK = """
import platform, sys, sysconfig
print(("pp" if platform.python_implementation() == "PyPy" else "cp") + "%d%d" % sys.version_info[:2])
import cffi
"""
SANITIZERS = "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"


def run(*command: str | Path) -> None:
    """Runs a command to success; what it says is shown only where it fails."""
    ran = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if ran.returncode != 0:
        sys.exit(f"{ran.stdout}\ndevelop.py: {' '.join(map(str, command))} failed")


def tag_of(python: str) -> str:
    """cp311, pp39: what the interpreter is."""
    asked = subprocess.run([python, "-c", ASK], capture_output=True, text=True, check=False)
    if asked.returncode != 0:
        sys.exit(f"develop.py: {python} cannot be used: {asked.stderr.strip().splitlines()[-1:]}")
    return asked.stdout.strip()


def has_cffi(python: str) -> bool:
    return subprocess.run([python, "-c", "import cffi"], capture_output=True, check=False).returncode == 0


def cached_python(module: Path) -> str | None:
    """The interpreter that a module's folder was configured for; None for none that can still be used."""
    cache = module / "CMakeCache.txt"
    found = re.search(r"^Python_EXECUTABLE:\w+=(.*)$", cache.read_text(), flags=re.MULTILINE) if cache.exists() else None
    if found is None or shutil.which(found.group(1)) is None or not has_cffi(found.group(1)):
        shutil.rmtree(module, ignore_errors=True)
        return None
    return found.group(1)


def build(folder: Path, python: str, tag: str, flags: list[str]) -> Path:
    """The library and the module; gives the module's build folder."""
    library, module = folder / "library", folder / f"module-{'abi3' if tag.startswith('cp') else tag}"
    common = ["-G", "Ninja", "-DAMQPCODEC_WARNINGS_AS_ERRORS=ON", *flags]
    wanted = ["-DAMQPCODEC_BUILD_SHARED=OFF", "-DAMQPCODEC_BUILD_TESTS=OFF", "-DAMQPCODEC_TOOLS_JSON=OFF"]
    run("cmake", "-S", ROOT, "-B", library, *common, *wanted)
    run("cmake", "--build", library)
    # One module serves every CPython, so it stays with the one that it was built by first, as long as that is there.
    built_by = cached_python(module) or python
    run("cmake", "-S", HERE, "-B", module, *common, f"-DPython_EXECUTABLE={built_by}", f"-DAMQPCODEC_BUILT={library}",
        "-DAMQPCODEC_FAILING=ON")  # fmt: skip
    run("cmake", "--build", module)
    return module


def link(place: Path, target: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(os.path.relpath(target, place.parent))


def entry_points() -> str:
    """The tables of pyproject.toml that pytest and others read, as entry_points.txt has them."""
    text = (HERE / "pyproject.toml").read_text()
    lines = []
    for table, body in re.findall(r"^\[project\.([a-z.\-\"0-9]+)\]\n(.*?)(?=^\[|\Z)", text, flags=re.MULTILINE | re.DOTALL):
        if table == "scripts" or table.startswith("entry-points."):
            group = "console_scripts" if table == "scripts" else table.split(".", 1)[1].strip('"')
            lines.append(f"[{group}]\n{body.replace(chr(34), '')}")
    return "\n".join(lines)


def assemble(place: Path, module: Path, library: Path) -> None:
    """The package as links, with what pip would write beside it."""
    package = place / "amqpcodec"
    shutil.rmtree(place, ignore_errors=True)
    source = HERE / "src/amqpcodec"
    for path in sorted(source.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            link(package / path.relative_to(source), path)
    native = next(module.glob("_native.*so"))
    link(package / native.name, native)
    link(package / "_tool/amqpcodec", library / "lib/tools/amqpcodec")
    link(place / "failing" / native.name, next((module / "failing").glob("_native.*so")))  # for tests/failing_allocations.py
    version = re.search(r'^version = "([^"]+)"', (HERE / "pyproject.toml").read_text(), flags=re.MULTILINE)
    assert version is not None
    info = place / f"amqpcodec-{version.group(1)}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: amqpcodec\nVersion: {version.group(1)}\n")
    (info / "entry_points.txt").write_text(entry_points())


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("python", nargs="?", default=sys.executable)
    parser.add_argument("--build-dir", type=Path, default=Path(os.environ.get("AMQPCODEC_BUILD_DIR", ROOT / "build")))
    parser.add_argument("--sanitize", action="store_true")
    arguments = parser.parse_args()
    python = shutil.which(arguments.python)
    if python is None:
        sys.exit(f"develop.py: there is no {arguments.python}")
    python = os.path.abspath(python)  # CMake takes another where the path is relative; links are kept, as environments are made of them
    folder = arguments.build_dir.resolve() / ("python-asan" if arguments.sanitize else "python")
    flags = ["-DCMAKE_BUILD_TYPE=Debug", f"-DCMAKE_C_FLAGS={SANITIZERS}"] if arguments.sanitize else ["-DCMAKE_BUILD_TYPE=Release"]
    tag = tag_of(python)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:  # several interpreters' tests may run at once
        fcntl.flock(lock, fcntl.LOCK_EX)
        module = build(folder, python, tag, flags)
        assemble(folder / tag, module, folder / "library")
    print(folder / tag)
    return 0


if __name__ == "__main__":
    sys.exit(main())
