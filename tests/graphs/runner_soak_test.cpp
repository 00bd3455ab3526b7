// SPDX-License-Identifier: MIT
#include "graphs/soak.hpp"

namespace starflow::test {
namespace {

TEST(Soak, KeepsEveryPromiseInFortyRandomRuns) { soak(40); }

}  // namespace
}  // namespace starflow::test
