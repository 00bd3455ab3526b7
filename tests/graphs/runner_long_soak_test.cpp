// SPDX-License-Identifier: MIT
#include "graphs/soak.hpp"

namespace starflow::test {
namespace {

TEST(Soak, KeepsEveryPromiseInFourThousandRandomRuns) { soak(4000); }

}  // namespace
}  // namespace starflow::test
