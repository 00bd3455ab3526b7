#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The graph in README.md is one: `starflow validate` takes it. Use: readme_graph_test.py COMMAND"""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMAND = sys.argv.pop()


class ReadmeGraph(unittest.TestCase):
    def validate(self, text):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "graphs").mkdir()
            (root / "methods").symlink_to(ROOT / "configs" / "methods")
            graph = root / "graphs" / "readme.json"
            graph.write_text(text, encoding="utf-8")
            return subprocess.run([COMMAND, "validate", graph], capture_output=True, text=True, check=False)

    def test_it_is_valid(self):
        graphs = re.findall(r"```jsonc\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
        self.assertEqual(len(graphs), 1)
        run = self.validate(graphs[0])
        self.assertEqual(run.returncode, 0, run.stderr)

    def test_a_wrong_option_in_it_would_be_seen(self):
        graph = re.search(r"```jsonc\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1]
        run = self.validate(graph.replace("threshold_sigma", "treshold_sigma"))
        self.assertEqual(run.returncode, 2, run.stderr)
        self.assertIn("threshold_sigma", run.stderr)


if __name__ == "__main__":
    unittest.main()
