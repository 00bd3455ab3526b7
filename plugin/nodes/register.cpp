// SPDX-License-Identifier: MIT
#include "register.hpp"

namespace starflow {

void register_nodes(Registrar& /*registrar*/) {}

}  // namespace starflow
