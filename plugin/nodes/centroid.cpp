// SPDX-License-Identifier: MIT
/// \file
/// Node `centroid`: frame and detections in, measured stars out.

#include <starflow/core/measure.hpp>
#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/node.hpp>

#include "background_options.hpp"
#include "register.hpp"
#include "workspace_pool.hpp"

#include <algorithm>
#include <array>
#include <string_view>

namespace starflow {
namespace {

constexpr std::array<std::string_view, 3> kWindowNames = {"fwhm", "half_light", "given"};  // in the order of WindowFrom

/// Names that the seed of this project used for the same methods.
struct Alias {
  std::string_view name;
  Method method;
};
constexpr std::array<Alias, 2> kAliases = {
    {{"weighted_moments", Method::windowed}, {"gaussian_fit", Method::gaussian}}};

Method method_of(std::string_view name) {
  for (const Alias& a : kAliases) {
    if (a.name == name) return a.method;
  }
  return static_cast<Method>(std::ranges::find(kMethodNames, name) - std::begin(kMethodNames));
}

WindowFrom window_of(std::string_view name) {
  return static_cast<WindowFrom>(std::ranges::find(kWindowNames, name) - kWindowNames.begin());
}

class Centroid final : public Node {
 public:
  explicit Centroid(const Options& o) {
    options_.method = method_of(o.text("method"));
    options_.window = window_of(o.text("window.from"));
    options_.fwhm_px = read_fwhm(o);
    options_.stamp_radius = o.number("stamp_radius");
    options_.move_limit = o.number("move_limit");
    options_.max_iterations = static_cast<int>(o.integer("max_iterations"));
    if (o.has("window.sigma_px")) options_.window_sigma_px = o.number("window.sigma_px");
    if ((options_.window == WindowFrom::given) != o.has("window.sigma_px")) {
      throw OptionError("window.sigma_px", "goes with \"from\": \"given\", each needs the other");
    }
  }

  void process(Context& c) override {
    const auto& frame = c.in<Frame>(0);
    const auto& found = c.in<DetectionList>(1);
    StarList out;
    out.frame = frame.share_info();
    out.background_adu = found.background->median_level();
    out.noise_adu = found.background->median_noise();
    out.background_reliable = found.background->reliable();
    out.fwhm_px = used_fwhm_px(found.detections, options_);
    out.rejected = found.rejected;
    const auto workspace = workspaces_.borrow();
    measure(frame.view(), *found.background, frame.info().detector(), found.detections, options_, c.parallel(),
            *workspace, out.stars);
    c.out(0, std::move(out));
  }

 private:
  MeasureOptions options_;
  WorkspacePool<MeasureWorkspace> workspaces_;
};

std::vector<std::string> method_choices() {
  std::vector<std::string> names(std::begin(kMethodNames), std::end(kMethodNames));
  for (const Alias& a : kAliases) names.emplace_back(a.name);
  return names;
}

std::vector<OptionSpec> options() {
  const MeasureOptions d;
  return {
      {.name = "method",
       .form = Accepts::text,
       .fallback = std::string(kMethodNames[static_cast<std::size_t>(d.method)]),
       .doc = "Estimator of the position.",
       .choices = method_choices()},
      {.name = "window.from",
       .form = Accepts::text,
       .fallback = std::string(kWindowNames[static_cast<std::size_t>(d.window)]),
       .doc =
           "Width of the centroid window: the frame's FWHM, each star's half-light radius (as SExtractor), or given.",
       .choices = {kWindowNames.begin(), kWindowNames.end()}},
      {.name = "window.sigma_px",
       .form = Accepts::number,
       .doc = "Standard deviation of a given window.",
       .unit = "px",
       .minimum = 0.2,
       .maximum = 50},
      fwhm_option("as the detections say"),
      {.name = "stamp_radius",
       .form = Accepts::number,
       .fallback = d.stamp_radius,
       .doc = "Half side of the fitted square.",
       .unit = "FWHM",
       .minimum = 0.5,
       .maximum = 10},
      {.name = "move_limit",
       .form = Accepts::number,
       .fallback = d.move_limit,
       .doc = "A position farther than this from its detection is refused.",
       .unit = "FWHM",
       .minimum = 0.1,
       .maximum = 10},
      {.name = "max_iterations",
       .form = Accepts::integer,
       .fallback = std::int64_t{d.max_iterations},
       .doc = "Iterations after which a star counts as not converged.",
       .minimum = 1,
       .maximum = 1000}};
}

}  // namespace

NodeType centroid_type() {
  return {.name = "centroid",
          .doc = "Measures every detection: position with covariance, flux, shape, flags.",
          .inputs = {{"frame", message_type<Frame>, "the frame that was searched"},
                     {"detections", message_type<DetectionList>, "what to measure"}},
          .outputs = {{"stars", message_type<StarList>, "one row a detection"}},
          .options = options(),
          .make = factory_of<Centroid>()};
}

}  // namespace starflow
