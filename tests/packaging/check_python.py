#!/usr/bin/env python3
"""Installs the Python package in every way that people do, and uses it.

    tests/packaging/check_python.py --work FOLDER [--prefix FOLDER] [--jobs N]

Every check is a function whose name begins with check_; those that fail are named, and the exit status says whether all held. Needs the tools of
tests/lint/requirements.txt in the environment that runs it, and pip's access to a package index. --prefix: an installed library with its
command; where there is none it is built and installed below FOLDER.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Callable

from check import run

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGE = ROOT / "bindings/python"
sys.path.insert(0, str(PACKAGE))

import run_tests  # noqa: E402

# The quick start of the package's README, and what it says that is printed: what somebody tries first.
QUICK_START = re.search(r"```python\n(.*?)```\n\n```text\n(.*?)```", (PACKAGE / "README.md").read_text(), flags=re.DOTALL)
WITH_BROKER = """
import sys
from amqpcodec import testing
with testing.Broker() as broker:
    exec(sys.argv[1].replace("amqp://localhost", broker.url))
"""
# Optimising takes most of the time. What is measured, and published, is built without this.
QUICK = ("--config-settings=cmake.define.CMAKE_C_FLAGS_RELEASE=-O0",)


class Work:
    """A folder for environments and what is installed in them, and the interpreters to use."""

    def __init__(self, folder: Path, prefix: Path | None) -> None:
        self.folder = folder
        self.interpreters = run_tests.interpreters()
        self.prefix = prefix or self.installed_library()

    def installed_library(self) -> Path:
        prefix, build = self.folder / "prefix", self.folder / "build-library"
        options = ["-DAMQPCODEC_BUILD_STATIC=OFF", "-DAMQPCODEC_BUILD_TESTS=OFF", f"-DCMAKE_INSTALL_PREFIX={prefix}"]
        run("cmake", "-S", ROOT, "-B", build, "-G", "Ninja", *options)
        run("cmake", "--build", build)
        run("cmake", "--install", build)
        return prefix

    def library(self) -> Path:
        return next(self.prefix.glob("lib*/**/libamqpcodec.so")).parent

    def first(self, implementation: str) -> str:
        """The program of the first CPython or PyPy that is here."""
        return next(program for name, program in self.interpreters.items() if name.startswith(implementation))

    def fresh(self, name: str, python: str) -> Path:
        """The folder of programs of a new environment."""
        place = self.folder / f"venv-{name}"
        shutil.rmtree(place, ignore_errors=True)
        run(python, "-m", "venv", place)
        return place / "bin"

    def install(self, name: str, python: str, *what: str | Path) -> Path:
        """A new environment with something installed by pip."""
        programs = self.fresh(name, python)
        run(programs / "python", "-m", "pip", "--disable-pip-version-check", "install", *what)
        return programs


def use(programs: Path, environment: dict[str, str] | None = None) -> None:
    """What is installed does what the README says, and its command runs. No folder of the tests is on the path."""
    assert QUICK_START is not None
    python = programs / "python"
    program, printed = QUICK_START.groups()
    assert run(python, "-I", "-W", "error", "-c", WITH_BROKER, program, env=environment, cwd=programs) == printed
    assert run(programs / "amqpcodec", "--version", env=environment).startswith("amqpcodec ")
    where = run(python, "-I", "-c", "import amqpcodec; print(amqpcodec.__file__)", env=environment).strip()
    assert Path(where).parent == site_packages(programs) / "amqpcodec", where


def site_packages(programs: Path) -> Path:
    return Path(run(programs / "python", "-I", "-c", "import sysconfig; print(sysconfig.get_paths()['platlib'])").strip())


def check_install_of_the_tree(work: Work) -> None:
    """pip install ./bindings/python, on CPython and on PyPy; the sources stay as they were."""
    for implementation in ("CPython", "PyPy"):
        programs = work.install(f"tree-{implementation}", work.first(implementation), *QUICK, PACKAGE)
        use(programs)
        package = site_packages(programs) / "amqpcodec"
        module, tool = next(package.glob("_native*.so")), package / "_tool/amqpcodec"
        assert (module.name == "_native.abi3.so") == (implementation == "CPython"), module.name
        assert (package / "py.typed").exists()
        for file in (module, tool):
            assert ".symtab" not in run("readelf", "--wide", "--sections", file), f"{file} is not stripped"
            assert "libamqpcodec" not in run("readelf", "--wide", "--dynamic", file), f"{file} needs the shared library"
    left = {path.name for path in PACKAGE.iterdir()} & {"build", "dist", "_skbuild", "amqpcodec.egg-info"}
    assert not left, f"the build left {left} in the sources"


def check_distribution(work: Work) -> None:
    """The source distribution is whole and builds by itself; its wheels have a manylinux tag, and serve the oldest and the newest CPython that is here."""
    dist = work.folder / "dist"
    shutil.rmtree(dist, ignore_errors=True)
    pythons = [work.first("CPython"), work.first("PyPy")]
    print(run(sys.executable, PACKAGE / "distribute.py", "wheel", dist, *pythons), end="")
    abi3, pypy = next(dist.glob("*-cp39-abi3-manylinux_*.whl")), next(dist.glob("*-pp*-manylinux_*.whl"))
    cpythons = sorted((name for name in work.interpreters if name.startswith("CPython")), key=lambda name: int(name.rpartition(".")[2]))
    for name in dict.fromkeys((cpythons[0], cpythons[-1])):
        use(work.install(f"wheel-{name}".replace(" ", "-"), work.interpreters[name], abi3))
        print(f"  {abi3.name} on {name}")
    programs = work.install("wheel-PyPy", work.first("PyPy"), pypy)
    use(programs)
    for file in (site_packages(programs) / "amqpcodec").glob("**/*"):
        if (file.name.startswith("_native") and file.suffix == ".so") or file.parent.name == "_tool":
            print(f"  {file.name} {file.stat().st_size:,} bytes")
    expect_whole_source_distribution(work)


def expect_whole_source_distribution(work: Work) -> None:
    """It has what building, testing and licensing need, and nothing of this machine."""
    names = run("tar", "-tzf", next((work.folder / "dist").glob("*.tar.gz"))).split()
    inside = {name.partition("/")[2] for name in names}
    wanted = {"LICENSE", "README.md", "PKG-INFO", "CMakeLists.txt", "native/crossing.h", "libamqpcodec/CMakeLists.txt", "libamqpcodec/lib/libamqpcodec.map"}
    assert wanted <= inside, wanted - inside
    tests = {f"tests/{path.name}" for path in (PACKAGE / "tests").glob("*.py")}
    assert tests <= inside, tests - inside
    strangers = [name for name in inside if re.search(r"(^|/)(build|\.git|__pycache__|\.hypothesis)(/|$)|\.(pyc|so|o)$", name)]
    assert not strangers, strangers


def check_system_library(work: Work) -> None:
    """With AMQPCODEC_SYSTEM the module uses the installed shared library; the tests hold with it, too."""
    environment = {
        "PKG_CONFIG_PATH": str(work.library() / "pkgconfig"),
        "LD_LIBRARY_PATH": str(work.library()),
        "PATH": f"{work.prefix / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    python = run_tests.environment_of(work.first("CPython"), work.folder / "python")
    site = work.folder / "system"
    shutil.rmtree(site, ignore_errors=True)
    wanted: list[str | Path] = ["--no-deps", "--target", site, "--config-settings=cmake.define.AMQPCODEC_SYSTEM=ON", PACKAGE]
    run(python, "-m", "pip", "--disable-pip-version-check", "install", *wanted, env=environment)
    assert not (site / "amqpcodec/_tool").exists(), "the command is in the package"
    assert "NEEDED" in (needed := run("readelf", "--wide", "--dynamic", next(site.glob("amqpcodec/_native*.so")))) and "libamqpcodec.so.0" in needed, needed
    environment.update(run_tests.environment(site, work.folder, quick=True, sanitize=False))
    environment.update({"LD_LIBRARY_PATH": str(work.library()), "PATH": f"{work.prefix / 'bin'}{os.pathsep}{os.environ['PATH']}"})
    print(run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-m", "not slow", env=environment, cwd=PACKAGE).splitlines()[-1])


def check_what_is_missing_is_said(work: Work) -> None:
    """Who lacks a compiler, Python's or OpenSSL's headers, or the system's library, reads what to install."""
    cases: dict[str, tuple[list[str], dict[str, str]]] = {
        "apt install gcc": ([], {"CC": "/nonexistent/cc"}),
        "apt install libssl-dev": (["-DCMAKE_DISABLE_FIND_PACKAGE_OpenSSL=ON"], {}),
        "apt install python3-dev": (["-DPython_INCLUDE_DIR=/nonexistent"], {}),
        "pkg-config does not find amqpcodec": (["-DAMQPCODEC_SYSTEM=ON"], {"PKG_CONFIG_LIBDIR": "/nonexistent"}),
    }
    for expected, (options, environment) in cases.items():
        build = work.folder / "missing"
        shutil.rmtree(build, ignore_errors=True)
        command: list[str | Path] = ["cmake", "-S", PACKAGE, "-B", build, f"-DPython_EXECUTABLE={work.first('CPython')}", *options]
        ran = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, **environment})
        assert ran.returncode != 0, f"it was configured without what {expected} brings"
        assert expected in " ".join(ran.stderr.split()), f"no word of {expected}:\n{ran.stderr}"


def holds(check: Callable[[Work], None], work: Work) -> bool:
    try:
        check(work)
    except (Exception, SystemExit):
        print(f"FAILED  {check.__name__[6:]}\n{traceback.format_exc()}", flush=True)
        return False
    print(f"ok      {check.__name__[6:]}", flush=True)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="a folder to build and install in")
    parser.add_argument("--prefix", type=Path)
    parser.add_argument("--jobs", type=int, default=1, help="checks at once")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    prefix = arguments.prefix.resolve() if arguments.prefix and arguments.prefix.exists() else None
    work = Work(arguments.work.resolve(), prefix)
    checks = [function for name, function in globals().items() if name.startswith("check_")]
    with ThreadPoolExecutor(arguments.jobs) as pool:
        held = list(pool.map(lambda check: holds(check, work), checks))
    print(f"{sum(held)} of {len(checks)} checks held")
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
