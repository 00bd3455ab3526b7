// SPDX-License-Identifier: MIT
/// \file
/// Options that change between frames, without a restart.

#include <starflow/graph/builtin.hpp>
#include <starflow/graph/graph_spec.hpp>
#include <starflow/graph/runner.hpp>

#include "graphs/config_types.hpp"
#include "support/graph_nodes.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace starflow {
namespace {

using graph::GraphRunner;
using graph::GraphSpec;
using graph::Overrides;
using test::Number;

struct Scale final : Node {
  explicit Scale(const Options& o)
      : factor(static_cast<std::uint64_t>(o.integer("factor"))), more(o.has("more") ? o.integer("more") : 0) {
    if (factor == 13) throw OptionError("factor", "is unlucky");
  }
  void process(Context& c) override {
    EXPECT_FALSE(c.config_hash().empty());
    c.out(0, Number{c.info().frame_id, factor + static_cast<std::uint64_t>(more)});
  }
  std::uint64_t factor;
  std::int64_t more;
};

NodeType scale_type() {
  NodeType type{
      "scale", "", {{"frame", message_type<Frame>, ""}}, {{"out", message_type<Number>, ""}}, {}, factory_of<Scale>()};
  type.options = {test::ranged("factor", Accepts::integer, std::int64_t{1}, 0, 100),
                  test::chosen("mode", Accepts::text, std::string("plain"), {"plain", "rich"}),
                  test::option("more", Accepts::integer, std::int64_t{1000}),
                  test::option("fixed", Accepts::boolean, false)};
  type.options[2].with_option = "mode";
  type.options[2].with_choices = {"rich"};
  for (int i = 0; i < 3; ++i) type.options[static_cast<std::size_t>(i)].live = true;
  return type;
}

class Reconfigure : public testing::Test {
 protected:
  Reconfigure() {
    graph::register_builtin(registry_);
    registry_.add(scale_type());
    graph::RunOptions options;
    options.keep = {"s.out"};
    options.on_result = [this](const graph::FrameResult& r) {
      values_.push_back(r.output("s", "out").as<Number>()->value);
      hashes_.push_back(r.config_hash);
    };
    runner_ = std::make_unique<GraphRunner>(GraphSpec::parse(R"({"format": "starflow.graph/1", "nodes": [
          {"id": "src", "type": "source.push"}, {"id": "s", "type": "scale", "in": "src"}]})",
                                                             "g.json", registry_),
                                            options);
  }
  void submit(std::uint64_t id = 0) {
    FrameInfo info;
    info.frame_id = id;
    runner_->submit(Frame::adopt(cv::Mat(4, 4, CV_8UC1, cv::Scalar(1)), info));
  }
  std::string refusal(const Overrides& changes) {
    try {
      runner_->reconfigure(changes);
    } catch (const graph::ConfigError& e) {
      return e.what();
    }
    return {};
  }

  graph::Registry registry_;
  std::vector<std::uint64_t> values_;
  std::vector<std::string> hashes_;
  std::unique_ptr<GraphRunner> runner_;
};

TEST_F(Reconfigure, ChangesTheFramesThatComeAfterAndTheirHash) {
  submit();
  const std::string second = runner_->reconfigure({{"nodes.s.options.factor", "5"}});
  submit();
  submit();
  const std::string first = runner_->reconfigure({{"nodes.s.options.factor", "null"}});
  submit();
  runner_->finish();
  EXPECT_EQ(values_, (std::vector<std::uint64_t>{1, 5, 5, 1}));
  EXPECT_EQ(hashes_, (std::vector<std::string>{first, second, second, first}));
  EXPECT_NE(first, second);
}

TEST_F(Reconfigure, IsCheckedAsAGraphIs) {
  EXPECT_EQ(refusal({{"nodes.s.options.factor", "101"}}),
            "--set nodes.s.options.factor: error: 101 is out of range: wants an integer in 0..100\n")
      << refusal({{"nodes.s.options.factor", "101"}});
  EXPECT_NE(refusal({{"nodes.s.options.factor", "2.5"}}).find("wants an integer"), std::string::npos);
  EXPECT_NE(refusal({{"nodes.s.options.factor", "13"}}).find("is unlucky"), std::string::npos);
  EXPECT_NE(refusal({{"nodes.t.options.factor", "1"}}).find("there is no node \"t\""), std::string::npos);
  EXPECT_NE(refusal({{"nodes.s.options.facter", "1"}}).find("did you mean \"factor\"?"), std::string::npos);
  EXPECT_NE(refusal({{"nodes.s.options.fixed", "true"}})
                .find("can't change while the graph runs; what can: factor, mode, more"),
            std::string::npos)
      << refusal({{"nodes.s.options.fixed", "true"}});
  EXPECT_NE(refusal({{"run.threads", "1"}}).find("only options of nodes change"), std::string::npos);
}

TEST_F(Reconfigure, ChangesAllOrNothing) {
  EXPECT_NE(refusal({{"nodes.s.options.factor", "7"}, {"nodes.s.options.mode", "rihc"}}), "");
  submit();
  runner_->finish();
  EXPECT_EQ(values_, std::vector<std::uint64_t>{1});
}

TEST_F(Reconfigure, TakesAndGivesWhatGoesWithTheValue) {
  runner_->reconfigure({{"nodes.s.options.mode", "rich"}});
  submit();
  runner_->reconfigure({{"nodes.s.options.more", "2000"}});
  submit();
  runner_->reconfigure({{"nodes.s.options.mode", "plain"}});
  submit();
  runner_->finish();
  EXPECT_EQ(values_, (std::vector<std::uint64_t>{1001, 2001, 1}));
}

TEST_F(Reconfigure, RefusesWhatDoesNotGoWithTheValueThatIsSaidWithIt) {
  runner_->reconfigure({{"nodes.s.options.mode", "rich"}, {"nodes.s.options.more", "2000"}});
  EXPECT_EQ(
      refusal({{"nodes.s.options.mode", "plain"}, {"nodes.s.options.more", "3000"}}),
      "--set nodes.s.options.more: error: the option \"more\" of \"s\" (scale) goes only with \"mode\" \"rich\"\n");
  EXPECT_EQ(refusal({{"nodes.s.options.mode", "plain"}, {"nodes.s.options.more", "null"}}), "");
}

TEST_F(Reconfigure, TakesATextBackByNull) {
  runner_->reconfigure({{"nodes.s.options.mode", "rich"}});
  EXPECT_EQ(refusal({{"nodes.s.options.mode", "null"}}), "");
  submit();
  runner_->finish();
  EXPECT_EQ(values_, std::vector<std::uint64_t>{1});
}

TEST_F(Reconfigure, NeverMixesTwoConfigurationsInOneFrame) {
  std::atomic<bool> stop{false};
  std::map<std::string, std::uint64_t> value_of;
  std::thread host([&] {
    for (std::uint64_t i = 0; !stop; ++i) {
      const std::uint64_t factor = i % 12;
      value_of[runner_->reconfigure({{"nodes.s.options.factor", std::to_string(factor)}})] = factor;
    }
  });
  for (std::uint64_t id = 0; id < 2000; ++id) submit(id);
  stop = true;
  host.join();
  runner_->finish();
  ASSERT_EQ(values_.size(), 2000U);
  value_of.try_emplace(hashes_.front(), 1);  // before the first change
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < values_.size(); ++i) wrong += values_[i] != value_of.at(hashes_[i]) ? 1U : 0U;
  EXPECT_EQ(wrong, 0U);
  EXPECT_GT(value_of.size(), 2U);
}

TEST(LiveOptions, AreRefusedForNodesWithAMemory) {
  graph::Registry registry;
  NodeType type = scale_type();
  type.serial = true;
  EXPECT_THROW(registry.add(type), std::invalid_argument);
}

}  // namespace
}  // namespace starflow
