# SPDX-License-Identifier: MIT
include_guard()
include(GoogleTest OPTIONAL)

# Warnings and sanitizers live on one interface target that is never exported.
# no-restrict: g++ 12 reports std::string operator+ falsely (GCC PR 105329).
add_library(starflow_build_flags INTERFACE)
target_compile_options(starflow_build_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wdouble-promotion -Wnon-virtual-dtor -Wno-restrict
  -ffp-contract=off -fno-math-errno -fno-trapping-math)
target_compile_definitions(starflow_build_flags INTERFACE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
if(STARFLOW_SANITIZE)
  target_compile_definitions(starflow_build_flags INTERFACE $<$<NOT:$<CONFIG:Debug>>:_GLIBCXX_ASSERTIONS>)
  # vptr off: oneTBB 2021.8 downcasts a flow-graph task after its destructor (_flow_graph_impl.h:368).
  target_compile_options(starflow_build_flags INTERFACE
    -fsanitize=${STARFLOW_SANITIZE} -fno-sanitize=vptr -fno-omit-frame-pointer -Wno-mismatched-new-delete)
  target_link_options(starflow_build_flags INTERFACE -fsanitize=${STARFLOW_SANITIZE})
endif()

# starflow_test(<name> LABEL <label> [SLOW] [TIMEOUT <seconds>] [LIBS ...])
#   Builds tests/<label>/<name>.cpp and registers every case in it. One call does both,
#   so no test can be built and then not run. SLOW makes the label <label>-slow, which scripts/test
#   leaves out; ctest -L and -LE match parts of labels.
function(starflow_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SLOW" "LABEL;TIMEOUT" "LIBS")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 60)
  endif()
  set(label ${arg_LABEL})
  if(arg_SLOW)
    set(label ${arg_LABEL}-slow)  # one label: test discovery flattens lists
  endif()
  add_executable(${name} ${PROJECT_SOURCE_DIR}/tests/${arg_LABEL}/${name}.cpp)
  target_link_libraries(${name} PRIVATE starflow_build_flags ${arg_LIBS} GTest::gtest_main)
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
  gtest_discover_tests(${name} PROPERTIES LABELS ${label} TIMEOUT ${arg_TIMEOUT} DISCOVERY_TIMEOUT 60)
endfunction()
