#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every JSON file in configs/ is JSON (comments allowed), without a key that stands twice in one object."""
import json
import pathlib
import re
import unittest

CONFIGS = pathlib.Path(__file__).resolve().parents[2] / "configs"
# A string, or a comment; strings first, so that "http://..." keeps its slashes.
TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def parse(text):
    def unique(pairs):
        names = [name for name, _ in pairs]
        doubled = {name for name in names if names.count(name) > 1}
        if doubled:
            raise ValueError(f"keys stand twice: {sorted(doubled)}")
        return dict(pairs)

    return json.loads(TOKEN.sub(lambda m: m[0] if m[0].startswith('"') else " ", text), object_pairs_hook=unique)


class Configs(unittest.TestCase):
    def test_every_file_parses(self):
        for path in sorted(CONFIGS.rglob("*.json")):
            with self.subTest(path.relative_to(CONFIGS).as_posix()):
                parse(path.read_text(encoding="utf-8"))

    def test_every_file_that_a_graph_names_exists(self):
        for path in sorted((CONFIGS / "graphs").glob("*.json")):
            for node in parse(path.read_text(encoding="utf-8")).get("nodes", []):
                preset = node.get("preset", "")
                if preset and "$" not in preset:
                    with self.subTest(f"{path.name}: {preset}"):
                        self.assertTrue((path.parent / preset).is_file())

    def test_the_parser_here_refuses_doubled_keys_and_keeps_slashes_in_strings(self):
        self.assertEqual(parse('{"a": "b//c" /* d */} // e'), {"a": "b//c"})
        with self.assertRaises(ValueError):
            parse('{"a": 1, "a": 2}')


if __name__ == "__main__":
    unittest.main()
