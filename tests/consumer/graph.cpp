// SPDX-License-Identifier: MIT
/// \file
/// A host of its own: loads the installed plugins, runs a graph given as text, and takes the stars from a callback.

#include <starflow/graph/builtin.hpp>
#include <starflow/graph/plugin_loader.hpp>
#include <starflow/graph/runner.hpp>
#include <starflow/sdk/messages.hpp>

#include <cstddef>
#include <cstdio>
#include <exception>

constexpr const char* kGraph = R"({
  "format": "starflow.graph/1", "name": "embedded",
  "nodes": [
    {"id": "sky",   "type": "source.sky", "options": {"frames": 3, "width": 128, "height": 128, "stars": 8, "min_separation": 6}},
    {"id": "det",   "type": "detect",   "in": {"frame": "sky"}},
    {"id": "stars", "type": "centroid", "in": {"frame": "sky", "detections": "det"}} ] })";

int main(int argc, char** argv) try {
  if (argc != 2) return 2;
  starflow::graph::Registry registry;
  starflow::graph::register_builtin(registry);
  starflow::graph::load_plugins({argv[1]}, registry);

  std::size_t stars = 0;
  starflow::graph::RunOptions options;
  options.keep = {"stars.stars"};
  options.on_result = [&stars](const starflow::graph::FrameResult& result) {
    if (const auto* list = result.output("stars", "stars").as<starflow::StarList>()) stars += list->stars.size();
  };
  starflow::graph::GraphRunner runner(starflow::graph::GraphSpec::parse(kGraph, "embedded.json", registry), options);
  const auto report = runner.run();
  std::printf("frames %llu, stars %zu\n", static_cast<unsigned long long>(report.summary.frames), stars);
  return report.summary.complete && report.summary.stars == stars && stars > 0 ? 0 : 1;
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s", e.what());
  return 1;
}
