#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The scripts can be run, the shell scripts parse, every JSON file is JSON, and wrong arguments are refused."""
import os
import pathlib
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def scripts():
    folders = [ROOT / "scripts", ROOT / ".ci"]
    return [p for f in folders for p in sorted(f.iterdir()) if p.is_file() and p.read_bytes().startswith(b"#!")]


class Scripts(unittest.TestCase):
    def test_the_scripts_that_users_call_are_there(self):
        names = {p.relative_to(ROOT).as_posix() for p in scripts()}
        self.assertLessEqual({"scripts/setup", "scripts/run", "scripts/test", "scripts/check", ".ci/run"}, names)

    def test_every_script_is_executable(self):
        for path in scripts():
            with self.subTest(path.name):
                self.assertTrue(os.access(path, os.X_OK))

    def test_every_shell_script_parses_and_stops_at_errors(self):
        for path in scripts():
            text = path.read_text(encoding="utf-8")
            if "bash" in text.splitlines()[0]:
                with self.subTest(path.name):
                    parsed = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)
                    self.assertEqual((parsed.returncode, parsed.stderr), (0, ""))
                    self.assertIn("\nset -euo pipefail\n", text)

    def test_an_unknown_argument_is_refused_before_anything_runs(self):
        for name in ("setup", "test", "check", "bench"):
            with self.subTest(name):
                run = subprocess.run([ROOT / "scripts" / name, "--nonsense"], capture_output=True, text=True, check=False)
                self.assertEqual(run.returncode, 2)
                self.assertIn("--nonsense", run.stderr)
                self.assertEqual(run.stdout, "")


if __name__ == "__main__":
    unittest.main()
