// SPDX-License-Identifier: MIT
/// \file
/// The published schema of the records against the columns of a star table: neither may know more than the other.

#include <starflow/core/star_table.hpp>
#include <starflow/sdk/messages.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace starflow {
namespace {

using Json = nlohmann::ordered_json;

const Json& schema_of(const char* record) {
  static const Json schema = Json::parse(std::ifstream(STARFLOW_SOURCE_DIR "/configs/schema/record.schema.json"));
  return schema.at("$defs").at(record);
}
const Json& star_schema() { return schema_of("star"); }

/// What node match adds: only where it is in the graph.
std::vector<std::string> names_of_tracks() {
  std::vector<std::string> names;
  const StarTracks tracks;
  zip_track_columns([&](std::string_view name, auto, auto, const auto&) { names.emplace_back(name); }, tracks);
  return names;
}

std::vector<std::string> names_of_columns() {
  std::vector<std::string> names = {"type", "frame_id"};
  const StarTable stars;
  for_each_column(stars, [&](std::string_view name, auto, auto, const auto&) { names.emplace_back(name); });
  names.emplace_back("flag_names");
  return names;
}

TEST(RecordSchema, ListsTheColumnsInTheirOrder) {
  std::vector<std::string> described;
  for (const auto& [name, schema] : star_schema().at("properties").items()) described.push_back(name);
  std::vector<std::string> all = names_of_columns();
  for (const std::string& name : names_of_tracks()) all.push_back(name);
  EXPECT_EQ(described, all);
  EXPECT_EQ(star_schema().at("required").get<std::vector<std::string>>(), names_of_columns());
}

TEST(RecordSchema, DescribesEachColumnInTheWordsOfTheCode) {
  const StarTable stars;
  const StarTracks tracks;
  const auto compare = [&](std::string_view name, std::string_view unit, std::string_view doc, const auto&) {
    const std::string words = std::string(doc) + (unit.empty() ? "" : " [" + std::string(unit) + "]");
    EXPECT_EQ(star_schema().at("properties").at(std::string(name)).at("description"), words);
  };
  for_each_column(stars, compare);
  zip_track_columns(compare, tracks);
}

TEST(RecordSchema, DescribesARejectedStarAsAStarWithAReason) {
  std::vector<std::string> names = names_of_columns();
  names.insert(names.begin() + 2, "reason");
  std::vector<std::string> described;
  for (const auto& [name, schema] : schema_of("rejected").at("properties").items()) {
    described.push_back(name);
    if (name == "type" || name == "frame_id" || name == "reason") continue;
    EXPECT_EQ(schema, (Json{{"$ref", "#/$defs/star/properties/" + name}}));
  }
  EXPECT_EQ(described, names);
  EXPECT_EQ(schema_of("rejected").at("required").get<std::vector<std::string>>(), names);
}

TEST(RecordSchema, KnowsTheMethodsAndTheTerminations) {
  const auto allowed = [](const char* column) {
    const Json& schema = star_schema().at("properties").at(column);
    const Json& names = schema.contains("anyOf") ? schema.at("anyOf").at(0) : schema;  // a plugin's has a dot
    return names.at("enum").get<std::vector<std::string>>();
  };
  const std::vector<std::string> methods(std::begin(kMethodNames), std::end(kMethodNames));
  EXPECT_EQ(allowed("method"), methods);
  EXPECT_EQ(allowed("method_used"), methods);
  EXPECT_EQ(allowed("termination"),
            std::vector<std::string>(std::begin(kTerminationNames), std::end(kTerminationNames)));
}

}  // namespace
}  // namespace starflow
