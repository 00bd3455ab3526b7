# SPDX-License-Identifier: MIT
"""How tests run the scripts that measure with starflow and print a table."""

import json
import os
import pathlib
import subprocess
import sys
import tempfile


def python_with(*modules):
    """An interpreter that has them: ours, else Debian's; None = neither."""
    for python in (sys.executable, "/usr/bin/python3"):
        if os.path.exists(python) and subprocess.run([python, "-c", "import " + ",".join(modules)], check=False,
                                                     capture_output=True).returncode == 0:
            return python
    return None


def run_script(python, script, command, *arguments):
    """The finished process of the script with the program command, and its table; None = it wrote none."""
    with tempfile.TemporaryDirectory() as folder:
        table = pathlib.Path(folder) / "table.json"
        done = subprocess.run([python, "-B", script, "--starflow", command, "--json", table, *arguments],
                              capture_output=True, text=True, check=False)
        return done, json.loads(table.read_text(encoding="utf-8")) if table.exists() else None
