// SPDX-License-Identifier: MIT
/// \file
/// The border of libstarflow_centroid.so: one exported symbol.

#include "register.hpp"

#include <starflow/sdk/plugin.hpp>

STARFLOW_PLUGIN("starflow", STARFLOW_VERSION, "MIT", starflow::register_nodes);
