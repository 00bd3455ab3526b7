// SPDX-License-Identifier: MIT
// SEP: SExtractor as a library. Its windowed centroid on a frame without its sky, and its way through a whole frame:
// background, extraction, windowed centroids, with the defaults of its documentation.
#include <cstddef>
extern "C" {  // a C header, which takes size_t for granted
#include <sep.h>
}

#include <memory>
#include <stdexcept>

#include "cases.hpp"
#include "frames.hpp"

namespace starflow::bench {
namespace {

constexpr int kSubpixels = 11;  // as SExtractor

sep_image image_of(const std::vector<float>& pixels, int width, int height) {
  sep_image image{};
  image.data = pixels.data();
  image.dtype = SEP_TFLOAT;
  image.w = width;
  image.h = height;
  image.noise_type = SEP_NOISE_NONE;
  image.gain = 1;
  return image;
}

Position winpos(const sep_image& image, double x, double y, double sigma) {
  Position p;
  int iterations = 0;
  short flags = 0;
  const int status = sep_windowed(&image, x, y, sigma, kSubpixels, 0, &p.x, &p.y, &iterations, &flags);
  p.iterations = iterations;
  p.failed = status != 0;
  return p;
}

void prepare_winpos(Case& c) {
  const Field& field = field_of(Profile::gaussian, c.stamp);
  const auto pixels = std::make_shared<std::vector<float>>(field.picture.f32);
  for (float& pixel : *pixels) pixel -= static_cast<float>(kSkyE);
  const sep_image image = image_of(*pixels, field.picture.width, field.picture.height);
  const auto out = std::make_shared<std::vector<Position>>(field.start.size());
  c.run = [&field, pixels, image, out] {
    for (std::size_t k = 0; k < out->size(); ++k) {
      (*out)[k] = winpos(image, field.start[k].x, field.start[k].y, field.sigma);
    }
  };
  c.run();
  c.quality = judge(field, *out);
}

using Catalog = std::unique_ptr<sep_catalog, decltype(&sep_catalog_free)>;

/// Background, subtraction, extraction; SEP takes the sky off in place, so it works on a copy.
Catalog extract(const Picture& picture, std::vector<float>& pixels) {
  constexpr float kThreshold = 1.5F;
  constexpr int kLeastPixels = 5, kDeblendLevels = 32, kTile = 64, kFilter = 3;
  constexpr double kDeblendContrast = 0.005;
  static constexpr float kKernel[] = {1, 2, 1, 2, 4, 2, 1, 2, 1};
  pixels = picture.f32;
  const sep_image image = image_of(pixels, picture.width, picture.height);
  sep_bkg* sky = nullptr;
  if (sep_background(&image, kTile, kTile, kFilter, kFilter, 0, &sky) != 0) throw std::runtime_error("sep_background");
  sep_bkg_subarray(sky, pixels.data(), SEP_TFLOAT);
  sep_catalog* found = nullptr;
  const int status = sep_extract(&image, kThreshold * sep_bkg_globalrms(sky), SEP_THRESH_ABS, kLeastPixels, kKernel, 3,
                                 3, SEP_FILTER_CONV, kDeblendLevels, kDeblendContrast, 1, 1, &found);
  sep_bkg_free(sky);
  if (status != 0) throw std::runtime_error("sep_extract");
  return {found, &sep_catalog_free};
}

/// One frame.
std::size_t through_frame(const Picture& picture, std::vector<float>& pixels, double sigma) {
  const Catalog found = extract(picture, pixels);
  const sep_image image = image_of(pixels, picture.width, picture.height);
  const auto n = static_cast<std::size_t>(found->nobj);
  for (std::size_t k = 0; k < n; ++k) {
    if (winpos(image, found->x[k], found->y[k], sigma).failed) throw std::runtime_error("sep_windowed");
  }
  return n;
}

using Sky = std::unique_ptr<sep_bkg, decltype(&sep_bkg_free)>;

Sky background(const Picture& picture) {
  constexpr int kTile = 64, kFilter = 3;
  const sep_image image = image_of(picture.f32, picture.width, picture.height);
  sep_bkg* sky = nullptr;
  if (sep_background(&image, kTile, kTile, kFilter, kFilter, 0, &sky) != 0) throw std::runtime_error("sep_background");
  return {sky, &sep_bkg_free};
}

void prepare_background(Case& c) {
  c.run = [] { background(frame_picture()); };
}

/// Row by row, as ours are read.
void prepare_rows(Case& c) {
  const auto sky = std::make_shared<const Sky>(background(frame_picture()));
  c.run = [sky] {
    std::vector<float> level(kFrameSide), noise(kFrameSide);
    for (int y = 0; y < kFrameSide; ++y) {
      sep_bkg_line(sky->get(), y, level.data(), SEP_TFLOAT);
      sep_bkg_rmsline(sky->get(), y, noise.data(), SEP_TFLOAT);
    }
  };
}

}  // namespace

void add_sep_cases(std::vector<Case>& cases) {
  for (const int side : {9, 15, 21, 31}) cases.push_back({"sep_winpos", side, "f32", kStars, prepare_winpos, {}, {}});
  cases.push_back({"sep_detection",
                   0,
                   "f32",
                   1,
                   [](Case& c) {
                     const auto pixels = std::make_shared<std::vector<float>>();
                     c.stars = static_cast<std::size_t>(extract(frame_picture(), *pixels)->nobj);
                     c.run = [pixels] { (void)extract(frame_picture(), *pixels); };
                   },
                   {},
                   {}});
  cases.push_back({"sep_background", 0, "f32", 1, prepare_background, {}, {}});
  cases.push_back({"sep_background_rows", 0, "f32", 1, prepare_rows, {}, {}});
  cases.push_back({"sep_frame",
                   0,
                   "f32",
                   1,
                   [](Case& c) {
                     const auto pixels = std::make_shared<std::vector<float>>();
                     c.stars = through_frame(frame_picture(), *pixels, kFrameSigma);
                     c.run = [pixels] { through_frame(frame_picture(), *pixels, kFrameSigma); };
                   },
                   {},
                   {}});
}

}  // namespace starflow::bench
