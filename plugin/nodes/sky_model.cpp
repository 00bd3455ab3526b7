// SPDX-License-Identifier: MIT
#include "sky_model.hpp"

#include "point_grid.hpp"

#include <starflow/sdk/node.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <string>

namespace starflow {
namespace {

constexpr double kStampRadius = 4;  // FWHM: pixels that the bound counts, and the width of the edge
constexpr double kIsolation = 6;    // FWHM
constexpr double kDensest = 0.35;   // of the area; random discs jam at 0.547 and become slow to place before
constexpr int kPlacingTries = 10'000;
// Streams of random numbers: frame n uses 2n and 2n + 1, the sensor the last.
constexpr std::uint64_t kSensorStream = ~std::uint64_t{0};

PixelBox box_around(double x, double y, double radius, int width, int height) {
  const auto low = [](double v) { return static_cast<int>(std::max(0.0, std::ceil(v))); };
  const auto high = [](double v, int n) {
    return static_cast<int>(std::clamp(std::floor(v) + 1, 0.0, static_cast<double>(n)));
  };
  return {low(x - radius), high(x + radius, width), low(y - radius), high(y + radius, height)};
}

/// Where drawing may stop: the light outside is below 1e-6 of the star, or each pixel there below 1e-8 of it (a Moffat
/// of small beta never ends: its outermost light goes missing, 7e-5 of the star for beta 2.5, FWHM 3).
double light_radius(const StarShape& shape) {
  const double wide = std::max(shape.width_u, shape.width_v);
  if (shape.profile == Profile::gaussian) return 6 * wide + 1;
  const double by_light = std::pow(1e-6, 1 / (1 - shape.beta));
  const double by_pixel =
      std::pow((shape.beta - 1) / (std::numbers::pi * shape.width_u * shape.width_v * 1e-8), 1 / shape.beta);
  return wide * std::sqrt(std::min(by_light, by_pixel)) + 1;
}

FreeWidths free_widths(const StarShape& shape) {
  if (shape.profile == Profile::moffat && shape.width_u == shape.width_v) return FreeWidths::one;
  return shape.separable() ? FreeWidths::two : FreeWidths::three;
}

void check(const SkyOptions& o) {
  if (o.snr_max < o.snr_min) throw OptionError("snr_max", "is below snr_min");
  if (std::abs(o.gradient_x_adu) + std::abs(o.gradient_y_adu) > 2 * o.background_adu) {
    throw OptionError("background",
                      "the gradient makes the sky negative at a corner: give at least " +
                          std::to_string(0.5 * (std::abs(o.gradient_x_adu) + std::abs(o.gradient_y_adu))));
  }
  if (!o.floating && o.saturation_adu > 65535)
    throw OptionError("saturation", "u16 pixels hold at most 65535; or use type f32");
  const double disc = 0.25 * std::numbers::pi * std::pow(o.min_separation * o.fwhm_px, 2);
  const double area = static_cast<double>(o.width) * o.height;
  if (o.stars * disc > kDensest * area) {
    throw OptionError("stars", "at most " + std::to_string(static_cast<int>(kDensest * area / disc)) +
                                   " stars of this min_separation and fwhm fit on " + std::to_string(o.width) + "x" +
                                   std::to_string(o.height) + " px");
  }
}

}  // namespace

SkyModel::SkyModel(const SkyOptions& options)
    : options_(options),
      shape_(star_shape(options.profile, options.fwhm_px, options.ellipticity, options.theta_deg, options.beta)) {
  check(options_);
  if (options_.stars > 0) tabulate_flux();
  Random random(options_.seed, kSensorStream);
  const double sigma = std::max(1.0, std::sqrt(options_.gain_e_per_adu * options_.background_adu +
                                               options_.read_noise_e * options_.read_noise_e));
  for (int i = 0; i < options_.hot_pixels; ++i) {
    const int x = static_cast<int>(random.uniform() * options_.width);
    const int y = static_cast<int>(random.uniform() * options_.height);
    hot_.push_back({x, y, sigma * random.log_uniform(10, 1000)});
  }
}

double SkyModel::sky_e(double x, double y) const {
  const double slope_x = options_.gradient_x_adu * ((x + 0.5) / options_.width - 0.5);
  const double slope_y = options_.gradient_y_adu * ((y + 0.5) / options_.height - 0.5);
  return options_.gain_e_per_adu * std::max(0.0, options_.background_adu + slope_x + slope_y);
}

StarBounds SkyModel::bounds(double x, double y, double flux_e) const {
  const StarScene scene{.shape = shape_,
                        .x = x,
                        .y = y,
                        .flux_e = flux_e,
                        .background_e = sky_e(x, y),
                        // Without any noise of its own a dark pixel would count for ever; 1e-3 e- is no noise.
                        .read_noise_e = std::max(options_.read_noise_e, 1e-3)};
  const PixelBox box = box_around(x, y, kStampRadius * options_.fwhm_px, options_.width, options_.height);
  return cramer_rao(scene, box, free_widths(shape_));
}

void SkyModel::tabulate_flux() {
  const double x = std::floor(0.5 * options_.width) + 0.25, y = std::floor(0.5 * options_.height) + 0.25;
  const auto snr = [&](double flux_e) { return flux_e / bounds(x, y, flux_e).flux; };
  // Shot noise alone makes the flux of a star at least the square of its SNR.
  const double faintest = 0.5 * options_.snr_min * options_.snr_min;
  double brightest = options_.snr_max * options_.snr_max;
  while (snr(brightest) < options_.snr_max) brightest *= 2;
  if (!std::isfinite(snr(brightest))) {
    throw OptionError("fwhm", "a frame of " + std::to_string(options_.width) + "x" + std::to_string(options_.height) +
                                  " px does not determine a star of this width");
  }
  constexpr int steps = 48;
  for (int i = 0; i <= steps; ++i) {
    const double flux = faintest * std::pow(brightest / faintest, static_cast<double>(i) / steps);
    log_snr_.push_back(std::log(snr(flux)));
    log_flux_.push_back(std::log(flux));
  }
}

double SkyModel::flux_of(double snr) const {
  const double wanted = std::log(snr);
  const auto above = std::upper_bound(log_snr_.begin() + 1, log_snr_.end() - 1, wanted);
  const auto i = static_cast<std::size_t>(above - log_snr_.begin());
  const double part = (wanted - log_snr_[i - 1]) / (log_snr_[i] - log_snr_[i - 1]);
  return std::exp(log_flux_[i - 1] + part * (log_flux_[i] - log_flux_[i - 1]));
}

void SkyModel::place(Random& random, Truth& truth) const {
  const double apart = options_.min_separation * options_.fwhm_px;
  PointGrid grid(options_.width, options_.height, apart);
  for (int n = 0; n < options_.stars; ++n) {
    double x = 0, y = 0;
    int tries = 0;
    do {
      if (++tries > kPlacingTries) {
        throw FrameError("sky.crowded", "star " + std::to_string(n) + " finds no place " + std::to_string(apart) +
                                            " px from the others: lower stars or min_separation");
      }
      x = random.uniform() * options_.width - 0.5;
      y = random.uniform() * options_.height - 0.5;
    } while (apart > 0 && grid.any_within(x, y, apart));
    if (apart > 0) grid.add(x, y);
    const double flux_e = flux_of(random.log_uniform(options_.snr_min, options_.snr_max));
    const StarBounds bound = bounds(x, y, flux_e);
    truth.x.push_back(x);
    truth.y.push_back(y);
    truth.flux.push_back(flux_e / options_.gain_e_per_adu);
    truth.snr.push_back(flux_e / bound.flux);
    truth.x_crlb.push_back(bound.x);
    truth.y_crlb.push_back(bound.y);
  }
}

std::vector<double> SkyModel::expected(const Truth& truth) const {
  const auto width = static_cast<std::size_t>(options_.width);
  std::vector<double> pixels(width * static_cast<std::size_t>(options_.height));
  std::size_t at = 0;
  for (int y = 0; y < options_.height; ++y) {
    for (int x = 0; x < options_.width; ++x) pixels[at++] = sky_e(x, y);
  }
  const double radius = light_radius(shape_);
  std::vector<double> light;
  for (std::size_t n = 0; n < truth.x.size(); ++n) {
    const PixelBox box = box_around(truth.x[n], truth.y[n], radius, options_.width, options_.height);
    if (box.width() <= 0 || box.height() <= 0) continue;
    const auto columns = static_cast<std::size_t>(box.width());
    light.resize(columns * static_cast<std::size_t>(box.height()));
    pixel_light(shape_, truth.x[n], truth.y[n], box, light);
    const double flux_e = truth.flux[n] * options_.gain_e_per_adu;
    for (std::size_t i = 0; i < light.size(); ++i) {
      const std::size_t row = static_cast<std::size_t>(box.y_begin) + i / columns;
      pixels[row * width + static_cast<std::size_t>(box.x_begin) + i % columns] += flux_e * light[i];
    }
  }
  for (const HotPixel& hot : hot_)
    pixels[static_cast<std::size_t>(hot.y) * width + static_cast<std::size_t>(hot.x)] += hot.level_e;
  return pixels;
}

cv::Mat SkyModel::expose(Random& random, const std::vector<double>& expected_e) const {
  cv::Mat image(options_.height, options_.width, options_.floating ? CV_32FC1 : CV_16UC1);
  std::size_t at = 0;
  for (int y = 0; y < options_.height; ++y) {
    for (int x = 0; x < options_.width; ++x) {
      double electrons = random.poisson(expected_e[at++]);
      if (options_.read_noise_e > 0) electrons += options_.read_noise_e * random.normal();
      const double adu = std::min(electrons / options_.gain_e_per_adu + options_.pedestal_adu, options_.saturation_adu);
      if (options_.floating) {
        image.at<float>(y, x) = static_cast<float>(adu);
      } else {
        image.at<std::uint16_t>(y, x) = static_cast<std::uint16_t>(std::lround(std::clamp(adu, 0.0, 65535.0)));
      }
    }
  }
  return image;
}

/// Sets `isolated`: see Truth, and no hot pixel where the bound looks.
void SkyModel::judge(Truth& truth, const cv::Mat& image) const {
  const double stamp = kStampRadius * options_.fwhm_px, apart = kIsolation * options_.fwhm_px;
  PointGrid stars(options_.width, options_.height, apart), hot(options_.width, options_.height, stamp);
  for (std::size_t n = 0; n < truth.x.size(); ++n) stars.add(truth.x[n], truth.y[n]);
  for (const HotPixel& h : hot_) hot.add(h.x, h.y);
  const auto saturated = [&](double x, double y) {
    const PixelBox box = box_around(x, y, options_.fwhm_px, options_.width, options_.height);
    for (int j = box.y_begin; j < box.y_end; ++j) {
      for (int i = box.x_begin; i < box.x_end; ++i) {
        const double value =
            options_.floating ? static_cast<double>(image.at<float>(j, i)) : image.at<std::uint16_t>(j, i);
        if (value >= std::floor(options_.saturation_adu)) return true;
      }
    }
    return false;
  };
  for (std::size_t n = 0; n < truth.x.size(); ++n) {
    const double x = truth.x[n], y = truth.y[n];
    const bool inside = x >= stamp && y >= stamp && x <= options_.width - 1 - stamp && y <= options_.height - 1 - stamp;
    truth.isolated.push_back(inside && stars.count_within(x, y, apart) == 1 && !hot.any_within(x, y, stamp) &&
                             !saturated(x, y));
  }
}

SkyModel::Picture SkyModel::draw(std::uint64_t frame) const {
  Random stars(options_.seed, 2 * frame), noise(options_.seed, 2 * frame + 1);
  Picture picture;
  place(stars, picture.truth);
  picture.image = expose(noise, expected(picture.truth));
  judge(picture.truth, picture.image);
  return picture;
}

}  // namespace starflow
