#!/usr/bin/env python3
"""The layering check holds for lib/, and notices what it is there for."""

import tempfile
import unittest
from pathlib import Path

import check


class LayeringTest(unittest.TestCase):
    def faults_of(self, files: dict[str, str]) -> list[str]:
        with tempfile.TemporaryDirectory() as folder:
            for name, text in files.items():
                path = Path(folder) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            return check.faults(Path(folder))

    def test_lib_is_in_order(self) -> None:
        self.assertEqual([], check.faults(check.ROOT / "lib"))

    def test_own_folder_and_lower_ones_may_be_included(self) -> None:
        files = {"base/a.h": "#include <amqpcodec/value.h>\n", "base/b.h": '#include "base/a.h"\n', "schema/c.c": '#include "base/a.h"\n'}
        self.assertEqual([], self.faults_of(files))

    def test_higher_folder_is_a_fault(self) -> None:
        faults = self.faults_of({"base/a.c": '#include "codec/b.h"\n', "codec/b.h": ""})
        self.assertEqual(["base/a.c:1: base may not include codec/b.h"], faults)

    def test_frame_and_message_do_not_know_each_other(self) -> None:
        self.assertEqual(1, len(self.faults_of({"frame/a.c": '\n# include "message/b.h"\n', "message/b.h": ""})))
        self.assertEqual(1, len(self.faults_of({"message/a.c": '#include "frame/b.h"\n', "frame/b.h": ""})))

    def test_tools_have_public_headers_only(self) -> None:
        self.assertEqual(1, len(self.faults_of({"tools/a.c": '#include "base/b.h"\n', "base/b.h": ""})))

    def test_other_ways_to_write_a_path_are_faults(self) -> None:
        files = {"base/a.c": '#include "b.h"\n#include "../base/b.h"\n#include <base/b.h>\n', "base/b.h": "", "new/c.c": ""}
        self.assertEqual(4, len(self.faults_of(files)))


if __name__ == "__main__":
    unittest.main()
