// SPDX-License-Identifier: MIT
/// \file
/// One plugin in many states of repair; CMake builds it once for each, with other definitions. Whatever of it runs
/// leaves a mark in the environment: STARFLOW_TEST_RAN_<NAME> is "constructor", then "init".

#include <starflow/sdk/plugin.hpp>

#include <cstdlib>
#include <memory>
#include <stdexcept>

#ifndef PLUGIN_MAGIC
#define PLUGIN_MAGIC starflow::kPluginMagic
#endif
#ifndef PLUGIN_SIZE
#define PLUGIN_SIZE sizeof(starflow::PluginDescriptor)
#endif
#ifndef PLUGIN_MAJOR
#define PLUGIN_MAJOR starflow::kPluginApiMajor
#endif
#ifndef PLUGIN_MINOR
#define PLUGIN_MINOR starflow::kPluginApiMinor
#endif
#ifndef PLUGIN_ABI
#define PLUGIN_ABI starflow::kPluginAbiTag
#endif
#ifndef PLUGIN_LICENSE
#define PLUGIN_LICENSE "MIT"
#endif
#ifndef PLUGIN_TYPE
#define PLUGIN_TYPE PLUGIN_NAME ".idle"
#endif
#ifndef PLUGIN_INIT
#define PLUGIN_INIT init
#endif

#ifdef PLUGIN_MISSING_SYMBOL
void starflow_test_symbol_that_nobody_has();
#endif

namespace {

constexpr const char* kMark = "STARFLOW_TEST_RAN_" PLUGIN_NAME;

__attribute__((constructor)) void constructor() { setenv(kMark, "constructor", 1); }

struct Idle final : starflow::Node {
  explicit Idle(const starflow::Options&) {}
  void process(Context&) override {}
};

[[maybe_unused]] void init(starflow::Registrar& registrar) {
  setenv(kMark, "init", 1);
#ifdef PLUGIN_MISSING_SYMBOL
  starflow_test_symbol_that_nobody_has();
#endif
  registrar.add({PLUGIN_TYPE, "Does nothing.", {}, {}, {}, starflow::factory_of<Idle>()});
#ifdef PLUGIN_THROWS
  throw PLUGIN_THROWS;
#endif
}

}  // namespace

#ifndef PLUGIN_NO_SYMBOL
extern "C" __attribute__((visibility("default")))
const starflow::PluginDescriptor starflow_plugin{PLUGIN_MAGIC, PLUGIN_SIZE, PLUGIN_MAJOR,   PLUGIN_MINOR, PLUGIN_ABI,
                                                 PLUGIN_NAME,  "1.0.0",     PLUGIN_LICENSE, PLUGIN_INIT};
#endif
#ifdef PLUGIN_READER_SYMBOL
extern "C" __attribute__((visibility("default"))) const int starflow_image_reader = 1;
#endif
