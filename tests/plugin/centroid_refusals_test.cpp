// SPDX-License-Identifier: MIT
/// \file
/// Options of the node `centroid` that contradict each other are refused, at their place, with what is allowed.

#include "support/node_harness.hpp"
#include "support/temp_dir.hpp"

#include "centroid_options.hpp"
#include "register.hpp"

#include <starflow/graph/diagnostic.hpp>
#include <starflow/graph/graph_spec.hpp>
#include <starflow/graph/registry.hpp>
#include <starflow/graph/runner.hpp>

#include <gtest/gtest.h>

#include <filesystem>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace starflow {
namespace {

using test::OptionMap;
using namespace std::string_literals;

/// The option that is refused and why; empty where all are taken.
struct Refused {
  std::string option, why;
};
Refused refused(const OptionMap& given) {
  try {
    (void)read_centroid(test::Options(centroid_type(), given));
  } catch (const OptionError& e) {
    return {e.option(), e.what()};
  }
  return {};
}

/// Options that contradict each other, which of them is named, and what the message says is allowed.
struct Contradiction {
  const char* name;
  OptionMap given;
  const char* option;
  const char* allowed;
};
void PrintTo(const Contradiction& c, std::ostream* out) { *out << c.name; }

class CentroidRefuses : public testing::TestWithParam<Contradiction> {};

TEST_P(CentroidRefuses, OptionsThatContradictAndSaysWhatIsAllowed) {
  const Refused r = refused(GetParam().given);
  EXPECT_EQ(r.option, GetParam().option);
  EXPECT_NE(r.why.find(GetParam().allowed), std::string::npos) << r.why;
}

INSTANTIATE_TEST_SUITE_P(
    Each,
    CentroidRefuses,
    testing::Values(
        Contradiction{
            "BetaTwice", {{"method", "moffat"s}, {"beta", 2.5}, {"fixed.beta", 2.5}}, "fixed.beta", "one of the two"},
        Contradiction{"BetaFreeAndHeld",
                      {{"method", "moffat"s}, {"beta", "free"s}, {"fixed.beta", 3.0}},
                      "fixed.beta",
                      "one of the two"},
        Contradiction{"EllipticityOfACircle",
                      {{"shape", "circular"s}, {"fixed.ellipticity", 0.2}},
                      "fixed.ellipticity",
                      "\"axis_aligned\" or \"rotated\""},
        Contradiction{"EllipticityOfARoundMoffat",
                      {{"method", "moffat"s}, {"fixed.ellipticity", 0.2}},
                      "fixed.ellipticity",
                      "\"rotated\""},
        Contradiction{"ThetaOfAnAlignedEllipse", {{"fixed.theta", 20.0}}, "fixed.theta", "\"shape\": \"rotated\""},
        Contradiction{
            "ThetaOfACircle", {{"shape", "circular"s}, {"fixed.theta", 20.0}}, "fixed.theta", "\"shape\": \"rotated\""},
        Contradiction{"AxisTooNarrow",
                      {{"shape", "rotated"s}, {"fixed.fwhm", 0.8}, {"fixed.ellipticity", 0.5}},
                      "fixed.ellipticity",
                      "up to 0.234, or a fixed.fwhm from 0.99 px"},
        Contradiction{"LevelFittedByWindowed",
                      {{"method", "windowed"s}, {"background", "fit"s}},
                      "background",
                      "\"global\" and \"annulus\""},
        Contradiction{"RingThatNothingUses", {{"annulus.inner", 3.0}}, "annulus.inner", "\"noise\": \"annulus\""},
        Contradiction{"KeepOutThatNothingUses",
                      {{"noise", "map"s}, {"annulus.keep_out", 3.0}},
                      "annulus.keep_out",
                      "\"background\": \"annulus\""},
        Contradiction{
            "EmptyRing", {{"noise", "annulus"s}, {"annulus.outer", 2.5}}, "annulus.outer", "below annulus.outer"},
        Contradiction{"RingInsideOut",
                      {{"background", "annulus"s}, {"annulus.inner", 5.0}},
                      "annulus.inner",
                      "below annulus.outer"},
        Contradiction{
            "GroupSizeOfAMask", {{"neighbour", "mask"s}, {"group_size", std::int64_t{4}}}, "group_size", "\"group\""},
        Contradiction{"PedestalOfAMap", {{"pedestal", 100.0}}, "pedestal", "\"noise\": \"model\""},
        Contradiction{"WindowWithoutItsWidth",
                      {{"method", "windowed"s}, {"window.from", "given"s}},
                      "window.sigma_px",
                      "each needs the other"},
        Contradiction{"WidthWithoutItsWindow",
                      {{"method", "windowed"s}, {"window.sigma_px", 2.0}},
                      "window.sigma_px",
                      "each needs the other"}),
    [](const auto& one) { return std::string(one.param.name); });

/// The one problem of batch.json with these changes, as a run reports it; nullopt where there is none.
std::optional<graph::Diagnostic> problem(const std::string& preset_text, const graph::Overrides& set = {}) {
  const test::TempDir dir;
  const std::string graph = dir.write("graphs/g.json", R"({"format": "starflow.graph/1", "nodes": [
{"id": "sky", "type": "source.sky", "options": {"frames": 1, "stars": 3, "width": 96, "height": 96}},
{"id": "det", "type": "detect", "in": {"frame": "sky.frame"}},
{"id": "stars", "type": "centroid", "in": {"frame": "sky.frame", "detections": "det"}, "preset": "../methods/p.json"}]})");
  (void)dir.write("methods/p.json", preset_text);
  graph::Registry registry;
  register_nodes(registry);
  try {
    const graph::GraphRunner runner(graph::GraphSpec::load(graph, registry, set), {});
  } catch (const graph::ConfigError& e) {
    EXPECT_EQ(e.diagnostics().size(), 1U) << e.what();
    return e.diagnostics().at(0);
  }
  return std::nullopt;
}

TEST(CentroidRefusals, AreRefusedAtTheirLineOfThePreset) {
  const auto found = problem("{\n  \"method\": \"gaussian\",\n  \"fixed\": {\"beta\": 3}\n}\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(std::filesystem::path(found->file).filename(), "p.json");
  EXPECT_EQ(found->line, 3);
  EXPECT_EQ(found->column, 21);
  EXPECT_EQ(found->path, "fixed.beta");
  EXPECT_EQ(found->text,
            R"(the option "fixed.beta" of "stars" (centroid) goes only with "method" "moffat" or "moffat_fit")");
}

struct Foreign {
  const char *name, *options, *path, *methods;
};
class CentroidRefusesForeign : public testing::TestWithParam<Foreign> {};

TEST_P(CentroidRefusesForeign, OptionsOfOtherMethods) {
  const auto found = problem(GetParam().options);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->path, GetParam().path);
  EXPECT_NE(found->text.find(std::string(R"(goes only with "method" )") + GetParam().methods), std::string::npos)
      << found->text;
}

constexpr const char *kOfFits = R"("gaussian" or "moffat" or "gaussian_fit" or "moffat_fit")",
                     *kOfMoffat = R"("moffat" or "moffat_fit")", *kOfWindowed = R"("windowed" or "weighted_moments")";
INSTANTIATE_TEST_SUITE_P(
    Each,
    CentroidRefusesForeign,
    testing::Values(
        Foreign{"ShapeOfWindowed", R"({"method": "windowed", "shape": "circular"})", "shape", kOfFits},
        Foreign{"ShapeOfAnAlias", R"({"method": "weighted_moments", "shape": "circular"})", "shape", kOfFits},
        Foreign{"SamplingOfMoments", R"({"method": "moments", "sampling": "center"})", "sampling", kOfFits},
        Foreign{"EstimatorOfQuadratic", R"({"method": "quadratic", "estimator": "mle"})", "estimator", kOfFits},
        Foreign{"MosaicOfWindowed", R"({"method": "windowed", "mosaic": "green"})", "mosaic", kOfFits},
        Foreign{"ShapeHeldByAdaptive", R"({"method": "adaptive", "fixed": {"shape": "field"}})", "fixed.shape",
                kOfFits},
        Foreign{"FwhmHeldByAdaptive", R"({"method": "adaptive", "fixed": {"fwhm": 3}})", "fixed.fwhm", kOfFits},
        Foreign{"BetaOfGaussian", R"({"method": "gaussian", "beta": 2.5})", "beta", kOfMoffat},
        Foreign{"FreeBetaOfGaussian", R"({"method": "gaussian_fit", "beta": "free"})", "beta", kOfMoffat},
        Foreign{"WindowOfAFit", R"({"method": "gaussian", "window": {"from": "fwhm"}})", "window.from", kOfWindowed},
        Foreign{"WindowOfAdaptive", R"({"method": "adaptive", "window": {"sigma_px": 2}})", "window.sigma_px",
                kOfWindowed}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(CentroidRefusals, AreRefusedOnTheCommandLineToo) {
  const auto found = problem(R"({"method": "windowed"})", {{"nodes.stars.options.shape", "rotated"}});
  ASSERT_TRUE(found);
  EXPECT_NE(found->text.find("the option \"shape\" of \"stars\" (centroid) goes only with \"method\""),
            std::string::npos)
      << found->text;
}

TEST(CentroidRefusals, AreRefusedOutOfTheirRange) {
  const auto narrow = problem(R"({"method": "moffat", "beta": 1})");
  ASSERT_TRUE(narrow);
  EXPECT_NE(narrow->text.find("1.1..12"), std::string::npos) << narrow->text;
  const auto word = problem(R"({"method": "moffat", "beta": "fre"})");
  ASSERT_TRUE(word);
  EXPECT_EQ(word->hint, "did you mean \"free\"?");
}

// Neither a key that nobody knows nor a value that is refused hides what else is wrong.
TEST(CentroidRefusals, AreReportedBesideKeysThatAreUnknown) {
  const test::TempDir dir;
  const auto problems = [&](const std::string& options) -> std::vector<std::string> {
    const std::string file = dir.write("g.json", R"({"format": "starflow.graph/1", "nodes": [
{"id": "sky", "type": "source.sky", "optoins": {}},
{"id": "det", "type": "detect", "in": {"frame": "sky.frame"}},
{"id": "stars", "type": "centroid", "in": {"frame": "sky.frame", "detections": "det"}, "options": )" +
                                                     options + "}]}");
    graph::Registry registry;
    register_nodes(registry);
    std::vector<std::string> paths;
    try {
      (void)graph::GraphSpec::load(file, registry, {});
    } catch (const graph::ConfigError& e) {
      for (const graph::Diagnostic& d : e.diagnostics()) paths.push_back(d.path);
    }
    return paths;
  };
  using Paths = std::vector<std::string>;
  const std::string unknown = "nodes[0].optoins", of_stars = "nodes[2].options.";
  EXPECT_EQ(problems(R"({"method": "windowed", "shape": "rotated"})"), (Paths{unknown, of_stars + "shape"}));
  EXPECT_EQ(problems(R"({"stamp": 2, "method": "windowed", "shape": "rotated"})"),
            (Paths{unknown, of_stars + "stamp", of_stars + "shape"}));
  EXPECT_EQ(problems(R"({"stamp_radius": 99, "method": "windowed", "shape": "rotated"})"),
            (Paths{unknown, of_stars + "stamp_radius", of_stars + "shape"}));
}

TEST(CentroidRefusals, TakeTheNarrowestAxisThatIsAllowed) {
  EXPECT_EQ(refused({{"shape", "rotated"s}, {"fixed.fwhm", 0.8}, {"fixed.ellipticity", 0.234}}).option, "");
  EXPECT_EQ(refused({{"shape", "rotated"s}, {"fixed.fwhm", 0.99}, {"fixed.ellipticity", 0.5}}).option, "");
}

TEST(CentroidRefusals, TakeTheShapeOfTheFieldWhole) {
  EXPECT_EQ(refused({{"method", "moffat"s}, {"fixed.shape", "field"s}}).option, "");
  EXPECT_EQ(refused({{"method", "moffat"s}, {"fixed.shape", "field"s}, {"fixed.fwhm", 3.0}}).option, "fixed.fwhm");
}

TEST(CentroidRefusals, TakeAllThatBelongsToAMoffat) {
  EXPECT_FALSE(
      problem(R"({"method": "moffat_fit", "shape": "rotated", "fixed": {"ellipticity": 0.1, "theta": 90, "beta": 3},
"background": "annulus", "annulus": {"inner": 3, "outer": 5}, "noise": "annulus", "stamp_radius": 2})"));
}

}  // namespace
}  // namespace starflow
