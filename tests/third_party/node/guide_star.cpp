// SPDX-License-Identifier: MIT
/// \file
/// A node of one's own: of a frame's stars it keeps those that a telescope can be guided by.

#include <starflow/core/flags.hpp>
#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/plugin.hpp>

class GuideStar final : public starflow::Node {
 public:
  explicit GuideStar(const starflow::Options& o) : snr_(o.number("snr_min")), most_(o.integer("most")) {}

  void process(Context& c) override {
    const auto& in = c.in<starflow::StarList>(0);
    std::vector<std::uint32_t> rows;  // the table falls in flux: the brightest first
    for (std::uint32_t row = 0; row < in.stars.size() && rows.size() < static_cast<std::size_t>(most_); ++row) {
      if (in.stars.flags[row] == 0 && in.stars.snr[row] >= snr_) rows.push_back(row);
    }
    if (rows.empty()) throw starflow::FrameError("guide.none", "no star without a flag is bright enough");
    starflow::StarList out = in;
    out.stars = {};
    starflow::append_rows(in.stars, rows, out.stars);
    out.rejected["guide"] += in.stars.size() - rows.size();
    c.out(0, std::move(out));
  }

 private:
  double snr_;
  std::int64_t most_;
};

void init(starflow::Registrar& registrar) {
  const auto stars = starflow::message_type<starflow::StarList>;
  registrar.add(
      {.name = "guide.star",
       .doc = "Keeps the stars to guide by.",
       .inputs = {{"stars", stars, "measured"}},
       .outputs = {{"stars", stars, "to guide by"}},
       .options = {{.name = "snr_min", .fallback = 20.0, .minimum = 0},
                   {.name = "most", .form = starflow::Accepts::integer, .fallback = std::int64_t{1}, .minimum = 1}},
       .make = starflow::factory_of<GuideStar>()});
}
STARFLOW_PLUGIN("guide", "1.0.0", "MIT", init);
