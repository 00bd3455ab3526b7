// SPDX-License-Identifier: MIT
#include "frames.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <memory>

#include "methods.hpp"

namespace starflow::bench {
namespace {

constexpr double kFrameFaintestE = 50;
constexpr std::size_t kDenseStars = 100000;
constexpr double kDenseSigma = 0.934;  // px, FWHM 2.2

/// Background, detection and measurement, nothing given but the pixels and the sensor; near stars together, as the
/// centroid node fits them unless told otherwise.
std::size_t through_frame(const Picture& picture, const std::string& method, PixelType type, Session& session) {
  const FrameView view = picture.view(type);
  const Background background = estimate_background(view, {}, serial_for);
  const Detections found = detect(view, background, kDetector, {}, serial_for, session.search);
  MeasureOptions options = preset(method).options;
  options.neighbours = method == "windowed" ? Neighbours::ignore : Neighbours::group;
  measure(view, background, kDetector, found, options, serial_for, session.workspace, session.stars);
  return session.stars.size();
}

void add(std::vector<Case>& cases,
         const std::string& name,
         const Picture& (*picture)(),
         const std::string& method,
         PixelType type,
         const char* type_name) {
  const auto prepare = [picture, method, type](Case& c) {
    const auto session = std::make_shared<Session>();
    c.stars = through_frame(picture(), method, type, *session);
    c.run = [picture, method, type, session] { through_frame(picture(), method, type, *session); };
  };
  cases.push_back({name, 0, type_name, 1, prepare, {}, {}});
}

/// All that comes before the measurement.
void add_detection(std::vector<Case>& cases, PixelType type, const char* type_name) {
  const auto prepare = [type](Case& c) {
    const auto workspace = std::make_shared<DetectWorkspace>();
    const auto find = [type, workspace] {
      const FrameView view = frame_picture().view(type);
      return detect(view, estimate_background(view, {}, serial_for), kDetector, {}, serial_for, *workspace).size();
    };
    c.stars = find();
    c.run = [find] { (void)find(); };
  };
  cases.push_back({"detection", 0, type_name, 1, prepare, {}, {}});
}

/// The mesh alone, and the rows of level and weight that a filter reads from it.
void add_background(std::vector<Case>& cases, PixelType type, const char* type_name) {
  const auto estimate = [type](Case& c) {
    c.run = [type] { (void)estimate_background(frame_picture().view(type), {}, serial_for); };
  };
  cases.push_back({"background", 0, type_name, 1, estimate, {}, {}});
  const auto rows = [type](Case& c) {
    const auto background =
        std::make_shared<const Background>(estimate_background(frame_picture().view(type), {}, serial_for));
    c.run = [background] {
      std::vector<float> level(kFrameSide), per_noise(kFrameSide);
      for (int y = 0; y < kFrameSide; ++y) background->weighted_row(y, level, per_noise);
    };
  };
  cases.push_back({"background_rows", 0, type_name, 1, rows, {}, {}});
}

template <class T>
void add_copy(std::vector<Case>& cases, const char* type_name, const std::vector<T> Picture::*pixels) {
  const auto prepare = [pixels](Case& c) {
    const std::vector<T>& from = frame_picture().*pixels;
    const auto to = std::make_shared<std::vector<T>>(from);
    c.run = [&from, to] { std::memcpy(to->data(), from.data(), from.size() * sizeof(T)); };
  };
  cases.push_back({"memcpy", 0, type_name, 1, prepare, {}, {}});
}

/// Stars anywhere in the frame.
Picture scatter(std::size_t count, double sigma, std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  std::uniform_real_distribution<double> place(0, kFrameSide - 1);
  std::vector<StarScene> stars;
  for (std::size_t k = 0; k < count; ++k) {
    StarScene star = random_star(Profile::gaussian, sigma, kFrameFaintestE, kBrightestE, bits);
    star.x = place(bits);
    star.y = place(bits);
    stars.push_back(star);
  }
  return draw(stars, kFrameSide, kFrameSide, 12, 3);
}

const Picture& dense_picture() {
  static const Picture picture = scatter(kDenseStars, kDenseSigma, 20260103);
  return picture;
}

}  // namespace

const Picture& frame_picture() {
  static const Picture picture = scatter(kFrameStars, kFrameSigma, 20260102);
  return picture;
}

void add_frames(std::vector<Case>& cases) {
  for (const std::string method : {"windowed", "gaussian", "moffat"}) {
    add(cases, "frame_" + method, frame_picture, method, PixelType::f32, "f32");
    add(cases, "frame_" + method, frame_picture, method, PixelType::u16, "u16");
  }
  add(cases, "dense_gaussian", dense_picture, "gaussian", PixelType::u16, "u16");
  add_detection(cases, PixelType::f32, "f32");
  add_detection(cases, PixelType::u16, "u16");
  add_background(cases, PixelType::f32, "f32");
  add_background(cases, PixelType::u16, "u16");
  add_copy(cases, "f32", &Picture::f32);
  add_copy(cases, "u16", &Picture::u16);
}

double peak_mib(const std::string& method, PixelType type) {
  (void)frame_picture();
  int ends[2];
  if (pipe(ends) != 0) return Quality::kNone;
  const pid_t child = fork();
  if (child < 0) return Quality::kNone;
  if (child == 0) {
    Session session;
    through_frame(frame_picture(), method, type, session);
    rusage used{};
    getrusage(RUSAGE_SELF, &used);
    const double mib = static_cast<double>(used.ru_maxrss) / 1024;
    const bool told = write(ends[1], &mib, sizeof mib) == static_cast<ssize_t>(sizeof mib);
    _exit(told ? 0 : 1);
  }
  close(ends[1]);
  double mib = Quality::kNone;
  if (read(ends[0], &mib, sizeof mib) != static_cast<ssize_t>(sizeof mib)) mib = Quality::kNone;
  close(ends[0]);
  waitpid(child, nullptr, 0);
  return mib;
}

}  // namespace starflow::bench
