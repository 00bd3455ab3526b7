// SPDX-License-Identifier: MIT
#include <starflow/graph/registry.hpp>

#include "graphs/config_types.hpp"

#include <gtest/gtest.h>

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

TEST(Registry, KeepsTheRecordsOfPlugins) {
  Registry registry;
  registry.record({"a.so", "a", "1", "MIT", {}, "", ""});
  ASSERT_EQ(registry.plugins().size(), 1U);
  EXPECT_EQ(registry.plugins()[0].file, "a.so");
}

}  // namespace
}  // namespace starflow::graph
