// SPDX-License-Identifier: MIT
#include "failure.hpp"

#include <starflow/sdk/node.hpp>

#include <exception>
#include <new>

namespace starflow::graph {
namespace {

Failure describe() {
  try {
    throw;
  } catch (const FrameError& e) {
    return {e.code(), e.what(), false};
  } catch (const RunError& e) {
    return {"run_error", e.what(), true};
  } catch (const std::bad_alloc&) {
    return {"out_of_memory", "memory ran out; lower run.max_in_flight or run.max_bytes_in_flight", false};
  } catch (const std::exception& e) {
    return {"exception", e.what(), false};
  } catch (...) {
    return {"unknown_exception", "threw something that is not a std::exception", false};
  }
}

}  // namespace

Failure current_failure() noexcept {
  try {
    return describe();
  } catch (...) {
    Failure bare;  // the texts did not fit into memory: this code fits into the string itself
    bare.code = "out_of_memory";
    return bare;
  }
}

}  // namespace starflow::graph
