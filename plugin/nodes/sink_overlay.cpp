// SPDX-License-Identifier: MIT
#include "sink_overlay.hpp"

#include "json_text.hpp"
#include "option_specs.hpp"
#include "output_file.hpp"
#include "register.hpp"
#include "sink_output.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <system_error>
#include <utility>

namespace starflow {
namespace {

namespace fs = std::filesystem;

std::vector<OptionSpec> options() {
  OptionSpec longest =
      whole("longest_px", 1600, 64, 16384,
            "Most pixels along a side of what is shown of a frame; larger frames are shown by the means of blocks.");
  longest.unit = "px";
  std::vector<OptionSpec> all = {
      with_default(option("path", Accepts::text,
                          std::string("PNG file of each frame: ") + kFramePatternDoc +
                              "; a name that was taken gets _{frame_id} added. Its folder is made."),
                   std::string("overlays/{stem}.png")),
      whole("every", 1, 1, 1e9, "Shows the frames whose number this divides."), std::move(longest),
      whole("labels", 40, 0, 100'000, "Writes the numbers of at most so many stars beside them, the brightest first.")};
  for (OptionSpec& spec : all) spec.result_neutral = true;
  return all;
}

/// FNV-1a, 64 bits: the same in every run.
std::uint64_t hash_of(std::string_view name) {
  std::uint64_t hash = 14695981039346656037U;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211U;
  return hash;
}

bool exists(const std::string& path) {
  std::error_code none;
  return fs::exists(fs::symlink_status(path, none));
}

}  // namespace

SinkOverlay::SinkOverlay(const Options& options)
    : pattern_(options.text("path"), "path"),
      style_{static_cast<int>(options.number("longest_px")), static_cast<std::size_t>(options.number("labels"))},
      every_(static_cast<std::uint64_t>(options.number("every"))) {
  if (!pattern_.text().ends_with(".png")) throw OptionError("path", "wants a name that ends in .png");
}

void SinkOverlay::start(StartContext& context) {
  force_ = context.force();
  if (!pattern_.per_frame()) context.claim_output("path", pattern_.text());
  for (const std::string& text : context.checkpoints()) {
    const auto past = nlohmann::json::parse(text);
    for (const auto& name : past.at("names")) taken_.insert(name.get<std::uint64_t>());
    written_ = past.at("pictures");
    kept_ = past.at("kept");
  }
  try {
    library_ = &load_image_library();
  } catch (const std::runtime_error& e) {
    throw OptionError("path", e.what());
  }
}

std::string SinkOverlay::checkpoint() {
  return nlohmann::json{{"names", std::exchange(new_, {})}, {"pictures", written_}, {"kept", kept_}}.dump();
}

std::string SinkOverlay::name_for(const FrameInfo& info) {
  const std::string name = pattern_.path(info);
  return taken_.contains(hash_of(name)) ? numbered_name(name, info.frame_id) : name;
}

void SinkOverlay::keep(Context& context, const std::string& path) {
  if (kept_++ == 0)
    context.log(LogLevel::warning, path + " exists and is kept; --force replaces pictures, but never a frame's source");
}

void SinkOverlay::save(const std::string& path) {
  std::error_code error;
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty()) fs::create_directories(folder, error);
  if (error) throw RunError("can't make the folder " + folder.string() + ": " + error.message());
  OutputFile file;
  try {
    file.open(path, force_);
  } catch (const OptionError& e) {
    throw RunError(e.what());
  }
  file.write({reinterpret_cast<const char*>(png_.data()), png_.size()});
  file.commit();
}

void SinkOverlay::write(Context& context) {
  const auto* frame = context.input(0).as<Frame>();
  const auto* list = context.input(1).as<StarList>();
  if (frame == nullptr || list == nullptr || frame->info().frame_id % every_ != 0) return;
  const std::string path = name_for(frame->info());
  taken_.insert(hash_of(path));
  new_.push_back(hash_of(path));
  std::error_code none;
  if (exists(path) && (!force_ || fs::equivalent(path, frame->info().source, none))) return keep(context, path);
  library_->draw(overlay_picture(*frame, *list, style_), png_);
  save(path);
  ++written_;
}

std::string SinkOverlay::report() const {
  std::string out = "{";
  json::append_member(out, "pictures", written_);
  if (kept_ > 0) json::append_member(out, "kept", kept_);
  return out + "}";
}

NodeType sink_overlay_type() {
  return {.name = "sink.overlay",
          .doc =
              "Writes a PNG of each measured frame: its stars as ellipses of three times their FWHM, coloured by "
              "their flags.",
          .inputs = {{"frame", message_type<Frame>, "what is shown; it may hold more of the sensor than was measured"},
                     {"stars", message_type<StarList>, "its measured stars"}},
          .outputs = {},
          .options = options(),
          .make = factory_of<SinkOverlay>()};
}

}  // namespace starflow
