// SPDX-License-Identifier: MIT
/// \file
/// What is refused before the first frame: files that would be overwritten, options that can't work.

#include <starflow/graph/builtin.hpp>
#include <starflow/graph/diagnostic.hpp>
#include <starflow/graph/graph_spec.hpp>
#include <starflow/graph/registry.hpp>
#include <starflow/graph/runner.hpp>

#include "config_types.hpp"

#include <support/graph_nodes.hpp>
#include <support/temp_dir.hpp>

#include <gtest/gtest.h>

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace starflow {
namespace {

namespace fs = std::filesystem;
using graph::ConfigError;
using graph::Diagnostic;
using graph::GraphRunner;
using graph::RunOptions;
using test::FunctionGraph;

void touch(const fs::path& path) { std::ofstream(path) << "x"; }

// Starts a graph of two sinks, of which the first may read and write files and the second may write one.
class Files : public testing::Test {
 protected:
  test::TempDir dir;
  std::string in(const std::string& name) const { return dir / name; }

  struct Wanted {
    std::string input, first, second;
    bool force = false;
  };
  // \return the text of the problems; empty = it started
  static std::string start(const Wanted& w) {
    FunctionGraph g;
    const auto src = g.numbers(1);
    const auto sink = [](std::string input, std::string output) {
      test::SinkBody s;
      s.start = [input = std::move(input), output = std::move(output)](StartContext& c) {
        if (!input.empty()) c.claim_input(input);
        if (!output.empty()) c.claim_output("path", output);
      };
      return s;
    };
    g.sink("one", {src}, sink(w.input, w.first));
    g.sink("two", {src}, sink("", w.second));
    try {
      const GraphRunner run(g.spec(), RunOptions{w.force, {}, {}, {}, {}});
    } catch (const ConfigError& e) {
      std::string all;
      for (const Diagnostic& d : e.diagnostics()) all += d.path + ": " + d.text + "\n";
      return all;
    }
    return "";
  }
  static bool has(const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << "got: " << text;
    return text.find(part) != std::string::npos;
  }
};

TEST_F(Files, OfTheirOwnAreGranted) {
  touch(in("frames.fits"));
  EXPECT_EQ(start({in("frames.fits"), in("a.jsonl"), in("b.jsonl")}), "");
}

TEST_F(Files, WrittenByTwoSinksAreRefused) {
  const std::string text = start({"", in("a.jsonl"), in("a.jsonl")});
  has(text, "nodes[2].options.path: node 'two': ");
  has(text, "is also written by node 'one'");
}

TEST_F(Files, AreRecognisedByAnyOtherSpelling) {
  fs::create_directory(in("sub"));
  fs::create_directory_symlink(in("sub"), in("link"));
  has(start({"", in("sub/a"), in("link/a")}), "is also written by node 'one' as");
  has(start({"", in("sub/a"), in("sub/../sub/./a")}), "is also written");
  has(start({"", in("sub/a"), fs::relative(in("sub/a")).string()}), "is also written");
}

TEST_F(Files, AreRecognisedThroughASymbolicLinkToAFileThatIsNotThereYet) {
  fs::create_symlink("later.jsonl", in("alias"));
  has(start({"", in("later.jsonl"), in("alias")}), "is also written");
}

TEST_F(Files, AreRecognisedThroughAHardLink) {
  touch(in("a"));
  fs::create_hard_link(in("a"), in("b"));
  has(start({"", in("a"), in("b"), true}), "is also written by node 'one' as");
}

TEST_F(Files, ThatAreInputsAreNeverOverwrittenEvenByForce) {
  touch(in("frames.fits"));
  fs::create_symlink("frames.fits", in("alias"));
  has(start({in("frames.fits"), "", in("frames.fits"), true}), "is an input of node 'one'; it would be overwritten");
  has(start({in("frames.fits"), "", in("alias"), true}), "is an input of node 'one' as");
}

TEST_F(Files, ThatAreInputsAreNotTakenAsTheUnfinishedNameOfAnOutput) {
  touch(in("a.jsonl.part"));
  has(start({in("a.jsonl.part"), "", in("a.jsonl"), true}), "'" + in("a.jsonl") +
                                                                "' has another name until it is complete: '" +
                                                                in("a.jsonl.part") + "' is an input of node 'one'");
  fs::create_symlink("a.jsonl.part", in("b.jsonl.part"));
  has(start({in("a.jsonl.part"), "", in("b.jsonl"), true}), "is an input of node 'one' as");
  has(start({"", in("c"), in("c.part")}), "is also written by node 'one'");
  has(start({"", in("c.part"), in("c")}), "has another name until it is complete");
}

TEST_F(Files, LeftUnfinishedByAnEarlierRunNeedNoForce) {
  touch(in("a.jsonl.part"));
  EXPECT_EQ(start({"", in("a.jsonl"), ""}), "");
}

TEST_F(Files, ThatExistNeedForce) {
  touch(in("a"));
  has(start({"", in("a"), ""}), "exists; choose another name or allow it to be replaced (--force)");
  EXPECT_EQ(start({"", in("a"), "", true}), "");
}

TEST_F(Files, InAFolderThatIsMissingOrNoFolderAreRefusedByName) {
  touch(in("file"));
  fs::create_directory(in("folder"));
  has(start({"", in("none/a"), ""}), "the folder " + in("none") + " for '" + in("none/a") + "' does not exist");
  has(start({"", in("file/a"), ""}), "file");
  has(start({"", in("folder"), ""}), "is a folder; name a file in it");
  EXPECT_FALSE(fs::exists(in("none"))) << "no folder is made silently";
}

TEST_F(Files, InAFolderThatCantBeWrittenAreRefused) {
  constexpr uid_t kNobody = 65534;
  fs::permissions(dir.path(), fs::perms::all);
  fs::create_directory(in("shut"));
  fs::permissions(in("shut"), fs::perms::owner_read | fs::perms::owner_exec);
  const pid_t child = ::fork();  // root may write everywhere, so somebody else has to try
  if (child == 0) {
    if (::geteuid() == 0 && ::setresuid(kNobody, kNobody, kNobody) != 0) ::_exit(2);
    const std::string text = start({"", in("shut/a"), ""});
    ::_exit(text.find("the folder " + in("shut")) != std::string::npos &&
                    text.find("can't be written: ") != std::string::npos
                ? 0
                : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

TEST_F(Files, StandardOutputIsGrantedOnce) {
  EXPECT_EQ(start({"", "-", ""}), "");
  has(start({"", "-", "-"}), "'-' is also written by node 'one'");
}

TEST_F(Files, DevicesNeedNoForce) { EXPECT_EQ(start({"", "/dev/full", "/dev/null"}), ""); }

TEST_F(Files, ProblemsOfAllNodesAreReportedTogether) {
  touch(in("a"));
  const std::string text = start({"", in("a"), in("none/b")});
  has(text, "node 'one': ");
  has(text, "node 'two': ");
}

TEST(Start, PutsAnOptionErrorAtThePlaceOfTheOption) {
  FunctionGraph g;
  const auto src = g.numbers(1);
  test::SinkBody body;
  body.start = [](StartContext&) { throw OptionError("body", "can't work"); };
  const auto sink = g.sink("sink", {src}, body);
  graph::GraphSpec spec = g.spec();
  Diagnostic& place = spec.nodes[sink].options->values["body"].place;
  place.file = "preset.json";
  place.line = 7;
  place.column = 3;
  try {
    const GraphRunner run(spec, {});
    FAIL() << "it started";
  } catch (const ConfigError& e) {
    ASSERT_EQ(e.diagnostics().size(), 1U);
    EXPECT_EQ(e.diagnostics()[0].file, "preset.json");
    EXPECT_EQ(e.diagnostics()[0].line, 7);
    EXPECT_EQ(e.diagnostics()[0].text, "node 'sink': can't work");
  }
}

class Counted final : public Source {
 public:
  explicit Counted(const Options& o) : alive_(test::body_of<int>(o)) { ++alive_; }
  ~Counted() override { --alive_; }
  bool next(Context&) override { return false; }

 private:
  int& alive_;
};

TEST(Start, DestroysWhatWasMadeWhenALaterNodeCantStart) {
  int alive = 0;
  FunctionGraph g;
  const auto src = g.numbers(1);
  test::SinkBody body;
  int alive_at_start = 0;
  body.start = [&](StartContext&) {
    alive_at_start = alive;
    throw std::runtime_error("no such camera");
  };
  g.sink("sink", {src}, body);
  graph::GraphSpec spec = g.spec();
  NodeType counted = *spec.nodes[src].type;
  counted.make = factory_of<Counted>();
  spec.nodes[src].type = &counted;
  spec.nodes[src].options->values["body"].value = reinterpret_cast<std::int64_t>(&alive);
  EXPECT_THROW(GraphRunner(spec, {}), ConfigError);
  EXPECT_EQ(alive_at_start, 1);
  EXPECT_EQ(alive, 0);
}

TEST(Start, RefusesGraphsThatCantRun) {
  FunctionGraph two;
  two.numbers(1);
  two.numbers(1);
  EXPECT_THROW((void)two.go(), ConfigError);
  FunctionGraph none;
  none.numbers(1);
  none.run.max_in_flight = 0;
  EXPECT_THROW((void)none.go(), ConfigError);
  FunctionGraph unknown;
  unknown.numbers(1);
  RunOptions options;
  options.keep = {"source.in"};
  EXPECT_THROW((void)unknown.go(options), ConfigError);
}

TEST(Start, TellsNodesWhatTheyRunIn) {
  FunctionGraph g;
  const auto src = g.numbers(1);
  test::SinkBody body;
  std::string version, hash, logged;
  body.start = [&](StartContext& c) {
    version = c.version();
    hash = c.config_hash();
    c.log(LogLevel::info, "ready");
  };
  g.sink("sink", {src}, body);
  RunOptions options;
  options.on_log = [&](LogLevel, std::string_view text) { logged = text; };
  EXPECT_TRUE(g.go(options).summary.complete);
  EXPECT_FALSE(version.empty());
  EXPECT_EQ(hash, "0123456789abcdef");
  EXPECT_EQ(logged, "sink: ready");
}

struct Misreader final : Node {
  explicit Misreader(const Options& o) {
    (void)o.number("any");
    const std::string& how = o.text("how");
    if (how == "number") (void)o.number("how");
    if (how == "flag") (void)o.flag("count");
    if (how == "integer") (void)o.integer("part");
    if (how == "text") (void)o.text("none");
    if (how == "texts") (void)o.texts("count");
    if (how == "numbers") (void)o.numbers("how");
  }
  void process(Context&) override {}
};

std::string misread(const std::string& how) {
  graph::Registry registry;
  graph::register_builtin(registry);
  NodeType type{"odd", "", {{"frame", message_type<Frame>, ""}}, {}, {}, factory_of<Misreader>()};
  type.options = {test::option("any", Accepts::integer | Accepts::number, std::int64_t{1}),
                  test::option("how", Accepts::text, std::string("right")),
                  test::option("count", Accepts::integer, std::int64_t{3}), test::option("part", Accepts::number, 0.5),
                  test::option("none", Accepts::text)};
  registry.add(std::move(type));
  try {
    graph::check_nodes(graph::GraphSpec::parse(R"({"format": "starflow.graph/1", "nodes": [
{"id": "src", "type": "source.push"}, {"id": "n", "type": "odd", "in": "src", "options": {"how": ")" +
                                                   how + "\"}}]}",
                                               "g.json", registry));
  } catch (const ConfigError& e) {
    return e.diagnostics().at(0).text;
  }
  return {};
}

TEST(Options, ReadInAnotherFormAreNamedWithBothForms) {
  const std::string front = "node 'n': can't start: the option ";
  EXPECT_EQ(misread("right"), "");
  EXPECT_EQ(misread("number"), front + "\"how\" was read as a number, but it holds a text");
  EXPECT_EQ(misread("flag"), front + "\"count\" was read as true or false, but it holds an integer");
  EXPECT_EQ(misread("integer"), front + "\"part\" was read as an integer, but it holds a number");
  EXPECT_EQ(misread("text"), front +
                                 "\"none\" was read as a text, but it holds nothing (it was not given and has no "
                                 "default: ask has() first)");
  EXPECT_EQ(misread("texts"), front + "\"count\" was read as a list of texts, but it holds an integer");
  EXPECT_EQ(misread("numbers"), front + "\"how\" was read as a list of numbers, but it holds a text");
}

}  // namespace
}  // namespace starflow
