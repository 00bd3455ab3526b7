#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/sequence_scatter gives back a scatter that was put in, says what is wrong, and finds the scatter of real
sequences within its limits. Use: sequence_scatter_test.py COMMAND [TEST...]

Needs NumPy and Astropy; the real sequences need the outside data that STARFLOW_DATA names, and SEP.
"""
import json
import os
import pathlib
import random
import sys
import tempfile
import unittest

from script_runs import python_with, run_script

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "sequence_scatter"
COMMAND = sys.argv.pop(1)
NOT_RUN = 77
PYTHON = python_with("numpy", "astropy")


def run(*arguments, python=PYTHON):
    return run_script(python, SCRIPT, COMMAND, *arguments)


def star(frame, x, y, flux):
    return {"type": "star", "frame_id": frame, "x": x, "y": y, "flux": flux, "noise": 1, "hfr": 1.5, "flag_names": []}


class Sequence(unittest.TestCase):
    """200 stars in 8 frames that drift and turn; each position off by 0.02 px an axis."""

    def records(self, path, stars=200, scatter=0.02):
        luck = random.Random(20260101)
        field = [(luck.uniform(20, 980), luck.uniform(20, 980), luck.uniform(300, 3000)) for _ in range(stars)]
        with open(path, "w", encoding="utf-8") as out:
            for frame in range(8):
                out.write(json.dumps({"type": "frame", "frame_id": frame, "source": f"{frame}.fits", "width": 1000,
                                      "height": 1000}) + "\n")
                for x, y, flux in field:
                    out.write(json.dumps(star(frame, x + 1.7 * frame + 1e-4 * frame * y + luck.gauss(0, scatter),
                                              y - 2.1 * frame - 1e-4 * frame * x + luck.gauss(0, scatter), flux)) + "\n")

    def test_gives_back_the_scatter_that_was_put_in(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "records.jsonl"
            self.records(path)
            done, table = run("--records", path)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(table["stars"], 120)
        # A star's scatter from 8 frames and 2 axes has an error of 1 / sqrt(28) = 19 %, its median over a bin of 20 or
        # more 1.25 * 19 % / sqrt(20) = 5.3 %.
        for row in table["bins"]:
            if row["stars"] >= 20:
                self.assertAlmostEqual(row["starflow"] / 0.02, 1, delta=4 * 0.053)

    def test_too_few_common_stars_are_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "records.jsonl"
            self.records(path, stars=4)
            done, _ = run("--records", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn("too few common stars", done.stderr)
        self.assertNotIn("Traceback", done.stderr)

    def test_a_wrong_path_is_an_error(self):
        for arguments in (["/no/such/frame.fits"], ["--records", "/no/such.jsonl"]):
            done, _ = run(*arguments)
            self.assertEqual(done.returncode, 1)
            self.assertIn(arguments[-1], done.stderr)
            self.assertNotIn("Traceback", done.stderr)


class RealSequences(unittest.TestCase):
    def setUp(self):
        if "STARFLOW_DATA" not in os.environ:
            self.skipTest("STARFLOW_DATA is not set: no real frames")
        self.python = python_with("numpy", "astropy", "sep")
        if self.python is None:
            self.skipTest("python3-sep is not there")

    def bins(self, sequence, *settings):
        frames = sorted((pathlib.Path(os.environ["STARFLOW_DATA"]) / "fits").glob(sequence + "_frame_*.fits"))
        options = [word for s in settings for word in ("--set", s)]
        done, table = run("--sep", *options, *frames, python=self.python)
        self.assertEqual(done.returncode, 0, done.stderr)
        print(sequence, *settings, "\n" + done.stdout)
        return table["bins"]

    def test_an_undersampled_field_scatters_as_little_as_the_weighted_fit_allows(self):
        bins = {row["snr_min"]: row for row in self.bins("hatp32_a", "gain=2", "saturation=4095")}
        self.assertLessEqual(bins[80]["starflow"], 0.0138)
        self.assertLessEqual(bins[160]["starflow"], 0.0101)

    # The seeing of these frames changes, and their stars are not symmetric: a centroid whose weights depend on the flux
    # finds another centre for a bright star than for a faint one, and another difference in each frame. So the methods
    # that weigh all stars about alike are held to the limit; the others are not (gaussian 0.95 to 1.55, moffat 0.96 to
    # 1.38, adaptive 0.93 to 1.45).
    # gaussian_ls is held where there are 20 stars: of 9 its ratio went from 1.05 to 1.14 with changes of the stamps' size
    # by 1 % (7 frames, so 7 % is one sigma).
    def test_equal_weights_scatter_as_little_as_sep_in_changing_seeing(self):
        for method, least in (("windowed", 0), ("gaussian_ls", 20)):
            rows = self.bins("bsu_v", "camera=sbig_stxl6303", f"method={method}")
            self.assertGreaterEqual(max(row["stars"] for row in rows), 20)
            for row in (r for r in rows if r["stars"] >= least):
                with self.subTest(method=method, snr=row["snr_min"], stars=row["stars"]):
                    limit = 1.05 if row["stars"] >= 20 else 1.10
                    self.assertLessEqual(row["starflow"], limit * row["SEP winpos"])


if __name__ == "__main__":
    if PYTHON is None:
        print("NumPy or Astropy is not there: nothing was tested")
        sys.exit(NOT_RUN)
    result = unittest.main(exit=False).result
    sys.exit(1 if not result.wasSuccessful() else NOT_RUN if result.skipped else 0)
