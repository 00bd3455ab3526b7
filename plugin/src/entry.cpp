// SPDX-License-Identifier: MIT
/// \file
/// The border of libstarflow_centroid.so: one exported symbol.

#include "register.hpp"

#include <starflow/sdk/plugin.hpp>

STARFLOW_PLUGIN("starflow", "0.1.0", "MIT", starflow::register_nodes);
