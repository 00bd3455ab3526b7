// SPDX-License-Identifier: MIT
// The committed configurations, against our own node types.
#include "support/temp_dir.hpp"

#include "centroid_options.hpp"
#include "register.hpp"

#include <starflow/graph/builtin.hpp>
#include <starflow/graph/diagnostic.hpp>
#include <starflow/graph/explain.hpp>
#include <starflow/graph/graph_spec.hpp>
#include <starflow/graph/registry.hpp>
#include <starflow/graph/runner.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <utility>

namespace starflow {
namespace {

namespace fs = std::filesystem;
using graph::GraphSpec;
using graph::Overrides;
using graph::Registry;

const std::string kConfigs = STARFLOW_SOURCE_DIR "/configs/";

class Configs : public testing::Test {
 protected:
  Configs() { register_nodes(registry_); }

  GraphSpec load(const std::string& name, const Overrides& set) const {
    return GraphSpec::load(kConfigs + "graphs/" + name, registry_, set);
  }
  GraphSpec batch(Overrides set = {}) const {
    set.emplace_back("parameters.input", "frames/*.fits");
    return load("batch.json", set);
  }
  static const Options& options(const GraphSpec& spec, const std::string& id) {
    for (const auto& node : spec.nodes) {
      if (node.id == id) return *node.options;
    }
    throw std::out_of_range(id);
  }

  graph::Registry registry_;
};

TEST_F(Configs, LeaveConstantsUnsetThatNobodyGives) {
  const GraphSpec spec = batch();
  for (const char* name : {"gain", "read_noise", "saturation"}) EXPECT_FALSE(options(spec, "src").has(name)) << name;
  EXPECT_TRUE(options(spec, "det").is_text("fwhm"));
}

TEST_F(Configs, HandGivenConstantsToTheirNodes) {
  const GraphSpec spec =
      batch({{"parameters.gain", "2.5"}, {"parameters.saturation", "4095"}, {"parameters.fwhm", "3.5"}});
  EXPECT_EQ(options(spec, "src").number("gain"), 2.5);
  EXPECT_EQ(options(spec, "src").number("saturation"), 4095);
  EXPECT_FALSE(options(spec, "src").has("read_noise"));
  EXPECT_EQ(options(spec, "det").number("fwhm"), 3.5);
}

TEST_F(Configs, LetAGivenConstantOverrideTheCamera) {
  const GraphSpec spec = batch({{"parameters.camera", "sbig_stxl6303"}, {"parameters.gain", "2"}});
  EXPECT_EQ(options(spec, "src").number("gain"), 2);
  EXPECT_EQ(options(spec, "src").number("read_noise"), 16);
}

TEST_F(Configs, TakeSeveralInputs) {
  const GraphSpec spec = load("batch.json", {{"parameters.input", R"(["a.fits", "b.fits"])"}});
  EXPECT_EQ(options(spec, "src").texts("paths").size(), 2U);
}

TEST_F(Configs, MeasureGivenPositions) {
  const GraphSpec spec = load("forced.json", {{"parameters.input", "a.fits"}, {"parameters.positions", "p.csv"}});
  EXPECT_EQ(options(spec, "det").text("path"), "p.csv");
  EXPECT_FALSE(options(spec, "src").has("gain"));
}

/// \return why the method of batch.json, whose preset is \p preset, can't be changed; empty = it can, and the node has
/// it
std::string change(const Registry& registry, const std::string& preset, const Overrides& changes) {
  GraphSpec spec = GraphSpec::parse(R"({"format": "starflow.graph/1", "nodes": [{"id": "cam", "type": "source.push"},
      {"id": "det", "type": "detect", "in": "cam"}, {"id": "stars", "type": "centroid", "in": {"frame": "cam",
      "detections": "det"}, "preset": ")" +
                                        kConfigs + "methods/" + preset + ".json\"}]}",
                                    "g.json", registry);
  graph::GraphRunner runner(std::move(spec), {});
  try {
    runner.reconfigure(changes);
  } catch (const graph::ConfigError& e) {
    return e.what();
  }
  return {};
}

TEST_F(Configs, LetTheMethodChangeFromEveryPresetToEveryMethod) {
  graph::register_builtin(registry_);
  const auto* type = registry_.find("centroid");
  const auto method = std::ranges::find(type->options, "method", &OptionSpec::name);
  int changes = 0;
  for (const auto& file : fs::directory_iterator(kConfigs + "methods")) {
    for (const std::string& to : method->choices) {
      EXPECT_EQ(change(registry_, file.path().stem(), {{"nodes.stars.options.method", to}}), "") << file.path() << to;
      ++changes;
    }
  }
  EXPECT_EQ(changes, 15 * 9) << "presets and methods with their other names";
}

TEST_F(Configs, LetTheBackgroundChangeTogetherWithTheAnnulus) {
  graph::register_builtin(registry_);
  GraphSpec spec = GraphSpec::parse(R"({"format": "starflow.graph/1", "nodes": [{"id": "cam", "type": "source.push"},
      {"id": "det", "type": "detect", "in": "cam"}, {"id": "stars", "type": "centroid", "in": {"frame": "cam",
      "detections": "det"}, "options": {"method": "gaussian", "background": "annulus", "annulus": {"inner": 3}}}]})",
                                    "g.json", registry_);
  graph::GraphRunner runner(std::move(spec), {});
  const Overrides background = {{"nodes.stars.options.background", "null"}};
  EXPECT_THROW((void)runner.reconfigure(background), graph::ConfigError);
  EXPECT_NO_THROW((void)runner.reconfigure({background[0], {"nodes.stars.options.annulus.inner", "null"}}));
}

TEST_F(Configs, ExplainTheOptionsThatTheMethodHas) {
  const std::string text = graph::explain(batch({{"parameters.method", "gaussian"}}), "nodes.stars");
  EXPECT_NE(text.find("nodes.stars.options.sampling = not given  (default)"), std::string::npos) << text;
  EXPECT_EQ(text.find("window.from"), std::string::npos) << text;
}

TEST_F(Configs, SayWithWhichMethodAnOptionGoesThatHasNoValue) {
  const auto why = [&](const char* path) {
    try {
      return graph::explain(batch({{"parameters.method", "gaussian"}}), path);
    } catch (const graph::ConfigError& e) {
      return std::string(e.what());
    }
  };
  const std::string beta = why("nodes.stars.options.beta"), window = why("nodes.stars.options.window");
  EXPECT_NE(beta.find(R"(error: the option "beta" of "stars" (centroid) goes only with "method" "moffat")"),
            std::string::npos)
      << beta;
  EXPECT_EQ(beta.find("did you mean"), std::string::npos) << beta;
  EXPECT_NE(window.find(R"(the option "window.from" of "stars" (centroid) goes only with "method")"), std::string::npos)
      << window;
}

TEST_F(Configs, StillCheckWhatIsSaidWithANewMethod) {
  graph::register_builtin(registry_);
  const auto to_windowed = [&](const std::string& option, const std::string& value) {
    return change(registry_, "moffat_free",
                  {{"nodes.stars.options.method", "windowed"}, {"nodes.stars.options." + option, value}});
  };
  EXPECT_EQ(to_windowed("shape", "rotated")
                .rfind("--set nodes.stars.options.shape: error: the option \"shape\" of "
                       "\"stars\" (centroid) goes only with \"method\" \"gaussian\"",
                       0),
            0U)
      << to_windowed("shape", "rotated");
  EXPECT_EQ(to_windowed("shape", "null"), "");
  EXPECT_EQ(to_windowed("window.from", "half_light"), "");
  EXPECT_NE(to_windowed("window.from", "given").find("each needs the other"), std::string::npos);
}

TEST_F(Configs, HaveMethodsThatLoad) {
  std::set<std::string> names;
  for (const auto& file : fs::directory_iterator(kConfigs + "methods")) {
    const std::string name = file.path().stem().string();
    SCOPED_TRACE(name);
    const GraphSpec spec = batch({{"parameters.method", name}});
    EXPECT_NO_THROW((void)read_centroid(options(spec, "stars"))) << "its options contradict each other";
    EXPECT_EQ(name.rfind(options(spec, "stars").text("method"), 0), 0U) << "a preset is named after its method";
    names.insert(name);
  }
  for (const char* promised : {"windowed", "windowed_halflight", "adaptive", "moments", "quadratic", "gaussian",
                               "gaussian_circular", "gaussian_rotated", "gaussian_ls", "moffat", "moffat_rotated",
                               "moffat_free", "weighted_moments", "gaussian_fit", "moffat_fit"}) {
    EXPECT_TRUE(names.contains(promised)) << promised;
  }
}

TEST_F(Configs, HaveMethodsThatMeasureWhatTheirNamesSay) {
  const auto preset = [this](const char* name) {
    return read_centroid(options(batch({{"parameters.method", name}}), "stars"));
  };
  EXPECT_EQ(preset("gaussian").outline, Outline::axis_aligned);
  EXPECT_EQ(preset("gaussian").estimator, Estimator::mle);
  EXPECT_EQ(preset("gaussian").sampling, Sampling::integrated);
  EXPECT_EQ(preset("gaussian_circular").outline, Outline::circular);
  EXPECT_EQ(preset("gaussian_rotated").outline, Outline::rotated);
  EXPECT_EQ(preset("gaussian_ls").estimator, Estimator::least_squares);
  EXPECT_EQ(preset("moffat").outline, Outline::circular);
  EXPECT_EQ(preset("moffat").beta, 2.5);
  EXPECT_FALSE(preset("moffat").free_beta);
  EXPECT_EQ(preset("moffat_rotated").outline, Outline::rotated);
  EXPECT_TRUE(preset("moffat_free").free_beta);
  EXPECT_EQ(preset("windowed_halflight").window, WindowFrom::half_light);
}

TEST_F(Configs, KnowMethodsByTheirOtherNames) {
  for (const auto& [other, name] :
       {std::pair{"weighted_moments", "windowed"}, {"gaussian_fit", "gaussian"}, {"moffat_fit", "moffat"}}) {
    SCOPED_TRACE(other);
    const MeasureOptions a = read_centroid(options(batch({{"parameters.method", other}}), "stars"));
    const MeasureOptions b = read_centroid(options(batch({{"parameters.method", name}}), "stars"));
    EXPECT_EQ(a.method, b.method);
    EXPECT_EQ(a.outline, b.outline);
    EXPECT_EQ(a.window, b.window);
    EXPECT_EQ(a.level, b.level);
    EXPECT_EQ(a.beta, b.beta);
  }
}

// The preset leaves beta open, so that either name of it can be set.
TEST_F(Configs, LetTheBetaOfAMoffatBeSet) {
  for (const char* name : {"nodes.stars.options.beta", "nodes.stars.options.fixed.beta"}) {
    const GraphSpec spec = batch({{"parameters.method", "moffat"}, {name, "3.5"}});
    EXPECT_EQ(read_centroid(options(spec, "stars")).beta, 3.5) << name;
  }
}

TEST_F(Configs, HaveCamerasThatLoad) {
  for (const auto& file : fs::directory_iterator(kConfigs + "cameras")) {
    SCOPED_TRACE(file.path().string());
    EXPECT_NO_THROW(batch({{"parameters.camera", file.path().stem().string()}}));
  }
}

TEST_F(Configs, NameTheMethodsWhereOneIsMisspelt) {
  try {
    batch({{"parameters.method", "gausian"}});
    FAIL() << "was taken";
  } catch (const graph::ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find("gaussian.json"), std::string::npos) << e.what();
  }
}

nlohmann::json quicklook_score(GraphSpec spec) {
  graph::GraphRunner runner(std::move(spec), {});
  const graph::RunReport report = runner.run();
  EXPECT_TRUE(report.summary.complete) << report.summary.reason;
  for (const auto& [node, text] : report.reports) {
    if (node == "score") return nlohmann::json::parse(text);
  }
  return {};
}

TEST_F(Configs, QuicklookReachesTheBoundByItsOwnScore) {
  const test::TempDir dir;
  const auto score =
      quicklook_score(load("quicklook.json", {{"parameters.frames", "3"}, {"parameters.output", dir / "q.jsonl"}}));
  const double n = score.at("n_isolated");
  ASSERT_GT(n, 500);
  EXPECT_GE(score.at("completeness").get<double>(), 0.99);
  EXPECT_EQ(score.at("failures"), 0);
  EXPECT_EQ(score.at("outliers"), 0);
  // Both axes count: the RMS of 2 n errors is known to 1 / sqrt(4 n); 4 sigma of that.
  const double slack = 4 / std::sqrt(4 * n);
  EXPECT_NEAR(score.at("rms_over_crlb").get<double>(), 1, slack);
  EXPECT_NEAR(score.at("pull_rms_x").get<double>(), 1, slack * std::sqrt(2));
  EXPECT_TRUE(fs::exists(dir / "q.jsonl"));
}

/// Of the stars of \p file, the part that was asked for by \p method and measured by it.
double part_measured_by(const std::string& method, const std::string& file) {
  std::ifstream lines(file);
  double all = 0, by_it = 0;
  for (std::string line; std::getline(lines, line);) {
    const auto record = nlohmann::json::parse(line);
    if (record.at("type") != "star") continue;
    ++all;
    if (record.at("method") == method && record.at("method_used") == method) ++by_it;
  }
  return all > 0 ? by_it / all : 0;
}

TEST_F(Configs, QuicklookRunsWithEveryMethod) {
  const test::TempDir dir;
  for (const auto& file : fs::directory_iterator(kConfigs + "methods")) {
    const std::string name = file.path().stem().string(), lines = dir / (name + ".jsonl");
    SCOPED_TRACE(name);
    const GraphSpec spec =
        load("quicklook.json", {{"parameters.frames", "1"}, {"parameters.method", name}, {"parameters.output", lines}});
    const std::string method(kMethodNames[static_cast<std::size_t>(read_centroid(options(spec, "stars")).method)]);
    const auto score = quicklook_score(spec);
    EXPECT_GE(score.at("completeness").get<double>(), 0.99);
    // The faintest, of S/N 10, may fall back.
    EXPECT_GE(part_measured_by(method, lines), 0.95);
  }
}

// The window of the star's own sigma is an unweighted fit: sqrt(16/9) of the bound where the star outshines the sky.
TEST_F(Configs, QuicklookShowsThatTheWindowedCentroidIsWiderThanTheBound) {
  const test::TempDir dir;
  const auto score = quicklook_score(
      load("quicklook.json",
           {{"parameters.frames", "2"}, {"parameters.method", "windowed"}, {"parameters.output", dir / "q.jsonl"}}));
  const auto& bright = score.at("by_snr").at(3);
  const double n = bright.at("n_isolated");
  ASSERT_GT(n, 100);
  EXPECT_GT(bright.at("rms_over_crlb").get<double>(), 1.1);
  EXPECT_LT(bright.at("rms_over_crlb").get<double>(), 4.0 / 3 + 4 / std::sqrt(4 * n));
}

}  // namespace
}  // namespace starflow
