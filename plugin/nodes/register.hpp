// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The list of our own node types.

#include <starflow/sdk/node.hpp>

namespace starflow {

/// Registers every node type of libstarflow_centroid.so.
void register_nodes(Registrar& registrar);

NodeType source_files_type();
NodeType source_sky_type();
NodeType mask_type();
NodeType calibrate_type();
NodeType crop_type();
NodeType bin_type();
NodeType detections_file_type();
NodeType detections_grid_type();
NodeType records_type();
NodeType sink_csv_type();
NodeType sink_fits_type();
NodeType sink_jsonl_type();
NodeType sink_overlay_type();
NodeType sink_score_type();
NodeType sink_sqlite_type();
NodeType detect_type();
NodeType centroid_type();
NodeType filter_type();
NodeType match_type();

}  // namespace starflow
