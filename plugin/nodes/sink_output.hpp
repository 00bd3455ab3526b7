// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// What every sink that writes files does alike: its option, opening, what it tells of a run that ended early.

#include "output_file.hpp"
#include "star_columns.hpp"

#include <starflow/sdk/messages.hpp>
#include <starflow/sdk/node.hpp>

#include <nlohmann/json_fwd.hpp>

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace starflow {

/// The option `path`, and those of everything that writes stars.
[[nodiscard]] std::vector<OptionSpec> sink_options(const char* fallback, const char* doc);

/// Claims \p path, which an option named, and opens it; warns where an unfinished file is replaced.
/// \param mark  place_of() the file from which an earlier run is continued; null = none is
/// \throws OptionError of that option
void open_output(
    StartContext& context, OutputFile& file, const char* option, const std::string& path, const nlohmann::json& mark);

/// \throws OptionError("path", ...) where \p path is no plain file, as a sink needs that writes parts of it anew
void check_plain_output(const std::string& path);

/// \throws OptionError(option, ...) where \p path is a stream, in which a run can't be continued
void check_resumable(const char* option, const std::string& path);

/// What the last checkpoint of a sink says, as an object; an empty one where the run begins.
[[nodiscard]] nlohmann::json last_checkpoint(const StartContext& context);

/// Makes \p file survive a loss of power. \return where it is, for open_output(). \throws RunError
[[nodiscard]] nlohmann::json place_of(OutputFile& file);

/// What is known about the frame that the stars were measured on, which may be a part of what the source sent; where
/// none were, about that.
[[nodiscard]] const FrameInfo& measured_frame(const Sink::Context& context, const StarList* stars);

/// The frame's number, then the columns of a star.
[[nodiscard]] std::vector<TableColumn> columns_of_stars(const StarColumns& columns);

/// Leaves files under their unfinished names, each told by a member of a JSON object.
/// \return that object; empty where nothing was left
[[nodiscard]] std::string leave_unfinished(std::initializer_list<std::pair<const char*, OutputFile*>> files);

}  // namespace starflow
