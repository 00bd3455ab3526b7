// SPDX-License-Identifier: MIT
/// \file
/// Node `filter`: measured stars in, those that pass every rule out.

#include <starflow/core/star_filter.hpp>
#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/node.hpp>

#include "filter_options.hpp"
#include "register.hpp"

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace starflow {
namespace {

class Filter final : public Node {
 public:
  explicit Filter(const Options& o) : rules_(read_filter(o)), list_(o.flag("list_rejected")) {}

  void process(Context& c) override {
    const auto& in = c.in<StarList>(0);
    if (!in.stars.consistent()) throw std::invalid_argument("a star table came with columns of different lengths");
    const FilterFrame frame{in.frame->width, in.frame->height, in.fwhm_px, in.fwhm_guessed};
    const std::vector<std::string_view> reasons = filter_stars(in.stars, rules_, frame);
    std::vector<std::uint32_t> stay, go;
    for (std::uint32_t row = 0; row < reasons.size(); ++row) (reasons[row].empty() ? stay : go).push_back(row);
    if (go.empty()) return c.send(0, c.input(0));
    StarList out = without_stars(in);
    append_rows(in.stars, stay, out.stars);
    for (const std::uint32_t row : go) ++out.rejected[std::string(reasons[row])];
    if (list_) list(in.stars, go, reasons, out.listed);
    c.out(0, std::move(out));
  }

 private:
  static StarList without_stars(const StarList& in) {
    return {in.frame,   in.background_adu, in.noise_adu,   in.background_reliable,
            in.fwhm_px, in.fwhm_guessed,   in.field_shape, in.rejected,
            {},         in.listed};
  }

  /// Adds the rows that go to those that an earlier node listed.
  static void list(const StarTable& stars,
                   const std::vector<std::uint32_t>& go,
                   const std::vector<std::string_view>& reasons,
                   RejectedStars& listed) {
    append_rows(stars, go, listed.stars);
    for (const std::uint32_t row : go) {
      const std::size_t at = listed.reasons.size();
      listed.reasons.emplace_back(reasons[row]);
      if (reasons[row] == reason::duplicate) listed.stars.flags[at] |= flag::duplicate;
    }
  }

  FilterRules rules_;
  bool list_;
};

}  // namespace

NodeType filter_type() {
  return {
      .name = "filter",
      .doc =
          "Takes stars out of a table by rules, which are off unless given. The frame's record counts each row that "
          "goes by its reason: the first rule that takes it, in the order duplicate_radius, flags (by bit), region, "
          "edge_px, position, snr_min, significance, sharpness, roundness1, roundness2, neighbour_radius, "
          "fwhm_outlier, "
          "brightest.",
      .inputs = {{"stars", message_type<StarList>, "the measured stars of a frame"}},
      .outputs = {{"stars", message_type<StarList>, "those that stay, in their order"}},
      .options = filter_option_table(),
      .make = factory_of<Filter>()};
}

}  // namespace starflow
