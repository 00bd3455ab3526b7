// SPDX-License-Identifier: MIT
// Methods that plugins bring, as the node `centroid` runs them: good ones, and ones that must not do harm.
#include "register.hpp"

#include <starflow/core/flags.hpp>
#include <starflow/graph/graph_spec.hpp>
#include <starflow/graph/registry.hpp>
#include <starflow/graph/runner.hpp>
#include <starflow/sdk/messages.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace starflow {
namespace {

using graph::GraphSpec;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Shift {
  double px;
  explicit Shift(const Options& o) : px(o.number("px")) {
    if (px > 0.9) throw OptionError("px", "is too far for this method");
  }
};

/// Mean place of the light within one FWHM, then moved to the right.
StarEstimate mean(const StarStamp& s, const Shift& shift) {
  double sum = 0, x = 0, y = 0, variance = 0;
  for (int row = 0; row < s.side; ++row) {
    for (int column = 0; column < s.side; ++column) {
      if (std::hypot(column - s.x, row - s.y) > s.fwhm || !(s.weight_of(column, row) > 0)) continue;
      const double light = s.light(column, row);
      sum += light;
      x += light * column;
      y += light * row;
      variance += 1 / s.weight_of(column, row) + std::max(light, 0.0) / s.gain_e_per_adu;
    }
  }
  const double error2 = variance * s.fwhm * s.fwhm / (sum * sum);
  return {.x = x / sum + shift.px,
          .y = y / sum,
          .x_variance = error2,
          .y_variance = error2,
          .flux = sum,
          .flux_variance = variance};
}

StarEstimate not_a_number(const StarStamp& s) { return {.x = kNan, .y = s.y}; }
StarEstimate infinite(const StarStamp& s) { return {.x = s.x, .y = std::numeric_limits<double>::infinity()}; }
StarEstimate runs_away(const StarStamp& s) { return {.x = s.x + 1.001 * s.move_limit, .y = s.y, .flux = 1}; }
StarEstimate throws(const StarStamp&) { throw std::runtime_error("no such star"); }
StarEstimate throws_an_int(const StarStamp&) { throw 3; }
StarEstimate negative_variance(const StarStamp& s) {
  return {.x = s.x, .y = s.y, .x_variance = -1, .y_variance = 1, .flux = 1, .flux_variance = -1};
}
StarEstimate dark(const StarStamp& s) { return {.x = s.x, .y = s.y, .x_variance = 1, .y_variance = 1, .flux = -5}; }
StarEstimate endless(const StarStamp& s) { return {.x = s.x, .y = s.y, .flux = 1, .iterations = s.max_iterations + 1}; }
StarEstimate backwards(const StarStamp& s) { return {.x = s.x, .y = s.y, .flux = 1, .iterations = -3}; }
StarEstimate beside(const StarStamp& s) { return {.x = -0.51, .y = s.y, .flux = 1}; }
StarEstimate on_the_rim(const StarStamp& s) { return {.x = -0.49, .y = s.y, .flux = 1}; }

/// As mean(), for several stars by one call.
void means(std::span<const StarStamp> stamps, std::span<StarEstimate> found, const Shift& shift) {
  for (std::size_t i = 0; i < stamps.size(); ++i) found[i] = mean(stamps[i], shift);
}
/// Can't do the stars in the left half of a pixel, nor any that come with one.
void halves(std::span<const StarStamp> stamps, std::span<StarEstimate> found) {
  for (std::size_t i = 0; i < stamps.size(); ++i) {
    found[i] = {.x = stamps[i].x, .y = stamps[i].y, .x_variance = 1, .y_variance = 1, .flux = 1};
    if (stamps[i].x < std::floor(stamps[i].x + 0.5)) throw std::runtime_error("is on the left");
  }
}
StarEstimate half(const StarStamp& s) {
  StarEstimate found;
  halves({&s, 1}, {&found, 1});
  return found;
}
StarEstimate of_flux(const StarStamp& s, double flux) {
  return {.x = s.x, .y = s.y, .x_variance = 1, .y_variance = 1, .flux = flux, .flux_variance = 1};
}
StarEstimate infinite_flux(const StarStamp& s) { return of_flux(s, std::numeric_limits<double>::infinity()); }
StarEstimate huge_flux(const StarStamp& s) { return of_flux(s, 1e308); }
StarEstimate no_flux(const StarStamp& s) { return of_flux(s, kNan); }

class PluginMethods : public testing::Test {
 protected:
  PluginMethods() {
    registry_.set_owner("own");
    OptionSpec px;
    px.name = "px";
    px.fallback = 0.0;
    px.minimum = 0;
    px.maximum = 1;
    registry_.add(method<mean>("own.mean", "Mean place.", {px}));
    registry_.add(method<not_a_number>("own.nan", ""));
    registry_.add(method<infinite>("own.infinite", ""));
    registry_.add(method<runs_away>("own.runs_away", ""));
    registry_.add(method<throws>("own.throws", ""));
    registry_.add(method<throws_an_int>("own.throws_an_int", ""));
    registry_.add(method<negative_variance>("own.negative_variance", ""));
    registry_.add(method<infinite_flux>("own.infinite_flux", ""));
    registry_.add(method<huge_flux>("own.huge_flux", ""));
    registry_.add(method<no_flux>("own.no_flux", ""));
    registry_.add(method<dark>("own.dark", ""));
    registry_.add(method<endless>("own.endless", ""));
    registry_.add(method<backwards>("own.backwards", ""));
    registry_.add(method<beside>("own.beside", ""));
    registry_.add(method<on_the_rim>("own.on_the_rim", ""));
    registry_.add(method<means>("own.means", "Mean place, of several stars at once.", {px}));
    registry_.add(method<halves>("own.halves", ""));
    registry_.add(method<half>("own.half", ""));
    register_nodes(registry_);
  }

  static std::string text(const std::string& options) {
    return R"({"format": "starflow.graph/1", "nodes": [
      {"id": "sky", "type": "source.sky", "options": {"frames": 3, "width": 256, "height": 256, "stars": 12}},
      {"id": "det", "type": "detect", "in": {"frame": "sky"}},
      {"id": "stars", "type": "centroid", "in": {"frame": "sky", "detections": "det"}, "options": )" +
           options + "}]}";
  }

  struct Result {
    std::vector<StarTable> tables;
    std::vector<std::string> logged;
    std::size_t rows = 0;
  };

  [[nodiscard]] Result run(const std::string& options) const {
    Result result;
    graph::RunOptions wanted;
    wanted.keep = {"stars.stars"};
    wanted.on_log = [&](LogLevel, std::string_view line) { result.logged.emplace_back(line); };
    wanted.on_result = [&](const graph::FrameResult& r) {
      EXPECT_EQ(r.outcome, Outcome::ok);
      const auto* list = r.output("stars", "stars").as<StarList>();
      ASSERT_NE(list, nullptr);
      result.rows += list->stars.size();
      result.tables.push_back(list->stars);
    };
    graph::GraphRunner runner(GraphSpec::parse(text(options), "g.json", registry_), wanted);
    EXPECT_EQ(runner.run().summary.frames, 3U);
    EXPECT_GT(result.rows, 20U);
    return result;
  }

  [[nodiscard]] std::string problems(const std::string& options) const {
    try {
      graph::check_nodes(GraphSpec::parse(text(options), "g.json", registry_));
    } catch (const graph::ConfigError& e) {
      return e.what();
    }
    return {};
  }

  graph::Registry registry_;
};

/// Calls visit(row of a, row of b) for each pair; the tables are in the same order where the positions are the same.
template <class Visit>
void pairs(const StarTable& a, const StarTable& b, Visit visit) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t nearest = 0;
    for (std::size_t k = 1; k < b.size(); ++k) {
      if (std::hypot(a.x[i] - b.x[k], a.y[i] - b.y[k]) < std::hypot(a.x[i] - b.x[nearest], a.y[i] - b.y[nearest]))
        nearest = k;
    }
    visit(i, nearest);
  }
}

TEST_F(PluginMethods, GiveRowsWithTheirPositionsAndErrors) {
  const Result fitted = run(R"({"method": "gaussian"})"), own = run(R"({"method": "own.mean"})");
  for (std::size_t frame = 0; frame < own.tables.size(); ++frame) {
    const StarTable &a = own.tables[frame], &b = fitted.tables[frame];
    EXPECT_EQ(a.plugin_method, "own.mean");
    pairs(a, b, [&](std::size_t i, std::size_t k) {
      EXPECT_EQ(a.method[i], Method::plugin);
      EXPECT_EQ(a.method_used[i], Method::plugin);
      EXPECT_EQ(a.termination[i], Termination::converged);
      EXPECT_EQ(a.flags[i] & (flag::fallback_method | flag::no_covariance), 0U);
      // A bound, not an expectation: half a pixel is the nearest pixel, and five times the fit's error the noise.
      EXPECT_NEAR(a.x[i], b.x[k], 0.5 + 5 * b.x_err[k]);
      EXPECT_NEAR(a.y[i], b.y[k], 0.5 + 5 * b.y_err[k]);
      EXPECT_GT(a.x_err[i],
                b.x_err[k]);  // every photon is taken to be a FWHM away: above the bound, which a fit reaches
      EXPECT_GT(a.flux[i], 0);
      EXPECT_TRUE(std::isnan(a.chi2[i]));
    });
  }
}

TEST_F(PluginMethods, AreToldTheirOptions) {
  const Result plain = run(R"({"method": "own.mean"})");
  const Result moved = run(R"({"method": "own.mean", "own": {"mean": {"px": 0.25}}})");
  for (std::size_t frame = 0; frame < plain.tables.size(); ++frame) {
    pairs(moved.tables[frame], plain.tables[frame], [&](std::size_t i, std::size_t k) {
      // Positions are floats of a stamp: 2^-24 of 8 px each.
      EXPECT_NEAR(moved.tables[frame].x[i] - plain.tables[frame].x[k], 0.25, 4e-6);
    });
  }
}

struct Bad {
  const char* name;
  Termination ends;
  Flags flag;
};

class BadMethods : public PluginMethods, public testing::WithParamInterface<Bad> {};

TEST_P(BadMethods, BecomeFlaggedRowsOfTheWindowedCentroid) {
  const Bad& bad = GetParam();
  const Result got = run(R"({"method": "own.)" + std::string(bad.name) + "\"}");
  const Result windowed = run(R"({"method": "windowed"})");
  for (std::size_t frame = 0; frame < got.tables.size(); ++frame) {
    const StarTable &a = got.tables[frame], &b = windowed.tables[frame];
    ASSERT_EQ(a.x, b.x);  // the same bytes: nothing of the method is left
    ASSERT_EQ(a.y_err, b.y_err);
    for (std::size_t i = 0; i < a.size(); ++i) {
      EXPECT_EQ(a.method[i], Method::plugin);
      EXPECT_EQ(a.method_used[i], b.method_used[i]);
      EXPECT_EQ(a.termination[i], bad.ends);
      EXPECT_EQ(a.flags[i] & (bad.flag | flag::fallback_method), bad.flag | flag::fallback_method);
    }
  }
}

INSTANTIATE_TEST_SUITE_P(PluginMethods,
                         BadMethods,
                         testing::Values(Bad{"nan", Termination::nonfinite, flag::no_convergence},
                                         Bad{"infinite", Termination::nonfinite, flag::no_convergence},
                                         Bad{"infinite_flux", Termination::nonfinite, flag::no_convergence},
                                         Bad{"huge_flux", Termination::nonfinite, flag::no_convergence},
                                         Bad{"runs_away", Termination::moved_from_seed, flag::moved_from_seed},
                                         Bad{"dark", Termination::nonpositive_flux, flag::no_convergence},
                                         Bad{"endless", Termination::max_iterations, flag::no_convergence},
                                         Bad{"throws", Termination::nonfinite, flag::no_convergence},
                                         Bad{"throws_an_int", Termination::nonfinite, flag::no_convergence}),
                         [](const auto& bad) { return bad.param.name; });

TEST_F(PluginMethods, ThatThrowAreToldOfOnce) {
  const Result got = run(R"({"method": "own.throws"})");
  ASSERT_EQ(got.logged.size(), 1U);
  EXPECT_EQ(got.logged[0],
            "stars: method own.throws threw: no such star; its stars are windowed centroids with flags (said once)");
}

TEST_F(PluginMethods, EndAtTheRimOfTheStamp) {
  const std::string wide = R"(", "move_limit": 10, "stamp_radius": 1})";
  for (const StarTable& t : run(R"({"method": "own.beside)" + wide).tables) {
    for (std::size_t i = 0; i < t.size(); ++i) EXPECT_EQ(t.termination[i], Termination::moved_from_seed);
  }
  for (const StarTable& t : run(R"({"method": "own.on_the_rim)" + wide).tables) {
    for (std::size_t i = 0; i < t.size(); ++i) EXPECT_EQ(t.termination[i], Termination::converged);
  }
}

TEST_F(PluginMethods, CountNoIterationsBelowNone) {
  for (const StarTable& t : run(R"({"method": "own.backwards"})").tables) {
    for (std::size_t i = 0; i < t.size(); ++i) EXPECT_EQ(t.iterations[i], 0);
  }
}

TEST_F(PluginMethods, GiveTheSameBytesForOneStarAndForSeveralAtOnce) {
  const Result one = run(R"({"method": "own.mean", "own": {"mean": {"px": 0.25}}})");
  const Result several = run(R"({"method": "own.means", "own": {"means": {"px": 0.25}}})");
  for (std::size_t frame = 0; frame < one.tables.size(); ++frame) {
    const StarTable &a = one.tables[frame], &b = several.tables[frame];
    EXPECT_EQ(a.x, b.x);
    EXPECT_EQ(a.y_err, b.y_err);
    EXPECT_EQ(a.flux, b.flux);
    EXPECT_EQ(a.flags, b.flags);
  }
}

TEST_F(PluginMethods, ThatThrowForOneOfSeveralStarsKeepTheOthers) {
  const Result several = run(R"({"method": "own.halves"})"), one = run(R"({"method": "own.half"})");
  std::size_t thrown = 0;
  for (std::size_t frame = 0; frame < one.tables.size(); ++frame) {
    const StarTable &a = one.tables[frame], &b = several.tables[frame];
    EXPECT_EQ(a.x, b.x);
    EXPECT_EQ(a.termination, b.termination);
    thrown += static_cast<std::size_t>(std::ranges::count(b.termination, Termination::nonfinite));
  }
  EXPECT_GT(thrown, 0U);
  EXPECT_LT(thrown, several.rows);
}

TEST_F(PluginMethods, HaveNoErrorsWhereTheirVarianceIsNone) {
  for (const StarTable& t : run(R"({"method": "own.negative_variance"})").tables) {
    for (std::size_t i = 0; i < t.size(); ++i) {
      EXPECT_TRUE(std::isnan(t.x_err[i]) && std::isnan(t.xy_cov[i]) && std::isnan(t.flux_err[i]));
      EXPECT_NE(t.flags[i] & flag::no_covariance, 0U);
      EXPECT_EQ(t.method_used[i], Method::plugin);
    }
  }
}

TEST_F(PluginMethods, MayMeasureNoFlux) {
  for (const StarTable& t : run(R"({"method": "own.no_flux"})").tables) {
    for (std::size_t i = 0; i < t.size(); ++i) {
      EXPECT_TRUE(std::isnan(t.flux[i]));
      EXPECT_EQ(t.termination[i], Termination::converged);
      EXPECT_EQ(t.method_used[i], Method::plugin);
    }
  }
}

TEST_F(PluginMethods, AreSuggested) {
  EXPECT_NE(problems(R"({"method": "own.maen"})").find("did you mean \"own.mean\"?"), std::string::npos);
}

TEST_F(PluginMethods, HaveTheRangesOfTheirOptionsChecked) {
  EXPECT_NE(problems(R"({"method": "own.mean", "own": {"mean": {"px": 2}}})")
                .find("nodes[2].options.own.mean.px: 2 is out of range: wants a number in 0..1"),
            std::string::npos);
  EXPECT_NE(problems(R"({"method": "own.mean", "own": {"mean": {"px": 0.95}}})").find("is too far for this method"),
            std::string::npos);
}

TEST_F(PluginMethods, RefuseOptionsOfAnother) {
  const std::string text = problems(R"({"method": "windowed", "own": {"mean": {"px": 0.5}}})");
  EXPECT_NE(text.find("the option \"own.mean.px\" of \"stars\" (centroid) goes only with \"method\" \"own.mean\""),
            std::string::npos)
      << text;
  EXPECT_EQ(text.rfind("g.json:4:", 0), 0U) << text;
}

TEST_F(PluginMethods, ChangeTheConfigHashWhereTheyAreUsedOnly) {
  graph::Registry bare;
  register_nodes(bare);
  const auto hash = [](const graph::Registry& registry, const std::string& options) {
    return GraphSpec::parse(text(options), "g.json", registry).config_hash;
  };
  EXPECT_EQ(hash(bare, R"({"method": "windowed"})"), hash(registry_, R"({"method": "windowed"})"));
  EXPECT_NE(hash(registry_, R"({"method": "own.mean"})"),
            hash(registry_, R"({"method": "own.mean", "own": {"mean": {"px": 0.5}}})"));
}

}  // namespace
}  // namespace starflow
