#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/check_files.py finds what it looks for: each planted fault is named, and a clean tree passes."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "check_files.py"
SPDX = "// SPDX-License-Identifier: MIT\n"
HEADER = SPDX + "#pragma once\n\n/// \\file\n/// A header.\n"


def findings(name, text):
    """Exit status and output of the check on a tree with this one file."""
    with tempfile.TemporaryDirectory() as root:
        path = pathlib.Path(root) / name
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
        run = subprocess.run([sys.executable, CHECK, root], capture_output=True, text=True, check=False)
        return run.returncode, run.stdout


class CheckFiles(unittest.TestCase):
    def finds(self, name, text, place, what):
        status, output = findings(name, text)
        self.assertEqual(status, 1, output)
        self.assertIn(f"{name}:{place}: ", output)
        self.assertIn(what, output)

    def passes(self, name, text):
        status, output = findings(name, text)
        self.assertEqual((status, output), (0, ""))

    def test_clean_files_pass(self):
        self.passes("core/src/a.cpp", SPDX + "#include <starflow/core/a.hpp>\n#include <vector>\n")
        self.passes("core/include/starflow/core/a.hpp", HEADER)
        self.passes("plugin/nodes/a.cpp", SPDX + "#include <starflow/core/a.hpp>\n#include <opencv2/core.hpp>\n")
        self.passes("graphs/src/a.cpp", SPDX + "#include <starflow/sdk/a.hpp>\n#include <oneapi/tbb/flow_graph.h>\n")

    def test_core_may_not_include_the_sdk(self):
        self.finds("core/src/a.cpp", SPDX + "#include <starflow/sdk/frame.hpp>\n", 2, "core <- plugin <- graphs")

    def test_core_may_not_include_graphs(self):
        self.finds("core/src/a.cpp", SPDX + "#include <starflow/graph/runner.hpp>\n", 2, "core <- plugin <- graphs")

    def test_core_may_not_include_opencv(self):
        self.finds("core/src/a.cpp", SPDX + "#include <opencv2/core/mat.hpp>\n", 2, "Highway alone")

    def test_plugin_may_not_include_graphs(self):
        self.finds("plugin/nodes/a.cpp", SPDX + '#include "starflow/graph/runner.hpp"\n', 2, "core <- plugin <- graphs")

    def test_plugin_may_not_include_tbb(self):
        self.finds("plugin/nodes/a.cpp", SPDX + "#include <oneapi/tbb/parallel_for.h>\n", 2, "never uses TBB")

    def test_a_folder_may_not_be_left_by_a_relative_path(self):
        self.finds("core/src/a.cpp", SPDX + '#include "../../graphs/src/a.hpp"\n', 2, "relative path")

    def test_public_headers_of_graphs_stay_free_of_json(self):
        self.finds("graphs/include/a.hpp", HEADER + "#include <nlohmann/json.hpp>\n", 6, "free of JSON")

    def test_public_headers_of_graphs_stay_free_of_tbb_but_for_one(self):
        text = HEADER + "#include <oneapi/tbb/flow_graph.h>\n"
        self.finds("graphs/include/a.hpp", text, 6, "free of JSON and TBB")
        self.finds("graphs/include/starflow/graph/tbb_nodes.hpp", text.replace("flow_graph", "parallel_for"), 6, "free of JSON")

    def test_a_missing_licence_line_is_found(self):
        self.finds("core/src/a.cpp", "int a;\n", 1, "SPDX")

    def test_a_header_without_pragma_once_is_found(self):
        self.finds("core/include/a.hpp", SPDX + "\n/// \\file\n", 2, "#pragma once")

    def test_a_header_without_a_file_sentence_is_found(self):
        self.finds("core/include/a.hpp", SPDX + "#pragma once\n", 3, "\\file")

    def test_a_file_that_is_too_long_is_found(self):
        self.finds("core/src/a.cpp", SPDX + "int f();\n" * 450, 450, "has 451 lines")

    def test_a_path_of_one_machine_is_found(self):
        self.finds("scripts/a.md", "see /home/me/data\n", 1, "one machine")

    def test_unfinished_work_is_found(self):
        self.finds("core/src/a.cpp", SPDX + "// TODO: the rest\n", 2, "leaves work behind")

    def test_an_empty_tree_is_an_error(self):
        with tempfile.TemporaryDirectory() as root:
            self.assertEqual(subprocess.run([sys.executable, CHECK, root], capture_output=True, check=False).returncode, 1)


if __name__ == "__main__":
    unittest.main()
