#!/usr/bin/env python3
"""What is said of a step that failed."""

from __future__ import annotations

import unittest

from reasons import END_LINES, LEAST_LINES, LINE_SIZE, STEP_TESTS, TEST_LINES, reasons

CTEST = """
      Start  1: frame_test
 1/3 Test  #1: frame_test .......................   Passed    0.01 sec
      Start  2: soak
 2/3 Test  #2: soak .............................***Failed   20.01 sec
{output}

      Start  3: slow_test
 3/3 Test  #3: slow_test ........................***Skipped   0.01 sec
nothing to look at

67% tests passed, 1 tests failed out of 3

The following tests FAILED:
\t  2 - soak (Failed)
Errors while running CTest
"""
PYTEST = """
........F.
=================================== FAILURES ===================================
_____________________________ test_row_112_is_kept _____________________________

    def test_row_112_is_kept() -> None:
>       assert 1 == 2
E       assert 1 == 2

tests/test_kept.py:4: AssertionError
=========================== short test summary info ============================
SKIPPED [1] tests/test_other.py:9: it is not here
FAILED tests/test_kept.py::test_row_112_is_kept - assert 1 == 2
1 failed, 9 passed, 1 skipped in 3.02s
"""
REPORT = """==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x60200 at pc 0x55
READ of size 1 at 0x60200 thread T0
Shadow bytes around the buggy address:
  0x0c047fff7fb0: 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
=>0x0c047fff8000: fa fa[fd]fa fa fa fa fa fa fa fa fa fa fa fa fa
Shadow byte legend (one shadow byte represents 8 application bytes):
  Addressable:           00
  Partially addressable: 01 02 03 04 05 06 07
==1==ABORTING"""


class ReasonsTest(unittest.TestCase):
    def test_output_of_the_failed_test_of_ctest(self) -> None:
        told = reasons(CTEST.format(output="seed 1\nFAILED: the clients' ledger"))
        self.assertEqual(len(told), 3, told)
        self.assertIn("Test  #2: soak", told[0])
        self.assertEqual(told[1:], ["seed 1", "FAILED: the clients' ledger"])

    def test_end_of_a_long_output(self) -> None:
        told = reasons(CTEST.format(output="\n".join(f"line {number}" for number in range(1000))))
        self.assertEqual(told[1], "[...]")
        self.assertEqual(told[2:], [f"line {number}" for number in range(1000 - TEST_LINES, 1000)])

    def test_long_lines_are_cut(self) -> None:
        told = reasons(CTEST.format(output="x" * 5000))
        self.assertEqual(told[1], "x" * LINE_SIZE + " [...]")

    def test_what_a_sanitizer_found_and_not_its_memory(self) -> None:
        after = "\n".join(f"line {number}" for number in range(1000))
        told = reasons(CTEST.format(output=f"before\n{REPORT}\n{after}"))
        self.assertIn("heap-use-after-free", told[2])
        self.assertEqual(told[-1], "line 999")
        self.assertFalse([line for line in told if "0x0c047" in line or "legend" in line or "ddressable" in line], told)

    def test_many_failed_tests(self) -> None:
        output = "\n".join(f"line {number}" for number in range(100))
        told = reasons("".join(f" {n}/50 Test  #{n}: test_{n} ...***Failed 0.01 sec\n{output}\n" for n in range(1, 51)))
        self.assertEqual(len(told), STEP_TESTS * (LEAST_LINES + 2) + 1)
        self.assertEqual(told[-1], "and 40 tests more")

    def test_assertion_and_summary_of_pytest(self) -> None:
        told = reasons(PYTEST)
        self.assertIn("test_row_112_is_kept", told[0])
        self.assertIn("E       assert 1 == 2", told)
        self.assertEqual(told[-1], "FAILED tests/test_kept.py::test_row_112_is_kept - assert 1 == 2")
        self.assertFalse([line for line in told if "SKIPPED" in line], told)

    def test_end_of_any_other_log(self) -> None:
        told = reasons("\n".join(f"line {number}" for number in range(200)))
        self.assertEqual(told, ["[...]", *(f"line {number}" for number in range(200 - END_LINES, 200))])


if __name__ == "__main__":
    unittest.main()
