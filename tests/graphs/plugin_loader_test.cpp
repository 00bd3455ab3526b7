// SPDX-License-Identifier: MIT
#include <starflow/graph/plugin_loader.hpp>
#include <starflow/sdk/plugin.hpp>

#include "support/temp_dir.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

namespace starflow::graph {
namespace {

namespace fs = std::filesystem;

std::string plugin(const std::string& name) {
  return std::string(STARFLOW_TEST_PLUGINS) + "/libstarflow_" + name + ".so";
}

/// What of the plugin has run so far: "", "constructor" or "init".
std::string ran(const std::string& name) {
  const char* mark = std::getenv(("STARFLOW_TEST_RAN_" + name).c_str());
  return mark == nullptr ? "" : mark;
}

/// Loads the plugin into a fresh registry. A loaded library stays, so each test uses plugins of its own.
PluginRecord load(const std::string& name) {
  Registry registry;
  const PluginRecord record = load_plugin(plugin(name), registry);
  EXPECT_EQ(record.file, plugin(name));
  EXPECT_EQ(registry.plugins().size(), 1U);
  EXPECT_EQ(registry.types().empty(), !record.refusal.empty());
  return record;
}

TEST(PluginLoader, LoadsAGoodPlugin) {
  Registry registry;
  const PluginRecord record = load_plugin(plugin("good"), registry);
  EXPECT_EQ(record.refusal, "");
  EXPECT_EQ(record.warning, "");
  EXPECT_EQ(record.name, "good");
  EXPECT_EQ(record.version, "1.0.0");
  EXPECT_EQ(record.license, "MIT");
  EXPECT_EQ(record.types, std::vector<std::string>{"good.idle"});
  EXPECT_EQ(registry.owner("good.idle"), "good");
  EXPECT_EQ(ran("good"), "init");
}

TEST(PluginLoader, RefusesAWrongMagicBeforeAnythingOfThePluginRuns) {
  EXPECT_EQ(load("magic").refusal,
            "its descriptor begins with 0x12345678 instead of 0x53464C57; export it by STARFLOW_PLUGIN");
  EXPECT_EQ(ran("magic"), "");
}

TEST(PluginLoader, RefusesAnotherApiBeforeAnythingOfThePluginRuns) {
  EXPECT_EQ(load("major").refusal,
            "built for plugin API 9.0, this program provides 4.0; rebuild it with this version's headers");
  EXPECT_EQ(ran("major"), "");
}

TEST(PluginLoader, RefusesThePluginsOfTheApiBefore) {
  EXPECT_EQ(load("old").refusal,
            "built for plugin API 3.0, this program provides 4.0; rebuild it with this version's headers");
  EXPECT_EQ(ran("old"), "");
}

TEST(PluginLoader, RefusesANewerApiBeforeAnythingOfThePluginRuns) {
  EXPECT_EQ(load("minor").refusal,
            "built for plugin API 4.7, this program provides 4.0; update starflow, or rebuild it with older headers");
  EXPECT_EQ(ran("minor"), "");
}

TEST(PluginLoader, RefusesAnotherAbiBeforeAnythingOfThePluginRuns) {
  EXPECT_EQ(load("abi").refusal, "built as \"c++98\", this program is \"" + std::string(kPluginAbiTag) +
                                     "\"; rebuild it with the same compiler settings and OpenCV");
  EXPECT_EQ(ran("abi"), "");
}

TEST(PluginLoader, RefusesAShortDescriptorBeforeAnythingOfThePluginRuns) {
  EXPECT_EQ(load("short").refusal, "its descriptor has 16 bytes instead of 56; rebuild it with this version's headers");
  EXPECT_EQ(ran("short"), "");
}

TEST(PluginLoader, RefusesADescriptorWithoutALicense) {
  EXPECT_EQ(load("license").refusal, "its descriptor has no license; give STARFLOW_PLUGIN an SPDX identifier");
  EXPECT_EQ(ran("license"), "");
}

TEST(PluginLoader, RefusesADescriptorWithoutInit) {
  EXPECT_EQ(load("noinit").refusal, "its descriptor has no init function; give STARFLOW_PLUGIN one");
  EXPECT_EQ(ran("noinit"), "");
}

TEST(PluginLoader, RefusesTheNameOfTheHost) {
  EXPECT_EQ(load("host").refusal, "the name \"host\" is starflow's own; give it another");
  EXPECT_EQ(ran("host"), "");
}

TEST(PluginLoader, NamesASymbolThatIsMissing) {
  const PluginRecord record = load("missing");
  EXPECT_TRUE(record.refusal.starts_with("can't be loaded: undefined symbol: ")) << record.refusal;
  EXPECT_NE(record.refusal.find("starflow_test_symbol_that_nobody_has"), std::string::npos) << record.refusal;
  EXPECT_EQ(ran("missing"), "");
}

TEST(PluginLoader, TakesBackTheTypesOfAPluginWhoseInitThrows) {
  EXPECT_EQ(load("throws").refusal, "its init failed: no camera");
  EXPECT_EQ(ran("throws"), "init");
}

TEST(PluginLoader, SurvivesAnInitThatThrowsNoException) {
  EXPECT_EQ(load("throws_int").refusal, "its init failed with an exception of an unknown type");
}

TEST(PluginLoader, NamesBothOwnersOfATypeThatTwoPluginsBring) {
  Registry registry;
  ASSERT_EQ(load_plugin(plugin("good"), registry).refusal, "");
  EXPECT_EQ(
      load_plugin(plugin("twin"), registry).refusal,
      "its init failed: node type \"good.idle\": the name is taken: \"good\" has it already, \"twin\" wants it too");
  EXPECT_EQ(registry.owner("good.idle"), "good");
}

TEST(PluginLoader, RefusesASecondPluginOfTheSameName) {
  Registry registry;
  ASSERT_EQ(load_plugin(plugin("good"), registry).refusal, "");
  EXPECT_EQ(load_plugin(plugin("good"), registry).refusal,
            "a plugin \"good\" is loaded already, from " + plugin("good") + "; keep one of them");
  EXPECT_EQ(registry.types().size(), 1U);
}

TEST(PluginLoader, RefusesALibraryWithoutADescriptor) {
  EXPECT_EQ(load("nosymbol").refusal,
            "exports no symbol starflow_plugin: not a node plugin; put STARFLOW_PLUGIN into it");
  EXPECT_EQ(ran("nosymbol"), "");
}

TEST(PluginLoader, RefusesATextFile) {
  const test::TempDir dir;
  Registry registry;
  EXPECT_EQ(load_plugin(dir.write("libstarflow_text.so", "hello"), registry).refusal,
            "not a shared library; remove it or build it again");
  EXPECT_EQ(load_plugin(dir.write("libstarflow_empty.so", ""), registry).refusal,
            "not a shared library; remove it or build it again");
}

TEST(PluginLoader, RefusesAMissingFileAndAFolder) {
  const test::TempDir dir;
  Registry registry;
  EXPECT_EQ(load_plugin(dir / "libstarflow_none.so", registry).refusal, "no such file");
  EXPECT_EQ(load_plugin(dir.path().string(), registry).refusal, "not a file");
}

TEST(PluginLoader, RefusesATruncatedLibrary) {
  const test::TempDir dir;
  std::ifstream in(plugin("good"), std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  ASSERT_GT(bytes.size(), 1000U);
  Registry registry;
  const std::string cut = "the file is cut off; copy it again or build it again";
  EXPECT_EQ(load_plugin(dir.write("libstarflow_half.so", bytes.substr(0, bytes.size() / 2)), registry).refusal, cut);
  EXPECT_EQ(load_plugin(dir.write("libstarflow_head.so", bytes.substr(0, 64)), registry).refusal, cut);
  // All that is mapped is there; what a linker writes last is not.
  EXPECT_EQ(load_plugin(dir.write("libstarflow_most.so", bytes.substr(0, bytes.size() - 1)), registry).refusal, cut);
  EXPECT_TRUE(registry.types().empty());
}

TEST(PluginLoader, PutsBackTheFloatingPointStateThatAPluginChanges) {
  const volatile double smallest = std::numeric_limits<double>::denorm_min();
  const PluginRecord record = load("fastmath");
  EXPECT_EQ(record.refusal, "");
  EXPECT_EQ(ran("fastmath"), "init");
#if defined(__x86_64__)
  EXPECT_EQ(record.warning, "changes the floating-point state (built with -ffast-math?); it was put back");
#endif
  EXPECT_GT(smallest * 2, 0.0) << "denormals are flushed to zero";
}

TEST(PluginLoader, LoadsTheOthersBesideBadFilesAndSkipsTheImageReader) {
  Registry registry;
  load_plugins({STARFLOW_TEST_PLUGINS, "/nonexistent"}, registry);
  EXPECT_NE(registry.find("good.idle"), nullptr);
  EXPECT_NE(registry.find("fastmath.idle"), nullptr);
  EXPECT_EQ(registry.types().size(), 2U);
  const auto is = [](const std::string& name) {
    return [name](const PluginRecord& p) { return p.file == plugin(name); };
  };
  const auto& records = registry.plugins();
  EXPECT_EQ(std::count_if(records.begin(), records.end(), [](const auto& p) { return p.refusal.empty(); }), 2);
  EXPECT_TRUE(std::any_of(records.begin(), records.end(), is("nosymbol")));
  EXPECT_FALSE(std::any_of(records.begin(), records.end(), is("reader")));
  EXPECT_EQ(ran("reader"), "");
}

TEST(PluginLoader, LetsTheFirstFolderWinUnlessItsFileIsRefused) {
  const test::TempDir first, second;
  fs::copy_file(plugin("good"), first / "libstarflow_good.so");
  fs::copy_file(plugin("good"), second / "libstarflow_good.so");
  fs::copy_file(plugin("fastmath"), second / "libstarflow_fastmath.so");
  (void)first.write("libstarflow_fastmath.so", "broken");
  Registry registry;
  load_plugins({first.path().string(), second.path().string()}, registry);
  ASSERT_EQ(registry.plugins().size(), 3U);
  EXPECT_EQ(registry.plugins()[0].file, first / "libstarflow_fastmath.so");
  EXPECT_NE(registry.plugins()[0].refusal, "");
  EXPECT_EQ(registry.plugins()[1].file, first / "libstarflow_good.so");
  EXPECT_EQ(registry.plugins()[1].refusal, "");
  EXPECT_EQ(registry.plugins()[2].file, second / "libstarflow_fastmath.so");
  EXPECT_EQ(registry.plugins()[2].refusal, "");
}

TEST(PluginFolders, StandInTheirOrderWithoutTheWorkingDirectory) {
  setenv("STARFLOW_PLUGIN_PATH", ":/env/a::/env/b:/extra:", 1);
  const auto folders = plugin_folders({"/extra"});
  unsetenv("STARFLOW_PLUGIN_PATH");
  ASSERT_GE(folders.size(), 5U);
  EXPECT_EQ(folders[0], "/extra");
  EXPECT_EQ(folders[1], "/env/a");
  EXPECT_EQ(folders[2], "/env/b");
  EXPECT_EQ(folders[3], fs::read_symlink("/proc/self/exe").parent_path().string());
  EXPECT_TRUE(folders.back().ends_with("/starflow"));
  EXPECT_EQ(std::count(folders.begin(), folders.end(), ""), 0);
  EXPECT_EQ(std::count(folders.begin(), folders.end(), "."), 0);
  EXPECT_EQ(std::count(folders.begin(), folders.end(), fs::current_path().string()),
            fs::current_path() == fs::read_symlink("/proc/self/exe").parent_path() ? 1 : 0);
}

}  // namespace
}  // namespace starflow::graph
