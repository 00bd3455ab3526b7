// SPDX-License-Identifier: MIT
#include "html.hpp"
#include "sections.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace starflow::report {
namespace {

std::string_view file_name(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos || slash + 1 == path.size() ? path : path.substr(slash + 1);
}

}  // namespace

std::string cards_section(const Results& r, const std::vector<Card>& cards) {
  if (cards.empty()) return {};
  std::string out;
  for (const Card& card : cards) {
    const FrameRow& row = r.rows[card.frame.row];
    const std::string picture =
        card.picture.empty() ? "" : fmt::format(R"(<img src="{}" alt="stars of frame {}">)", card.picture, row.id);
    const std::string why = card.frame.why.empty()
                                ? std::string("as the others")
                                : fmt::format("{} ({:.1f} sigma)", card.frame.why, std::min(card.frame.sigma, 999.0));
    out += fmt::format(
        R"(<div class="card">{}<b title="{}">#{} {}</b><span>{}</span><small>{} stars, FWHM {} px, ellipticity {}</small></div>)"
        "\n",
        picture, escaped(row.source), row.id, escaped(file_name(row.source)), escaped(why), grouped_count(row.stars),
        short_number(row.fwhm), short_number(row.ellipticity));
  }
  return fmt::format(
      "<section id=\"worst\"><h2>Frames to look at</h2><p>Farthest from the median of all frames: wide or long stars, "
      "few of "
      "them, a bright or noisy sky.</p>\n<div class=\"cards\">{}</div></section>\n",
      out);
}

std::string failures_section(const Results& r) {
  if (r.errors.empty()) return {};
  using Entry = const std::pair<const std::pair<std::string, std::string>, ErrorGroup>*;
  std::vector<Entry> groups;
  for (const auto& entry : r.errors) groups.push_back(&entry);
  std::ranges::stable_sort(groups, std::greater<>(), [](Entry e) { return e->second.count; });
  std::string rows;
  for (const Entry entry : groups) {
    const auto& [key, g] = *entry;
    std::string frames;
    for (const std::int64_t id : g.frames) frames += fmt::format("{}#{}", frames.empty() ? "" : " ", id);
    if (g.count > g.frames.size()) frames += " ...";
    rows += fmt::format(
        "<tr><td "
        "class=\"n\">{}</td><td><code>{}</code></td><td>{}</td><td>{}<br><small>{}</small></td><td>{}</td></tr>\n",
        grouped(g.count), escaped(key.second), escaped(key.first), escaped(g.text), escaped(g.source), frames);
  }
  if (r.errors_beyond > 0) {
    rows += fmt::format("<tr><td class=\"n\">{}</td><td colspan=\"4\">others, of more kinds than fit here</td></tr>\n",
                        grouped(r.errors_beyond));
  }
  return fmt::format(
      "<section id=\"failures\"><h2>Errors</h2><div class=\"scroll\"><table><thead><tr><th "
      "class=\"n\">frames</th><th>code</th><th>node</th>"
      "<th>example</th><th>where</th></tr></thead><tbody>\n{}</tbody></table></div></section>\n",
      rows);
}

}  // namespace starflow::report
