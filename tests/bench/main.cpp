// SPDX-License-Identifier: MIT
/// \file
/// Times starflow and its peers on the same stars in the same run and prints one table.
/// Use: starflow_bench [--json FILE] [--simd NAME] [--rounds N] [--filter REGEX]

#include <starflow/core/simd.hpp>

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "rows.hpp"

namespace starflow::bench {
namespace {

struct Arguments {
  std::string json, simd, filter = ".";
  std::string rounds = "9";
};

/// Keeps the time of each round with its case; what Google Benchmark would print is in our table.
class Collector : public benchmark::BenchmarkReporter {
 public:
  explicit Collector(std::vector<Case>& cases) {
    for (Case& c : cases) cases_[c.label()] = &c;
  }
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.run_type != Run::RT_Iteration || run.error_occurred) continue;
      Case& c = *cases_.at(run.run_name.function_name);
      const double units = static_cast<double>(run.iterations) * static_cast<double>(c.units);
      c.us.push_back(1e6 * run.cpu_accumulated_time / units);
    }
  }

 private:
  std::map<std::string, Case*> cases_;
};

[[noreturn]] void refuse(const std::string& what) {
  std::cerr << "starflow_bench: " << what
            << "; known: --json FILE, --simd NAME, --rounds N (9 or more), --filter REGEX\n";
  std::exit(2);
}

Arguments parse(int argc, char** argv) {
  Arguments a;
  for (int k = 1; k < argc; ++k) {
    const std::string name = argv[k];
    std::string* value = name == "--json"     ? &a.json
                         : name == "--simd"   ? &a.simd
                         : name == "--rounds" ? &a.rounds
                         : name == "--filter" ? &a.filter
                                              : nullptr;
    if (value == nullptr) refuse("unknown argument '" + name + "'");
    if (++k == argc) refuse(name + " needs a value");
    *value = argv[k];
  }
  if (std::atoi(a.rounds.c_str()) < 9) refuse("--rounds " + a.rounds);
  return a;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  add_methods(cases);
  add_kernels(cases);
  add_seed_cases(cases);
  add_frames(cases);
#ifdef STARFLOW_BENCH_CERES
  add_ceres_cases(cases);
#endif
#ifdef STARFLOW_BENCH_GSL
  add_gsl_cases(cases);
#endif
#ifdef STARFLOW_BENCH_SEP
  add_sep_cases(cases);
#endif
  return cases;
}

/// First of all: a process that has drawn stamps is larger than one that measures a frame.
void add_peaks(std::vector<Case>& cases, const std::string& filter) {
  const std::string prefix = "frame_";
  for (Case& c : cases) {
    if (!c.name.starts_with(prefix) || !std::regex_search(c.label(), std::regex(filter))) continue;
    c.peak_mib = peak_mib(c.name.substr(prefix.size()), c.type == "u16" ? PixelType::u16 : PixelType::f32);
  }
}

void register_case(Case& c) {
  benchmark::RegisterBenchmark(c.label().c_str(), [&c](benchmark::State& state) {
    if (!c.run) c.prepare(c);
    for (auto _ : state) c.run();
  });
}

/// Rounds are interleaved in random order, so that a busy spell of the machine falls on everybody.
void run_all(std::vector<Case>& cases, const Arguments& a) {
  std::vector<std::string> words = {"starflow_bench", "--benchmark_enable_random_interleaving=true",
                                    "--benchmark_min_time=0.02", "--benchmark_repetitions=" + a.rounds,
                                    "--benchmark_filter=" + a.filter};
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  for (Case& c : cases) register_case(c);
  Collector collector(cases);
  benchmark::RunSpecifiedBenchmarks(&collector);
}

void print_machine(const std::string& when) {
  double load[3] = {0, 0, 0};
  if (getloadavg(load, 3) == 3) std::printf("load %s: %.2f %.2f %.2f\n", when.c_str(), load[0], load[1], load[2]);
}

int run(int argc, char** argv) {
  const Arguments a = parse(argc, argv);
  if (!a.simd.empty() && !pin_simd(a.simd)) {
    std::string known;
    for (const std::string& name : simd_names()) known += ' ' + name;
    refuse("--simd " + a.simd + " is not one of:" + known);
  }
  std::vector<Case> cases = all_cases();
  add_peaks(cases, a.filter);
  const std::string simd(simd_in_use());
  std::printf("instruction set: %s, one thread, %s rounds\n", simd.c_str(), a.rounds.c_str());
  print_machine("before");
  run_all(cases, a);
  print_machine("after");
  std::printf("\n");
  const std::vector<Row> rows = make_rows(cases);
  print_table(rows);
  print_seed_allocations(count_seed_allocations());
  if (!a.json.empty() && !write_json(rows, a.json)) {
    std::cerr << "starflow_bench: can't write " << a.json << '\n';
    return 1;
  }
  return rows.empty() ? 1 : 0;
}

}  // namespace
}  // namespace starflow::bench

int main(int argc, char** argv) { return starflow::bench::run(argc, argv); }
