// SPDX-License-Identifier: MIT
#include "commands.hpp"
#include "console.hpp"
#include "exit_code.hpp"
#include "thumbnails.hpp"

#include "output_file.hpp"
#include "page.hpp"
#include "record_file.hpp"

#include <starflow/sdk/node.hpp>

#include <algorithm>
#include <filesystem>
#include <system_error>

namespace starflow::tool {
namespace {

constexpr std::size_t kMostCards = 12, kCardsWithPictures = 6;
constexpr double kStandsOut = 3;  // sigma

/// Those that stand out; where there are pictures, a few in any case.
std::vector<report::Card> cards_of(const report::Results& results, Thumbnails& thumbnails) {
  std::vector<report::Card> cards;
  for (const report::WorstFrame& frame : worst_frames(results.rows, kMostCards)) {
    const bool few = thumbnails.wanted() && cards.size() < kCardsWithPictures;
    if (frame.sigma < kStandsOut && !few) break;
    const report::FrameRow& row = results.rows[frame.row];
    cards.push_back({frame, thumbnails.of(row.source, row.id)});
  }
  return cards;
}

/// \throws OptionError where the report would replace what it is made of
void check_output(const ReportArguments& a) {
  for (const std::string& path : a.results) {
    std::error_code none;
    if (std::filesystem::equivalent(path, a.output, none))
      throw OptionError("output", a.output + " is one of the results");
  }
}

}  // namespace

int command_report(const ReportArguments& a) {
  try {
    check_output(a);
    OutputFile file;
    if (file.open(a.output, a.force)) print_error("replaces {}.part, which an earlier run left unfinished\n", a.output);
    Thumbnails thumbnails(a.overlays);
    const report::Results results = report::read_results(a.results);
    const std::vector<report::Card> cards = cards_of(results, thumbnails);
    if (!thumbnails.problem().empty())
      print_error("warning: a picture is left out: {}\n", printable(thumbnails.problem()));
    file.write(
        report::page(results, cards, a.title.empty() ? "starflow: " + counted(results.frames, "frame") : a.title));
    file.commit();
    if (!a.quiet && a.output != "-") {
      print_error("{}: {}, {}\n", printable(a.output), counted(results.frames, "frame"),
                  counted(results.stars, "star"));
    }
    return ExitCode::all_ok;
  } catch (const report::InputError& e) {
    print_error("error: {}\n", printable(e.what()));
  } catch (const OptionError& e) {
    print_error("error: {}\n", printable(e.what()));
  }
  return ExitCode::bad_config;
}

}  // namespace starflow::tool
