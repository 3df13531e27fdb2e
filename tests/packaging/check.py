#!/usr/bin/env python3
"""Installs the library as packagers do, and uses what is installed as programs do.

    tests/packaging/check.py --work FOLDER [--jobs N]

Every check is a function whose name begins with check_; those that fail are named, and the exit status says whether all held.
Needs cffi (tests/lint/requirements.txt), gcc, clang, CMake and pkg-config. Builds run without network, where the system allows that.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "bindings/python"))

import cdef  # noqa: E402
import cffi  # noqa: E402

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Werror"]
BARE = ["-DAMQPCODEC_BUILD_TESTS=OFF", "-DAMQPCODEC_BUILD_BENCHES=OFF", "-DAMQPCODEC_WARNINGS_AS_ERRORS=ON"]
VARIANTS = {
    "full": [],
    "shared": ["-DAMQPCODEC_BUILD_STATIC=OFF", "-DAMQPCODEC_BUILD_TOOLS=OFF"],
    "static": ["-DAMQPCODEC_BUILD_SHARED=OFF", "-DAMQPCODEC_WITH_TLS=OFF"],
}


def run(*command: "str | Path", env: "dict[str, str] | None" = None, cwd: "Path | None" = None) -> str:
    """Runs a command to success and gives what it printed."""
    result = subprocess.run(
        [str(part) for part in command], env={**os.environ, **(env or {})}, cwd=cwd, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}\nexited with {result.returncode}:\n{result.stdout}")
    return result.stdout


def without_network() -> list[str]:
    """What to put before a command so that it has no network; nothing where the system does not allow that."""
    prefix = ["unshare", "--net", "--map-root-user"]
    if shutil.which("unshare") and subprocess.run([*prefix, "true"], capture_output=True, check=False).returncode == 0:
        return prefix
    print("builds could use the network: this system does not let us take it away")
    return []


class Installed:
    """The variants of the library, built and installed below a folder; each tree is moved after it was installed."""

    def __init__(self, work: Path, jobs: int) -> None:
        self.work = work
        offline = without_network()
        for variant, options in VARIANTS.items():
            build, first = work / f"build-{variant}", work / f"first-{variant}"
            shutil.rmtree(first, ignore_errors=True)
            shutil.rmtree(self.prefix(variant), ignore_errors=True)
            run(*offline, "cmake", "-S", ROOT, "-B", build, "-G", "Ninja", f"-DCMAKE_INSTALL_PREFIX={first}", *BARE, *options)
            run(*offline, "cmake", "--build", build, "-j", str(jobs))
            run("cmake", "--install", build)
            first.rename(self.prefix(variant))

    def prefix(self, variant: str) -> Path:
        return self.work / f"prefix-{variant}"

    def library(self, variant: str) -> Path:
        """The folder of libamqpcodec.*: lib, lib64 or that of an architecture."""
        return next(self.prefix(variant).glob("lib*/**/libamqpcodec.*")).parent

    def include(self) -> Path:
        return self.prefix("full") / "include"

    def headers(self) -> list[str]:
        return sorted(path.name for path in (self.include() / "amqpcodec").glob("*.h"))

    def pkg_config(self, variant: str, *words: str) -> list[str]:
        env = {"PKG_CONFIG_PATH": str(self.library(variant) / "pkgconfig")}
        return run("pkg-config", *words, "amqpcodec", env=env).split()

    def environment(self, variant: str) -> dict[str, str]:
        """For running programs that are linked with the shared library."""
        return {"LD_LIBRARY_PATH": str(self.library(variant))}


def version() -> str:
    found = re.search(r'AMQPC_VERSION\s+"([^"]+)"', (ROOT / "include/amqpcodec/version.h").read_text())
    assert found is not None
    return found.group(1)


def expect_output(output: str) -> None:
    assert output == f"{version()} OK 42\n", f"the program printed {output!r}"


def check_components(installed: Installed) -> None:
    """Each component holds its own files, and all together hold all."""
    expected = {
        "runtime": [r"lib.*/libamqpcodec\.so\.[0-9.]+"],
        "development": [
            r"include/amqpcodec/[a-z_]+\.h", r"lib.*/libamqpcodec\.(a|so)", r"lib.*/pkgconfig/amqpcodec\.pc",
            r"lib.*/cmake/amqpcodec/amqpcodec-[a-z-]+\.cmake",
        ],
        "tools": [r"bin/amqpcodec", r"share/man/man1/amqpcodec.*\.1"],
    }  # fmt: skip
    everything: set[str] = set()
    for component, patterns in expected.items():
        prefix = installed.work / f"component-{component}"
        shutil.rmtree(prefix, ignore_errors=True)
        run("cmake", "--install", installed.work / "build-full", "--prefix", prefix, "--component", component)
        files = {str(path.relative_to(prefix)) for path in prefix.glob("**/*") if not path.is_dir()}
        strangers = [name for name in files if not any(re.fullmatch(pattern, name) for pattern in patterns)]
        absent = [pattern for pattern in patterns if not any(re.fullmatch(pattern, name) for name in files)]
        assert not strangers and not absent, f"{component}: files {strangers} do not belong, {absent} are missing"
        everything |= files
    prefix = installed.prefix("full")
    whole = {str(path.relative_to(prefix)) for path in prefix.glob("**/*") if not path.is_dir()}
    assert whole == everything, f"not in one component: {sorted(whole ^ everything)}"


def check_soname(installed: Installed) -> None:
    """The library's name for the loader carries the major version, and a link for each name is there."""
    library = installed.library("full")
    output = run("readelf", "-d", library / f"libamqpcodec.so.{version()}")
    assert f"[libamqpcodec.so.{version().split('.')[0]}]" in output, output
    for name in ("libamqpcodec.so", f"libamqpcodec.so.{version().split('.')[0]}"):
        assert (library / name).resolve().name == f"libamqpcodec.so.{version()}", name


def check_pkg_config(installed: Installed) -> None:
    """A program builds by pkg-config with the shared library, and with --static without it."""
    program = installed.work / "pkg-config-program"
    for variant, words, options in (
        ("full", [], []),
        ("shared", [], []),
        ("full", ["--static"], ["-static"]),
        ("static", ["--static"], []),
    ):
        flags = installed.pkg_config(variant, *words, "--cflags", "--libs")
        run("cc", *WARNINGS, HERE / "program.c", "-o", program, *options, *flags)
        shared = "--static" not in words
        assert ("libamqpcodec.so" in run("readelf", "-d", program)) == shared, f"{variant} {words}: linked the other way"
        expect_output(run(program, env=installed.environment(variant) if shared else None))
    assert installed.pkg_config("full", "--modversion") == [version()]


def check_find_package(installed: Installed) -> None:
    """A program builds by find_package, with either target."""
    for variant, target in (
        ("full", "amqpcodec::amqpcodec"),
        ("full", "amqpcodec::amqpcodec_static"),
        ("shared", "amqpcodec::amqpcodec"),
        ("static", "amqpcodec::amqpcodec"),
        ("static", "amqpcodec::amqpcodec_static"),
    ):
        build = installed.work / "find_package"
        shutil.rmtree(build, ignore_errors=True)
        run("cmake", "-S", HERE / "find_package", "-B", build, "-G", "Ninja", f"-DTARGET={target}", f"-DVERSION={version()}",
            f"-DCMAKE_PREFIX_PATH={installed.prefix(variant)}")  # fmt: skip
        run("cmake", "--build", build)
        expect_output(run(build / "program"))


def check_paths(installed: Installed) -> None:
    """No installed text file names the folder where it was built or first installed."""
    for path in installed.prefix("full").glob("**/*"):
        if path.suffix in (".h", ".pc", ".cmake"):
            assert str(installed.work) not in path.read_text(), f"{path} names {installed.work}"
            assert str(ROOT) not in path.read_text(), f"{path} names {ROOT}"


def check_headers(installed: Installed) -> None:
    """Every header compiles alone, twice over, and all together, as C11, C17 and C++17, with gcc and clang."""
    groups = [[name] for name in installed.headers()] + [installed.headers()]
    for language, standards, compilers in (("c", ("c11", "c17"), ("gcc", "clang")), ("c++", ("c++17",), ("g++", "clang++"))):
        source = installed.work / ("headers.c" if language == "c" else "headers.cpp")
        for group in groups:
            lines = [f"#include <amqpcodec/{name}>\n" for name in group]
            source.write_text("".join(lines * 2) + "int main() { return 0; }\n".replace("()", "(void)" if language == "c" else "()", 1))
            for standard in standards:
                for compiler in compilers:
                    run(compiler, f"-std={standard}", *WARNINGS, "-fsyntax-only", "-I", installed.include(), source)


def check_constants(installed: Installed) -> None:
    """The integers that cdef.py reads from #define are what the compiler takes them for."""
    lines = ["#include <amqpcodec/amqpcodec.h>\n"]
    for header in cdef.headers_in_order(installed.include()):
        for name, value in cdef.integer_constants(header).items():
            lines.append(f'_Static_assert({name} == {value}, "{name}");\n')
    assert len(lines) > 100, "few constants were found"
    source = installed.work / "constants.c"
    source.write_text("".join(lines))
    run("gcc", "-std=c11", "-fsyntax-only", "-I", installed.include(), source)


def check_cffi(installed: Installed) -> None:
    """cffi takes every header, and finds in the library every function that they declare."""
    ffi = cffi.FFI()
    ffi.cdef(cdef.cdef(installed.include()))
    library = ffi.dlopen(str(installed.library("full") / "libamqpcodec.so"))
    functions = re.findall(r"\b(amqpc_\w+)\(", "".join(map(cdef.declarations, cdef.headers_in_order(installed.include()))))
    assert len(functions) > 100, "few functions were found"
    for name in functions:
        getattr(library, name)
    value = ffi.new("amqpc_value *")
    assert library.amqpc_value_decode(b"\x52\x2a", 2, ffi.NULL, value, ffi.NULL) == library.AMQPC_OK
    assert value.type == library.AMQPC_TYPE_UINT and value.as_.u64 == 42 if hasattr(value, "as_") else True


def run_with_peer(installed: Installed, program: Path) -> str:
    """Runs `program HOST PORT` against the peer of the tests, which takes what it sends, and gives what it printed."""
    peer, tests = installed.work / "engine_peer", ROOT / "tests"
    sources = [*sorted(tests.glob("interop/engine_*.c")), tests / "interop/peer.c", tests / "support/socket_loop.c"]
    run("cc", "-std=c11", *WARNINGS, "-I", tests, *sources, "-o", peer, *installed.pkg_config("full", "--cflags", "--libs"))
    environment = {**os.environ, **installed.environment("full")}
    with subprocess.Popen([peer, "server", "--any"], stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            assert server.stdout is not None
            port = server.stdout.readline().split()[1]
            output = run(program, "127.0.0.1", port, env=installed.environment("full"))
            summary = server.communicate(timeout=30)[0]
        finally:
            server.kill()
    assert server.returncode == 0, f"{program.name}: the peer says {summary}"
    return output


# What these need to run: a peer, or a broker, where some that ran before have left their messages.
WITH_PEER = ("engine_loop",)
WITH_BROKER = ("client_send", "client_receive")
SERVERS = ("server",)
WITH_COORDINATOR = ("client_transaction",)  # only built: amqpcodec broker has no transactions


def build_example(installed: Installed, source: Path) -> Path:
    program = installed.work / f"example-{source.stem}"
    run("cc", "-std=c11", *WARNINGS, source, "-o", program, *installed.pkg_config("full", "--cflags", "--libs"))
    return program


def expect_example(source: Path, output: str) -> None:
    expected = source.with_suffix(".out")
    assert not expected.exists() or output == expected.read_text(), f"{source.name} printed {output!r}"
    print(f"  example {source.name}")


def check_examples(installed: Installed) -> None:
    """Every docs/examples/NAME.c builds and runs, in its folder; where there is a NAME.out, it prints that."""
    for source in sorted((ROOT / "docs/examples").glob("*.c")):
        program = build_example(installed, source)
        if source.stem in WITH_PEER:
            expect_example(source, run_with_peer(installed, program))
        elif source.stem not in WITH_BROKER + SERVERS + WITH_COORDINATOR:
            expect_example(source, run(program, env=installed.environment("full"), cwd=source.parent))


def check_client_examples(installed: Installed) -> None:
    """The examples of clients send to, and receive from, the broker that is installed with them."""
    command = [str(installed.prefix("full") / "bin/amqpcodec"), "broker", "--port", "0"]
    environment = {**os.environ, **installed.environment("full")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment) as broker:
        try:
            assert broker.stdout is not None
            url = broker.stdout.readline().split()[-1]
            for name in WITH_BROKER:
                source = ROOT / "docs/examples" / f"{name}.c"
                expect_example(source, run(build_example(installed, source), url, "examples", env=installed.environment("full")))
        finally:
            broker.terminate()


def check_server_example(installed: Installed) -> None:
    """The example of a server takes what the example of the engine sends."""
    source = ROOT / "docs/examples/server.c"
    client = build_example(installed, source.with_name("engine_loop.c"))
    environment = {**os.environ, **installed.environment("full")}
    command = [str(build_example(installed, source)), "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment) as server:
        try:
            assert server.stdout is not None
            host, port = server.stdout.readline().split()
            run(client, host, port, env=environment)
            expect_example(source, server.communicate(timeout=30)[0])
        finally:
            server.kill()
    assert server.returncode == 0, "the server did not end well"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, required=True, help="a folder to build and install in")
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    installed = Installed(arguments.work.resolve(), arguments.jobs)
    checks = [function for name, function in globals().items() if name.startswith("check_")]
    failed = 0
    for check in checks:
        try:
            check(installed)
            print(f"ok      {check.__name__[6:]}")
        except Exception:
            failed += 1
            print(f"FAILED  {check.__name__[6:]}")
            traceback.print_exc(file=sys.stdout)
    print(f"{len(checks) - failed} of {len(checks)} checks held")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
