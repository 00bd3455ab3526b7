// SPDX-License-Identifier: MIT
#include "methods.hpp"

#include <array>
#include <memory>
#include <stdexcept>
#include <utility>

namespace starflow::bench {
namespace {

constexpr std::array<std::pair<PixelType, const char*>, 2> kTypes = {
    {{PixelType::f32, "f32"}, {PixelType::u16, "u16"}}};

MeasureOptions of(Method method, Outline outline = Outline::axis_aligned) {
  MeasureOptions o;
  o.method = method;
  o.outline = outline;
  return o;
}

/// The rows of \p table in the order of the field's stars: a row belongs to the cell that it stands in.
std::vector<Position> positions_of(const Field& field, const StarTable& table) {
  std::vector<Position> positions(field.truth.size());
  for (Position& p : positions) p.failed = true;
  for (std::size_t k = 0; k < table.size(); ++k) {
    const double x = table.x[k] - field.margin, y = table.y[k] - field.margin;
    if (!(x >= 0 && y >= 0)) continue;
    const std::size_t cell =
        static_cast<std::size_t>(y) / static_cast<std::size_t>(field.cell) * static_cast<std::size_t>(field.columns) +
        static_cast<std::size_t>(x) / static_cast<std::size_t>(field.cell);
    if (cell >= positions.size()) continue;
    const bool other = table.method_used[k] != table.method[k] || table.termination[k] != Termination::converged;
    positions[cell] = {table.x[k], table.y[k], static_cast<double>(table.iterations[k]), other};
  }
  return positions;
}

void prepare(Case& c, const Preset& p, PixelType type) {
  const Field& field = field_of(p.truth, c.stamp);
  const auto session = std::make_shared<Session>();
  const MeasureOptions options = with_stamp(p.options, field);
  session->run(field, type, field.detections, options);
  const std::size_t before = allocations();
  session->run(field, type, field.detections, options);
  const std::size_t allocated = allocations() - before;
  c.quality = judge(field, positions_of(field, session->stars));
  c.quality.allocs_per_star = static_cast<double>(allocated) / static_cast<double>(field.truth.size());
  c.run = [&field, type, session, options] { session->run(field, type, field.detections, options); };
}

}  // namespace

std::vector<Preset> presets() {
  std::vector<Preset> all;
  const auto add = [&all](const char* name, const MeasureOptions& options) {
    all.push_back({name, options.method == Method::moffat ? Profile::moffat : Profile::gaussian, options});
  };
  add("windowed", of(Method::windowed));
  add("adaptive", of(Method::adaptive));
  add("moments", of(Method::moments));
  add("quadratic", of(Method::quadratic));
  MeasureOptions least_squares = of(Method::gaussian);
  least_squares.estimator = Estimator::least_squares;
  add("gaussian_ls", least_squares);
  add("gaussian", of(Method::gaussian));
  add("gaussian_circular", of(Method::gaussian, Outline::circular));
  add("gaussian_rotated", of(Method::gaussian, Outline::rotated));
  add("moffat", of(Method::moffat, Outline::circular));
  add("moffat_rotated", of(Method::moffat, Outline::rotated));
  MeasureOptions free_beta = of(Method::moffat, Outline::circular);
  free_beta.free_beta = true;
  add("moffat_free", free_beta);
  return all;
}

const Preset& preset(const std::string& name) {
  static const std::vector<Preset> all = presets();
  for (const Preset& p : all) {
    if (p.name == name) return p;
  }
  throw std::invalid_argument("no preset " + name);
}

void Session::run(const Field& field, PixelType type, const Detections& detections, const MeasureOptions& options) {
  measure(field.picture.view(type), field.background, kDetector, detections, options, serial_for, workspace, stars);
}

MeasureOptions with_stamp(MeasureOptions options, const Field& field) {
  options.fwhm_px = field.fwhm_px();
  // The half side is rounded up to whole pixels; a quarter less stays clear of the rounding.
  options.stamp_radius = (field.side / 2 - 0.25) / field.fwhm_px();
  return options;
}

void add_methods(std::vector<Case>& cases) {
  for (const int side : {9, 15, 21, 31}) {
    for (const Preset& p : presets()) {
      for (const auto& [type, name] : kTypes) {
        cases.push_back({p.name, side, name, kStars, [p, type = type](Case& c) { prepare(c, p, type); }, {}, {}});
      }
    }
  }
}

}  // namespace starflow::bench
