// SPDX-License-Identifier: MIT
#include "register.hpp"

namespace starflow {

void register_nodes(Registrar& registrar) {
  registrar.add(source_files_type());
  registrar.add(source_sky_type());
  registrar.add(mask_type());
  registrar.add(calibrate_type());
  registrar.add(crop_type());
  registrar.add(bin_type());
  registrar.add(detections_file_type());
  registrar.add(detections_grid_type());
  registrar.add(records_type());
  registrar.add(sink_csv_type());
  registrar.add(sink_fits_type());
  registrar.add(sink_jsonl_type());
  registrar.add(sink_overlay_type());
  registrar.add(sink_score_type());
  registrar.add(sink_sqlite_type());
  registrar.add(detect_type());
  registrar.add(centroid_type());
  registrar.add(filter_type());
  registrar.add(match_type());
}

}  // namespace starflow
