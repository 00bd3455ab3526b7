#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""scripts/real_frames says what is wrong, and finds the real frames' stars within the limits that are held here. Use:
real_frames_test.py COMMAND [TEST...]

Needs NumPy and SciPy; the real frames need the outside data that STARFLOW_DATA names.
"""
import os
import pathlib
import sys
import tempfile
import unittest

from script_runs import python_with, run_script

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "scripts" / "real_frames"
COMMAND = sys.argv.pop(1)
NOT_RUN = 77
NO_STARS = ("images/bsu_dark_1s.png", "images/gmos_cosmics.tiff", "images/iraf_apphot_5.tiff")

# Frame or sequence: sound sources found, %; median and 90 % of their distances, px; bright records that no source
# stands for. Measured, and a margin of two sources, a quarter and two records or a tenth: what SExtractor took for one
# star and we for two, or the other way round, hangs on the last digit. Of SExtractor's sources that are not found, those
# of granasat, Kepler and scenarium are narrower than the frame's stars (cosmic rays, hot pixels that went through a
# debayering), those of bahtinov are spikes.
LIMITS = {
    "images/astrophoto_stars_rgb.png": (100, 0.0502, 0.146, 2),
    "images/granasat_vega.jpg": (94.1, 0.0667, 0.213, 7),
    "images/irac_psf_ch1.tiff": (100, 0.0924, 0.093, 2),
    "images/irac_psf_ch2.tiff": (100, 0.1257, 0.126, 2),
    "images/irac_psf_ch3.tiff": (100, 0.1054, 0.106, 2),
    "images/irac_psf_ch4.tiff": (100, 0.0718, 0.072, 2),
    "images/iraf_apphot_1.tiff": (100, 0.0009, 0.002, 2),
    "images/iraf_apphot_3.tiff": (100, 0.0064, 0.007, 2),
    "images/kepler_ffi_cut.tiff": (95.4, 0.0294, 0.081, 104),
    "images/kstars_bahtinov.png": (85.7, 0.0072, 1.912, 27),
    "images/kstars_m47_sim.png": (99.1, 0.0003, 0.001, 4),
    "images/kstars_ngc4535_autofocus1.png": (100, 0.0564, 0.077, 5),
    "images/kstars_ngc4535_autofocus2.png": (100, 0.2713, 0.392, 2),
    "images/lsst_monet_small.png": (96.8, 0.001, 0.006, 3),
    "images/m67_poss.png": (99, 0.0097, 0.076, None),
    "images/pyguide_guider.png": (100, 0.0157, 0.026, 2),
    "images/scenarium_calibrated_500.tiff": (79.2, 0.0822, 0.327, 19),
    "images/sep_image.tiff": (100, 0.0162, 0.089, 2),
    "images/shwfs_hex_flat.tiff": (98.4, 0.033, 0.091, 126),
    "images/spitzer_glimpse.tiff": (98.4, 0.0352, 0.344, None),
    "images/stellarphot_fwhm.tiff": (100, 0.0588, 0.059, 2),
    "images/stellarsolver_pleiades.jpg": (97.9, 0.0409, 0.328, 360),
    "images/tetra3_alt40_azi135.png": (94.8, 0.0378, 0.074, 12),
    "images/tetra3_alt60_azi135.png": (96.4, 0.0356, 0.082, 17),
    "images/vimos_pinhole_1.tiff": (99.8, 0.213, 0.29, 219),
    "seq/bsu_v": (96.4, 0.0288, 0.153, 43),
    "seq/hatp32_a": (98.4, 0.0317, 0.166, None),
    "seq/smlm_daostorm": (97.9, 0.0454, 0.083, 3),
    "seq/trackpy_stuck": (92.8, 0.0155, 0.043, 4),
}

PYTHON = python_with("numpy", "scipy")


def run(*arguments):
    return run_script(PYTHON, SCRIPT, COMMAND, *arguments)


class Arguments(unittest.TestCase):
    def test_a_folder_without_frames_is_an_error(self):
        with tempfile.TemporaryDirectory() as folder:
            for path in (folder, "/no/such/folder"):
                done, _ = run(path)
                self.assertEqual(done.returncode, 1)
                self.assertIn(path, done.stderr)
                self.assertNotIn("Traceback", done.stderr)


class RealFrames(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if "STARFLOW_DATA" not in os.environ:
            raise unittest.SkipTest("STARFLOW_DATA is not set: no real frames")
        done, table = run()
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        print(done.stdout)
        cls.frames = {row["frame"]: row for row in table}

    def test_frames_without_stars_have_no_star_record(self):
        for name in NO_STARS:
            with self.subTest(name):
                self.assertEqual(self.frames[name]["stars"], 0)

    def test_the_stars_of_catalogues_are_found_where_the_catalogues_say(self):
        for limited, (found, middle, most, unmatched) in LIMITS.items():
            rows = [row for name, row in self.frames.items() if name == limited or name.startswith(limited + "/")]
            self.assertTrue(rows, limited)
            for row in rows:
                with self.subTest(row["frame"]):
                    self.assertGreaterEqual(row["sound_found"], found)
                    self.assertLessEqual(row["median_px"], middle)
                    self.assertLessEqual(row["p90_px"], most)
                    if unmatched is not None:
                        self.assertLessEqual(row["unmatched"], unmatched)


if __name__ == "__main__":
    if PYTHON is None:
        print("NumPy or SciPy is not there: nothing was tested")
        sys.exit(NOT_RUN)
    result = unittest.main(exit=False).result
    sys.exit(1 if not result.wasSuccessful() else NOT_RUN if result.skipped else 0)
