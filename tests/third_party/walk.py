#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Follows plugin/README.md, and builds the plugins of this folder, as a user does: in clean folders, against an
installation. Use: walk.py PREFIX"""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
README = (HERE.parents[1] / "plugin" / "README.md").read_text(encoding="utf-8")
PREFIX = str(pathlib.Path(sys.argv.pop()).resolve())
FILES = re.findall(r"^`([\w.]+)`:[^\n]*\n```\w+\n(.*?)```", README, re.DOTALL | re.MULTILINE)
EXAMPLES = {"method": "power.cpp", "batch": "center.cpp", "node": "guide_star.cpp"}
SDK_HEADERS = "".join(f"#include <starflow/sdk/{h.name}>\n"
                      for h in sorted((HERE.parents[1] / "plugin/include/starflow/sdk").glob("*.hpp")))


def sh(script, folder):
    env = {k: v for k, v in os.environ.items() if not k.startswith("STARFLOW_")}
    run = subprocess.run(["sh", "-euxc", script], cwd=folder, capture_output=True, text=True, check=False,
                         env={**env, "PREFIX": PREFIX})
    return run.returncode, run.stdout, run.stderr


def rows(path):
    with open(path, encoding="utf-8") as lines:
        records = [json.loads(line) for line in lines]
    return [r for r in records if r["type"] == "star"], [r for r in records if r["type"] == "frame"]


class Walk(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.folder)

    def follow(self, script):
        code, out, err = sh(script, self.folder)
        self.assertEqual(code, 0, out + err)
        return out

    def build(self, example):
        shutil.copytree(HERE / example, self.folder, dirs_exist_ok=True)
        self.follow('cmake -B build -DCMAKE_PREFIX_PATH="$PREFIX" -DCMAKE_BUILD_TYPE=Release && cmake --build build')


class Readme(Walk):
    def test_its_steps_lead_to_rows_of_the_new_method(self):
        for name, text in FILES:
            (self.folder / name).write_text(text, encoding="utf-8")
        out = self.follow(re.search(r"```sh\n(.*?)```", README, re.DOTALL)[1])
        self.assertIn("example 1.0.0, MIT, methods example.power", out)
        self.assertIn("example.power.exponent", out)
        stars, frames = rows(self.folder / "stars.jsonl")
        self.assertEqual({s["method"] for s in stars}, {"example.power"})
        self.assertEqual([f["outcome"] for f in frames], ["ok", "ok"])

    def test_its_files_are_those_of_the_example(self):
        self.assertEqual({n for n, _ in FILES}, {"CMakeLists.txt", "power.cpp", "graph.json"})
        for name, text in FILES:
            self.assertEqual(text, (HERE / "method" / name).read_text(encoding="utf-8"))


class Examples(Walk):
    def test_each_takes_under_forty_lines(self):
        for folder, source in EXAMPLES.items():
            with self.subTest(folder):
                code = (HERE / folder / source).read_text(encoding="utf-8").splitlines()
                lines = [c for c in code if c.strip() and not c.strip().startswith("//")]
                self.assertLess(len(lines), 40)

    def test_none_needs_tbb_or_json(self):
        for folder in EXAMPLES:
            with self.subTest(folder):
                self.build(folder)
                link = self.follow("ldd build/libstarflow_*.so") + self.follow("cat build/build.ninja build/Makefile "
                                                                               "2>/dev/null || true")
                self.assertNotRegex(link, r"libtbb|nlohmann")
                # What the compiler read, the headers of our headers too.
                source = (self.folder / EXAMPLES[folder]).read_text(encoding="utf-8")
                (self.folder / "all.cpp").write_text(source + SDK_HEADERS, encoding="utf-8")
                read = self.follow('g++ -std=c++20 -M all.cpp -I"$PREFIX/include" $(pkg-config --cflags opencv4)')
                self.assertIn("sdk/node.hpp", read)
                self.assertNotRegex(read, r"/(tbb|oneapi|nlohmann|fmt|spdlog|CLI)/")
                shutil.rmtree(self.folder / "build")

    def test_the_library_shows_one_symbol(self):
        self.build("method")
        shown = self.follow("nm -D --defined-only build/libstarflow_example.so | grep -v ' [wvuWV] '")
        self.assertEqual([line.split()[-1] for line in shown.splitlines()], ["starflow_plugin"])

    def compare_to_a_fit(self, example, method, more):
        self.build(example)
        run = '"$PREFIX/bin/starflow" run graph.json --plugin-dir build --output {}.jsonl {}'
        self.follow(run.format("own", ""))
        self.follow(run.format("fit", "--set nodes.stars.options.method=gaussian " + more))
        own, fit = rows(self.folder / "own.jsonl")[0], rows(self.folder / "fit.jsonl")[0]
        self.assertGreater(len(own), 10)
        for star in own:
            self.assertEqual(star["method_used"], method)
            self.assertIn("no_covariance", star["flag_names"])  # the examples give none
            near = min(((f["x"] - star["x"]) ** 2 + (f["y"] - star["y"]) ** 2) ** 0.5
                       for f in fit if f["frame_id"] == star["frame_id"])
            self.assertLess(near, 0.5)  # the pixel of the star

    def test_the_method_measures_close_to_a_fit(self):
        self.compare_to_a_fit("method", "example.power", "--set nodes.stars.options.example.power.exponent=null")

    def test_the_method_over_several_stars_measures_close_to_a_fit(self):
        self.compare_to_a_fit("batch", "lanes.center", "")

    def test_the_node_keeps_the_brightest_of_each_frame(self):
        self.build("node")
        self.follow('"$PREFIX/bin/starflow" run graph.json --plugin-dir build')
        stars, frames = rows(self.folder / "stars.jsonl")
        self.assertEqual([f["n_stars"] for f in frames], [2, 2, 2])
        self.assertTrue(all(f["rejected"]["guide"] > 0 for f in frames))
        self.assertTrue(all(s["flags"] == 0 and s["snr"] >= 20 for s in stars))

    def test_an_option_of_the_method_is_checked_at_its_place(self):
        self.build("method")
        graph = self.folder / "graph.json"
        graph.write_text(graph.read_text(encoding="utf-8").replace("1.5", "9"), encoding="utf-8")
        code, _, err = sh('"$PREFIX/bin/starflow" validate graph.json --plugin-dir build', self.folder)
        self.assertEqual(code, 2)
        self.assertIn("graph.json:7:79: error: nodes[2].options.example.power.exponent: 9 is out of range: wants a number in "
                      "0.5..4", err)

    def test_without_the_plugin_the_graph_says_what_is_missing(self):
        shutil.copytree(HERE / "method", self.folder, dirs_exist_ok=True)
        code, _, err = sh('"$PREFIX/bin/starflow" validate graph.json', self.folder)
        self.assertEqual(code, 2)
        self.assertIn('"example.power" is not allowed', err)


if __name__ == "__main__":
    unittest.main()
