// SPDX-License-Identifier: MIT
#include "stamps.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace starflow::bench {
namespace {

constexpr double kFwhmPerSigma = 2.354820045030949;

/// Even where cells are narrow: the star's own light ends beyond the stamp, at the cell's border.
constexpr int kCellSides = 2;
constexpr int kMargin = 24;  // px

PixelBox box_about(int x, int y, int radius) { return {x - radius, x + radius + 1, y - radius, y + radius + 1}; }

std::size_t at(const Picture& p, int x, int y) {
  return static_cast<std::size_t>(y) * static_cast<std::size_t>(p.width) + static_cast<std::size_t>(x);
}

Start find_start(const Field& field, int x, int y) {
  const Picture& p = field.picture;
  Start start;
  float brightest = -1;
  for (int j = y - 2; j <= y + 2; ++j) {
    for (int i = x - 2; i <= x + 2; ++i) {
      if (p.f32[at(p, i, j)] <= brightest) continue;
      brightest = p.f32[at(p, i, j)];
      start.x = i;
      start.y = j;
    }
  }
  const int r = field.side / 2;
  std::vector<float> border;
  for (int k = -r; k <= r; ++k) {
    for (const int edge : {-r, r}) {
      border.push_back(p.f32[at(p, start.x + k, start.y + edge)]);
      border.push_back(p.f32[at(p, start.x + edge, start.y + k)]);
    }
  }
  const auto middle = border.begin() + static_cast<std::ptrdiff_t>(border.size() / 2);
  std::ranges::nth_element(border, middle);
  start.level_e = static_cast<double>(*middle);
  start.height_e = static_cast<double>(brightest) - start.level_e;
  start.sigma_px = 1.2 * field.sigma;
  return start;
}

void append_stamp(Field& field, const Start& start) {
  const int r = field.side / 2;
  for (int y = start.y - r; y <= start.y + r; ++y) {
    for (int x = start.x - r; x <= start.x + r; ++x) {
      field.stamps.push_back(static_cast<double>(field.picture.f32[at(field.picture, x, y)]));
    }
  }
}

void fill_detections(Field& field) {
  Detections& d = field.detections;
  d.resize(field.start.size());
  d.fwhm_px = field.fwhm_px();
  for (std::size_t k = 0; k < field.start.size(); ++k) {
    const StarScene& star = field.truth[k];
    d.x[k] = field.start[k].x;
    d.y[k] = field.start[k].y;
    d.peak[k] = field.start[k].height_e;
    d.flux[k] = star.flux_e;
    d.xx[k] = d.yy[k] = field.sigma * field.sigma + 1.0 / 12;
    d.xy[k] = 0;
    d.n_pix[k] = 25;
    d.id[k] = static_cast<std::int64_t>(k);
    d.flags[k] = 0;
  }
}

}  // namespace

double sigma_of_stamp(int side) {
  switch (side) {
    case 9: return 1.0;
    case 15: return 1.5;
    case 21: return 2.2;
    case 31: return 3.2;
    default: break;
  }
  return side / 10.0;
}

double Field::fwhm_px() const { return kFwhmPerSigma * sigma; }

FrameView Picture::view(PixelType type) const {
  FrameView v;
  v.type = type;
  v.width = width;
  v.height = height;
  const bool whole = type == PixelType::u16;
  v.pixels = whole ? static_cast<const void*>(u16.data()) : f32.data();
  v.row_bytes = static_cast<std::ptrdiff_t>(whole ? sizeof(std::uint16_t) : sizeof(float)) * width;
  return v;
}

Picture draw(std::span<const StarScene> stars, int width, int height, int reach, std::uint64_t seed) {
  Picture p{width, height, {}, {}};
  p.f32.assign(static_cast<std::size_t>(width) * static_cast<std::size_t>(height), static_cast<float>(kSkyE));
  std::vector<double> light;
  for (const StarScene& star : stars) {
    PixelBox box = box_about(static_cast<int>(std::lround(star.x)), static_cast<int>(std::lround(star.y)), reach);
    box = {std::max(box.x_begin, 0), std::min(box.x_end, width), std::max(box.y_begin, 0), std::min(box.y_end, height)};
    light.resize(static_cast<std::size_t>(box.width()) * static_cast<std::size_t>(box.height()));
    pixel_light(star.shape, star.x, star.y, box, light);
    std::size_t k = 0;
    for (int y = box.y_begin; y < box.y_end; ++y) {
      for (int x = box.x_begin; x < box.x_end; ++x) p.f32[at(p, x, y)] += static_cast<float>(star.flux_e * light[k++]);
    }
  }
  std::mt19937_64 bits(seed);
  std::normal_distribution<float> normal;
  p.u16.reserve(p.f32.size());
  for (float& pixel : p.f32) {
    pixel += std::sqrt(pixel + static_cast<float>(kReadNoiseE * kReadNoiseE)) * normal(bits);
    p.u16.push_back(static_cast<std::uint16_t>(std::clamp(std::round(pixel), 0.0F, 65535.0F)));
  }
  return p;
}

StarScene random_star(Profile profile, double sigma, double faintest_e, double brightest_e, std::mt19937_64& bits) {
  std::uniform_real_distribution<double> part;
  const double fwhm = kFwhmPerSigma * sigma;
  StarScene star;
  star.shape = star_shape(profile, fwhm, 0, 0, kMoffatBeta);
  star.shape.width_u *= 1 + 0.1 * (2 * part(bits) - 1);
  star.shape.width_v *= 1 + 0.1 * (2 * part(bits) - 1);
  const double height_e = faintest_e * std::pow(brightest_e / faintest_e, part(bits));
  const double area = std::numbers::pi * star.shape.width_u * star.shape.width_v;
  if (profile == Profile::moffat) {
    star.shape.theta_rad = std::numbers::pi * part(bits);
    star.flux_e = height_e * area / (kMoffatBeta - 1);
  } else {
    star.flux_e = height_e * 2 * area;
  }
  star.background_e = kSkyE;
  star.read_noise_e = kReadNoiseE;
  return star;
}

Field make_field(Profile profile, int side) {
  Field field;
  field.side = side;
  field.cell = kCellSides * side;
  field.margin = kMargin;
  field.sigma = sigma_of_stamp(side);
  field.columns = static_cast<int>(std::ceil(std::sqrt(static_cast<double>(kStars))));
  const int rows = (static_cast<int>(kStars) + field.columns - 1) / field.columns;
  std::mt19937_64 bits(20260101 + static_cast<std::uint64_t>(side));
  std::uniform_real_distribution<double> phase(-0.5, 0.5);
  for (int k = 0; k < static_cast<int>(kStars); ++k) {
    StarScene star = random_star(profile, field.sigma, kFaintestE, kBrightestE, bits);
    star.x = kMargin + k % field.columns * field.cell + side + phase(bits);
    star.y = kMargin + k / field.columns * field.cell + side + phase(bits);
    field.truth.push_back(star);
  }
  const int width = field.columns * field.cell + 2 * kMargin, height = rows * field.cell + 2 * kMargin;
  field.picture = draw(field.truth, width, height, side - 1, 1);
  field.background = estimate_background(draw({}, width, height, 0, 2).view(PixelType::f32), {}, serial_for);
  const FreeWidths widths = profile == Profile::moffat ? FreeWidths::three : FreeWidths::two;
  for (const StarScene& star : field.truth) {
    const Start start = find_start(field, static_cast<int>(std::lround(star.x)), static_cast<int>(std::lround(star.y)));
    field.start.push_back(start);
    append_stamp(field, start);
    field.bound.push_back(cramer_rao(star, box_about(start.x, start.y, side / 2), widths));
  }
  fill_detections(field);
  return field;
}

Detections some_of(const Detections& all, std::size_t first, std::size_t n) {
  Detections some;
  some.resize(n);
  some.fwhm_px = all.fwhm_px;
  for (std::size_t k = 0; k < n; ++k) {
    some.x[k] = all.x[first + k];
    some.y[k] = all.y[first + k];
    some.peak[k] = all.peak[first + k];
    some.flux[k] = all.flux[first + k];
    some.xx[k] = all.xx[first + k];
    some.yy[k] = all.yy[first + k];
    some.xy[k] = all.xy[first + k];
    some.n_pix[k] = all.n_pix[first + k];
    some.id[k] = all.id[first + k];
    some.flags[k] = all.flags[first + k];
  }
  return some;
}

}  // namespace starflow::bench
