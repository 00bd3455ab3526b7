#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The graph in README.md is one, and its record is what the command writes. Use: readme_graph_test.py COMMAND"""
import json
import math
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


class ReadmeRecord(unittest.TestCase):
    def test_it_is_the_first_star_of_the_quick_look(self):
        shown = json.loads(re.search(r"```json\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)[1])
        graph = ROOT / "configs" / "graphs" / "quicklook.json"
        run = subprocess.run([COMMAND, "run", graph, "--quiet", "--output", "-", "--set", "parameters.frames=1"],
                             capture_output=True, text=True, check=True)
        measured = json.loads(next(line for line in run.stdout.splitlines() if line.startswith('{"type":"star"')))
        self.assertEqual(list(shown), list(measured))
        for key, value in shown.items():
            with self.subTest(key):
                if key == "iterations":  # may differ by one between instruction sets
                    continue
                if isinstance(value, float):  # their last digits too
                    # The angle and the eccentricity of a nearly round star hang on those of its axes.
                    part = 1e-3 if key in ("theta", "eccentricity", "ellipticity") else 1e-5
                    self.assertTrue(math.isclose(value, measured[key], rel_tol=part, abs_tol=1e-6), measured[key])
                else:
                    self.assertEqual(value, measured[key])


if __name__ == "__main__":
    unittest.main()
