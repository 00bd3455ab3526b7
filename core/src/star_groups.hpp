// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// Which stars of a list are measured together: friends of friends, in groups of a limited size.

#include "disjoint_sets.hpp"
#include "neighbours.hpp"

#include <starflow/core/detect.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace starflow {

/// What the stars of a list are to each other.
struct GroupRules {
  double same_px = 0;    ///< two positions nearer than this are one star: the fainter is a shadow
  double reach_px = 0;   ///< as far along either axis a star matters to another
  double link_px = 0;    ///< stars nearer than this are linked
  double extent_px = 0;  ///< most of a group, along either axis
  std::size_t size = 1;  ///< most stars of a group
};

/// Groups of linked stars. Links are closed from the shortest to the longest, each unless the group would be too large,
/// so that a chain that is too long is cut at its longest links. The groups do not depend on the order of the list.
class StarGroups {
 public:
  /// Stars more than reach_px outside of the frame take no part. Reuses its memory.
  void build(const Detections& stars, const NeighbourGrid& grid, int width, int height, const GroupRules& rules);

  [[nodiscard]] std::size_t size() const { return begin_.empty() ? 0 : begin_.size() - 1; }  ///< groups of 2 and more
  /// Of one group, brightest first.
  [[nodiscard]] std::span<const std::uint32_t> members(std::size_t group) const {
    return std::span(members_).subspan(begin_[group], begin_[group + 1] - begin_[group]);
  }
  [[nodiscard]] std::size_t first(std::size_t group) const { return begin_[group]; }  ///< number of its first member
  [[nodiscard]] std::size_t total() const { return members_.size(); }

  static constexpr std::uint32_t kNone = ~std::uint32_t{0};
  /// Number of the star among all members, or kNone.
  [[nodiscard]] std::uint32_t slot(std::size_t star) const { return slot_[star]; }
  [[nodiscard]] std::uint32_t group_of(std::size_t star) const { return group_[star]; }
  [[nodiscard]] bool crowded(std::size_t star) const {
    return (state_[star] & kCrowded) != 0;
  }  ///< another is in reach
  [[nodiscard]] bool linked(std::size_t star) const { return (state_[star] & kLinked) != 0; }
  [[nodiscard]] bool shadow(std::size_t star) const { return (state_[star] & kShadow) != 0; }

 private:
  enum : std::uint8_t { kCrowded = 1, kLinked = 2, kShadow = 4 };
  struct Link {
    double squared;  // px^2
    std::uint32_t a, b;
  };
  /// A group while it grows, kept by its first star.
  struct Cluster {
    double x_low, x_high, y_low, y_high;
    std::uint32_t count;
  };

  void find_links(const Detections& stars, const NeighbourGrid& grid, int width, int height, const GroupRules& rules);
  void close_links(const Detections& stars, const GroupRules& rules);
  void number_groups(const Detections& stars);

  std::vector<std::uint8_t> state_;
  std::vector<Link> links_;
  DisjointSets joined_;
  std::vector<Cluster> clusters_;
  std::vector<std::uint32_t> group_, slot_, members_, begin_;
};

/// By position, then number: an order of stars that the order of their list does not change.
[[nodiscard]] bool higher_up(const Detections& stars, std::uint32_t a, std::uint32_t b);

}  // namespace starflow
