// SPDX-License-Identifier: MIT
// The benchmarks that the optimization plan of the centroid module named, before this engine: one centroid, a hundred,
// and one Gaussian fit, each asked for as a caller of that module would.
#include <memory>

#include "methods.hpp"

namespace starflow::bench {
namespace {

constexpr int kSide = 15;
constexpr std::size_t kBatch = 100;

/// Runs measure() on the first \p stars of the field, \p at_once in a call.
void prepare(Case& c, const char* method, std::size_t stars, std::size_t at_once) {
  const Field& field = field_of(Profile::gaussian, kSide);
  const auto session = std::make_shared<Session>();
  const auto calls = std::make_shared<std::vector<Detections>>();
  for (std::size_t k = 0; k < stars; k += at_once) calls->push_back(some_of(field.detections, k, at_once));
  const MeasureOptions options = with_stamp(preset(method).options, field);
  c.run = [&field, session, calls, options] {
    for (const Detections& some : *calls) session->run(field, PixelType::f32, some, options);
  };
  c.run();
  const std::size_t before = allocations();
  c.run();
  c.quality.allocs_per_star = static_cast<double>(allocations() - before) / static_cast<double>(stars);
}

double count(const char* method, std::size_t stars) {
  const Field& field = field_of(Profile::gaussian, kSide);
  Session session;
  const MeasureOptions options = with_stamp(preset(method).options, field);
  const Detections some = some_of(field.detections, 0, stars);
  session.run(field, PixelType::f32, some, options);
  const std::size_t before = allocations();
  session.run(field, PixelType::f32, some, options);
  return static_cast<double>(allocations() - before);
}

}  // namespace

void add_seed_cases(std::vector<Case>& cases) {
  const auto add = [&cases](const char* name, const char* method, std::size_t at_once) {
    cases.push_back(
        {name, kSide, "f32", kBatch, [method, at_once](Case& c) { prepare(c, method, kBatch, at_once); }, {}, {}});
  };
  add("compute_centroid_single", "windowed", 1);
  add("compute_centroid_batch_100", "windowed", kBatch);
  add("gaussian_fit_single", "gaussian", 1);
}

SeedAllocations count_seed_allocations() {
  return {count("windowed", 1), count("gaussian", 1), count("gaussian", 1000)};
}

}  // namespace starflow::bench
