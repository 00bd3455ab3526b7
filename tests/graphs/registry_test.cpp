// SPDX-License-Identifier: MIT
#include <starflow/graph/registry.hpp>

#include "graphs/config_types.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>

namespace starflow::graph {
namespace {

using test::detect_type;

std::string refusal(NodeType type) {
  Registry registry;
  registry.set_owner("first");
  registry.add(test::source_type());
  registry.set_owner("second");
  try {
    registry.add(std::move(type));
  } catch (const std::invalid_argument& e) {
    EXPECT_EQ(registry.types().size(), 1U);
    return e.what();
  }
  return {};
}

std::string refusal(const OptionSpec& spec) {
  NodeType type = detect_type();
  type.options.push_back(spec);
  return refusal(std::move(type));
}

TEST(Registry, FindsATypeAndItsOwner) {
  Registry registry;
  registry.set_owner("trail");
  registry.add(detect_type());
  ASSERT_NE(registry.find("detect"), nullptr);
  EXPECT_EQ(registry.find("detect")->doc, "Dots.");
  EXPECT_EQ(registry.owner("detect"), "trail");
  EXPECT_EQ(registry.find("detec"), nullptr);
  EXPECT_EQ(registry.owner("detec"), "");
}

TEST(Registry, NamesBothOwnersOfATakenName) {
  EXPECT_EQ(refusal(test::source_type()),
            "node type \"source\": the name is taken: \"first\" has it already, \"second\" wants it too");
}

TEST(Registry, RemovesTheTypesOfOneOwnerOnly) {
  Registry registry;
  registry.set_owner("first");
  registry.add(test::source_type());
  registry.set_owner("second");
  registry.add(detect_type());
  registry.remove_types_of("second");
  EXPECT_EQ(registry.find("detect"), nullptr);
  EXPECT_EQ(registry.owner("detect"), "");
  EXPECT_NE(registry.find("source"), nullptr);
  registry.add(detect_type());
  EXPECT_NE(registry.find("detect"), nullptr);
}

TEST(Registry, RefusesANameThatIsNone) {
  NodeType type = detect_type();
  type.name = "";
  EXPECT_NE(refusal(type).find("no name for a type"), std::string::npos);
  type.name = "a..b";
  EXPECT_NE(refusal(type).find("no name for a type"), std::string::npos);
}

TEST(Registry, RefusesATypeWithoutAFactory) {
  NodeType type = detect_type();
  type.make = Factory{};
  EXPECT_EQ(refusal(type), "node type \"detect\": has no factory");
}

TEST(Registry, RefusesDoubledPorts) {
  NodeType type = detect_type();
  type.inputs.push_back(type.inputs[0]);
  EXPECT_EQ(refusal(type), "node type \"detect\": two input ports are named \"frame\"");
}

TEST(Registry, RefusesAPortWithoutAMessageType) {
  NodeType type = detect_type();
  type.outputs[0].type = "";
  EXPECT_EQ(refusal(type), "node type \"detect\": output port \"dots\" has no message type");
}

TEST(Registry, RefusesAPortNameThatAnEdgeCouldNotSay) {
  NodeType type = detect_type();
  type.outputs[0].name = "a.b";
  EXPECT_NE(refusal(type).find("\"a.b\" is no name for an output port"), std::string::npos);
}

TEST(Registry, RefusesInputsOfASourceAndOutputsOfASink) {
  NodeType source = test::source_type();
  source.name = "other";
  source.inputs = detect_type().inputs;
  EXPECT_EQ(refusal(source), "node type \"other\": a source has no inputs");
  NodeType sink = test::sink_type();
  sink.outputs = detect_type().outputs;
  EXPECT_EQ(refusal(sink), "node type \"sink\": a sink has no outputs");
}

TEST(Registry, RefusesDoubledOptions) {
  EXPECT_EQ(refusal(detect_type().options[0]), "node type \"detect\": two options are named \"threshold_sigma\"");
}

TEST(Registry, RefusesAnOptionThatIsValueAndGroup) {
  EXPECT_EQ(refusal(test::option("fwhm.px", Accepts::number)),
            "node type \"detect\": option \"fwhm\" is a value and holds option \"fwhm.px\" too");
}

TEST(Registry, RefusesADefaultOutsideOfItsRange) {
  EXPECT_EQ(
      refusal(test::ranged("a", Accepts::number, 0.5, 1, 3, "px")),
      "node type \"detect\": option \"a\": its default contradicts it: 0.5 is out of range: wants a number in 1..3 px");
}

TEST(Registry, RefusesADefaultOfAnotherForm) {
  EXPECT_EQ(refusal(test::option("a", Accepts::integer, 3.9)),
            "node type \"detect\": option \"a\": its default contradicts it: wants an integer, got 3.9");
}

TEST(Registry, RefusesADefaultThatIsNoChoice) {
  EXPECT_NE(refusal(test::chosen("a", Accepts::text, std::string("x"), {"y", "z"})).find("wants one of \"y\", \"z\""),
            std::string::npos);
}

TEST(Registry, RefusesADefaultThatIsNotANumber) {
  EXPECT_NE(refusal(test::option("a", Accepts::number, std::numeric_limits<double>::quiet_NaN())).find("not a number"),
            std::string::npos);
}

TEST(Registry, RefusesAnEmptyRangeAndChoicesWithoutText) {
  EXPECT_NE(refusal(test::ranged("a", Accepts::number, {}, 3, 1)).find("its range is empty"), std::string::npos);
  EXPECT_NE(refusal(test::chosen("a", Accepts::number, {}, {"y"})).find("has choices but accepts no text"),
            std::string::npos);
  EXPECT_NE(refusal(test::option("a", Accepts{})).find("accepts no form"), std::string::npos);
}

StarEstimate nothing(const StarStamp&) { return {}; }

NodeType taking_methods() {
  NodeType type = test::fit_type();
  type.takes_methods = true;
  return type;
}

OptionSpec option_of(const Registry& registry, const std::string& name) {
  const auto& options = registry.find("fit")->options;
  const auto at = std::ranges::find(options, name, &OptionSpec::name);
  return at == options.end() ? OptionSpec{} : *at;
}

class RegistryOfMethods : public testing::Test {
 protected:
  RegistryOfMethods() { registry_.set_owner("good"); }
  std::string refusal(MethodType type) {
    try {
      registry_.add(std::move(type));
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return {};
  }
  Registry registry_;
};

TEST_F(RegistryOfMethods, GivesThemToTypesThatCameBeforeAndAfter) {
  for (const bool before : {true, false}) {
    Registry registry;
    if (before) registry.add(taking_methods());
    registry.set_owner("good");
    registry.add(method<nothing>("good.none", "Nothing.", {test::option("a", Accepts::number, 1.0)}));
    registry.set_owner("host");
    if (!before) registry.add(taking_methods());
    const auto choices = option_of(registry, "method").choices;
    EXPECT_EQ(choices.back(), "good.none");
    EXPECT_EQ(option_of(registry, "good.none.a").with_choices, std::vector<std::string>{"good.none"});
    EXPECT_EQ(registry.method_owner("good.none"), "good");
  }
}

TEST_F(RegistryOfMethods, TakesThemBackFromAPluginThatFailed) {
  registry_.add(taking_methods());
  const std::size_t options = registry_.find("fit")->options.size();
  registry_.set_owner("bad");
  registry_.add(method<nothing>("bad.none", "", {test::option("a", Accepts::number, 1.0)}));
  EXPECT_EQ(registry_.find("fit")->options.size(), options + 1);
  registry_.remove_types_of("bad");
  EXPECT_EQ(registry_.find("fit")->options.size(), options);
  EXPECT_EQ(option_of(registry_, "method").choices, test::fit_type().options[0].choices);
  EXPECT_TRUE(registry_.methods().empty());
}

TEST_F(RegistryOfMethods, WantsTheNameOfThePluginInFront) {
  EXPECT_EQ(refusal(method<nothing>("none", "")),
            "method \"none\": the name of a method is that of its plugin, a dot and a word: \"good.NAME\"");
  EXPECT_NE(refusal(method<nothing>("goodness.none", "")), "");
}

TEST_F(RegistryOfMethods, RefusesTwoOfAName) {
  EXPECT_EQ(refusal(method<nothing>("good.none", "")), "");
  EXPECT_EQ(refusal(method<nothing>("good.none", "")), "method \"good.none\": the plugin adds it twice");
}

TEST_F(RegistryOfMethods, RefusesAnOptionThatContradictsItself) {
  EXPECT_EQ(refusal(method<nothing>("good.none", "", {test::option("a", Accepts::integer, 3.9)}))
                .rfind("method \"good.none\": option \"a\": ", 0),
            0U);
}

TEST_F(RegistryOfMethods, RefusesAnOptionWhereTheTypeHasOneOfItsOwn) {
  registry_.set_owner("window");
  registry_.add(taking_methods());  // has an option window.from
  EXPECT_NE(refusal(method<nothing>("window.from", "", {test::option("a", Accepts::number, 1.0)})), "");
  EXPECT_TRUE(registry_.methods().empty());
}

TEST(Registry, KeepsTheRecordsOfPlugins) {
  Registry registry;
  registry.record({"a.so", "a", "1", "MIT", {}, {}, "", ""});
  ASSERT_EQ(registry.plugins().size(), 1U);
  EXPECT_EQ(registry.plugins()[0].file, "a.so");
}

}  // namespace
}  // namespace starflow::graph
