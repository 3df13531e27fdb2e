"""The command line: help, version, usage errors, files, failing output."""

from __future__ import annotations

import subprocess
import tempfile
import unittest
from pathlib import Path

from captures import pcap
from tool import TOOL, dump, run


class Help(unittest.TestCase):
    def test_lists_the_words(self) -> None:
        result = run("--help")
        self.assertEqual(result.status, 0)
        self.assertIn("dump", result.output)
        self.assertEqual(result.errors, "")

    def test_of_dump_names_every_option(self) -> None:
        result = run("dump", "--help")
        self.assertEqual(result.status, 0)
        for name in ("input", "as", "json", "port", "no-header", "max-frame-size", "max-message-size", "channels",
                     "depth", "compound-elements", "performative-values", "zero-width-elements", "help"):
            self.assertIn(f"--{name}", result.output)

    def test_fits_a_terminal(self) -> None:
        for line in run("dump", "--help").lines:
            self.assertLessEqual(len(line), 100)

    def test_is_in_the_manual(self) -> None:
        manual = (Path(__file__).parents[2] / "docs" / "amqpcodec.1").read_text(encoding="utf-8").replace("\\-", "-")
        for line in run("dump", "--help").lines:
            if line.startswith("  --"):
                self.assertIn(line.split()[0], manual)

    def test_version(self) -> None:
        result = run("--version")
        self.assertEqual((result.status, result.errors), (0, ""))
        self.assertRegex(result.output, r"^amqpcodec \d+\.\d+\.\d+\n$")


class Usage(unittest.TestCase):
    def assert_usage_error(self, text: str, *arguments: str) -> None:
        result = run(*arguments)
        self.assertEqual((result.status, result.output), (2, ""))
        self.assertTrue(result.errors.startswith("amqpcodec: "), result.errors)
        self.assertIn(text, result.errors)

    def test_word_is_missing(self) -> None:
        self.assert_usage_error("a word is missing")

    def test_word_is_unknown(self) -> None:
        self.assert_usage_error("there is no word 'undump'", "undump")

    def test_option_is_unknown(self) -> None:
        self.assert_usage_error("there is no option --jsn", "dump", "--jsn")
        self.assert_usage_error("there is no option -j", "dump", "-j")

    def test_option_lacks_its_argument(self) -> None:
        self.assert_usage_error("--as wants an argument", "dump", "--as")

    def test_flag_has_an_argument(self) -> None:
        self.assert_usage_error("--json takes no argument", "dump", "--json=yes")

    def test_choice_is_none(self) -> None:
        for word in ("", "val", "values", "value|message"):
            self.assert_usage_error("--as wants one of value|message|stream|auto", "dump", f"--as={word}")

    def test_number_is_none_or_out_of_range(self) -> None:
        for word in ("", "0", "-1", "+1", " 1", "129", "1x", "99999999999999999999999"):
            self.assert_usage_error("--depth wants a number from 1 to 128", "dump", "--depth", word)
        self.assert_usage_error("from 512 to 4294967295", "dump", "--max-frame-size=511")

    def test_too_many_files(self) -> None:
        self.assert_usage_error("'b' is one argument too many", "dump", "a", "b")

    def test_capture_as_value(self) -> None:
        self.assert_usage_error("--as", "dump", "--input=pcap", "--as=value")
        result = dump(pcap([]), "--as=message")
        self.assertEqual((result.status, result.output), (2, ""))


class Files(unittest.TestCase):
    def test_is_read(self) -> None:
        with tempfile.NamedTemporaryFile(prefix="--", delete=True) as file:
            file.write(b"\x53\x05")
            file.flush()
            self.assertEqual(run("dump", file.name).output, "ulong(5)\n")

    def test_name_with_a_hyphen_follows_two(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "-x").write_bytes(b"\x40")
            done = subprocess.run([*TOOL, "dump", "--", "-x"], cwd=folder, capture_output=True, check=True)
            self.assertEqual(done.stdout, b"null\n")

    def test_hyphen_is_standard_input(self) -> None:
        self.assertEqual(run("dump", "-", data=b"\x40").output, "null\n")

    def test_missing_is_reported(self) -> None:
        result = run("dump", "/nonexistent/x")
        self.assertEqual(result.status, 1)
        self.assertIn("/nonexistent/x: No such file or directory", result.errors)

    def test_folder_is_reported(self) -> None:
        result = run("dump", "/")
        self.assertEqual(result.status, 1)
        self.assertIn("Is a directory", result.errors)


class Output(unittest.TestCase):
    def test_full_device_is_reported(self) -> None:
        with open("/dev/full", "wb") as full:
            for arguments, data in ((["dump"], b"\x40"), (["dump"], b"\x40" * 100000), (["--help"], b"")):
                done = subprocess.run([*TOOL, *arguments], input=data, stdout=full, stderr=subprocess.PIPE, check=False)
                self.assertEqual(done.returncode, 1)
                self.assertIn(b"No space left on device", done.stderr)

    def test_reader_that_goes_away_ends_the_tool_quietly(self) -> None:
        with subprocess.Popen([*TOOL, "dump"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as process:
            assert process.stdin and process.stdout and process.stderr
            process.stdout.close()
            try:
                process.stdin.write(b"\x40" * 1000000)
                process.stdin.close()
            except BrokenPipeError:
                pass
            self.assertEqual(process.stderr.read(), b"")
            self.assertEqual(process.wait(60), 1)

    def test_comes_as_soon_as_the_input_allows(self) -> None:
        with subprocess.Popen([*TOOL, "dump", "--input=raw"], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdin and process.stdout
            for _ in range(3):
                process.stdin.write(b"\x53\x05")
                process.stdin.flush()
                self.assertEqual(process.stdout.readline(), b"ulong(5)\n")
            process.stdin.close()
            self.assertEqual(process.wait(60), 0)


class Empty(unittest.TestCase):
    def test_input_is_no_value(self) -> None:
        result = dump(b"")
        self.assertEqual((result.status, result.output, result.errors), (0, "", ""))


if __name__ == "__main__":
    unittest.main()
