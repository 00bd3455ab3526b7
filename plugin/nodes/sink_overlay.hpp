// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The node type `sink.overlay`: a picture of each frame with its stars marked.

#include "frame_pattern.hpp"
#include "image_library.hpp"
#include "overlay_scene.hpp"

#include <starflow/sdk/node.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

namespace starflow {

/// Writes one PNG for each frame that has stars to show, if none; frames that failed get none. Each file appears under
/// its name when it is whole. A name that a frame before had gets `_<frame_id>` added. A file that is there already is
/// kept without --force, and a frame's own source always; report() counts what was written and what was kept.
class SinkOverlay final : public Sink {
 public:
  explicit SinkOverlay(const Options& options);
  void start(StartContext& context) override;
  /// None: pictures are whole files, of which a run that is continued keeps those that are there.
  [[nodiscard]] std::vector<std::string> files() const override { return {}; }
  [[nodiscard]] std::string checkpoint() override;
  void write(Context& context) override;
  void close(const RunSummary& /*summary*/) override {}
  [[nodiscard]] std::string report() const override;

 private:
  [[nodiscard]] std::string name_for(const FrameInfo& info);
  void keep(Context& context, const std::string& path);
  void save(const std::string& path);

  FramePattern pattern_;
  OverlayStyle style_;
  std::uint64_t every_;
  bool force_ = false;
  const ImageLibraryDescriptor* library_ = nullptr;
  std::set<std::uint64_t> taken_;   ///< hashes of the names of this run
  std::vector<std::uint64_t> new_;  ///< of these, since the last checkpoint
  std::vector<unsigned char> png_;
  std::uint64_t written_ = 0, kept_ = 0;
};

}  // namespace starflow
