#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""README.md shows what is compiled and true: its C++ is tests/consumer/main.cpp, and what it points at exists."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROSE = re.sub(r"```.*?```", "", README, flags=re.DOTALL)


class Readme(unittest.TestCase):
    def test_its_cpp_is_the_compiled_example(self):
        example = (ROOT / "tests/consumer/main.cpp").read_text(encoding="utf-8").split("\n", 1)[1]
        self.assertIn(f"```cpp\n{example}```\n", README)

    def test_every_link_into_the_repository_leads_somewhere(self):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", PROSE):
            with self.subTest(target):
                self.assertTrue((ROOT / target).exists())

    def test_every_script_and_config_that_it_names_exists(self):
        for name in set(re.findall(r"\b((?:scripts|configs)/[\w./-]*\w)", README)):
            with self.subTest(name):
                self.assertTrue((ROOT / name).exists())

    def test_it_can_be_read_in_one_go(self):
        self.assertLessEqual(len(README.splitlines()), 150)


if __name__ == "__main__":
    unittest.main()
