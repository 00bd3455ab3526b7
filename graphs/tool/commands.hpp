// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The subcommands. Each takes what its part of the command line said and returns an exit code.

#include <starflow/graph/graph_spec.hpp>
#include <starflow/graph/runner.hpp>

#include <optional>
#include <string>
#include <vector>

namespace starflow::tool {

struct RunArguments {
  std::string graph;
  std::vector<std::string> inputs;  ///< the parameter `input`
  std::string output;               ///< the parameter `output`; empty = the graph's
  std::vector<std::string> set;     ///< "path=value"
  int threads = -1;                 ///< -1 = the graph's
  graph::Overrides more;            ///< from options of a command that is written in terms of run
  bool force = false;
  bool resume = false;
  std::optional<graph::Shard> shard;
  bool quiet = false;
  bool stage_times = false;
  bool node_times = false;
  std::string trace;      ///< file of events; empty = none
  std::string log_level;  ///< empty = info, or warning where quiet
  std::vector<std::string> plugin_dirs;
};

struct MeasureArguments {
  std::vector<std::string> images;
  std::string method = "gaussian";  ///< name of a preset
  std::string fwhm = "auto";
  std::string output = "-";
  bool force = false;
  bool quiet = false;
  std::vector<std::string> plugin_dirs;
};

struct InspectArguments {
  std::string what = "types";  ///< types | type | methods | plugins | simd
  std::string name;            ///< of a type
  std::vector<std::string> plugin_dirs;
};

struct MergeArguments {
  std::vector<std::string> shards;  ///< their main outputs
  std::string output;
  bool force = false;
  bool quiet = false;
  std::vector<std::string> plugin_dirs;
};

struct ReportArguments {
  std::vector<std::string> results;
  std::string output = "report.html";
  std::string overlays;  ///< where the pictures of frames are; empty = none
  std::string title;
  bool force = false;
  bool quiet = false;
};

int command_run(const RunArguments& arguments);
int command_measure(const MeasureArguments& arguments);
int command_merge(const MergeArguments& arguments);
int command_validate(const RunArguments& arguments);
/// Every value of the graph under \p path with where it came from; all where it is empty.
int command_explain(const RunArguments& arguments, const std::string& path);
/// The picture of a graph: the text for Graphviz, or drawn by it.
int command_graph(const RunArguments& arguments, bool svg);
int command_inspect(const InspectArguments& arguments);
int command_report(const ReportArguments& arguments);
int command_schema(const std::vector<std::string>& plugin_dirs);

}  // namespace starflow::tool
