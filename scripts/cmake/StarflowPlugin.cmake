# SPDX-License-Identifier: MIT
# What find_package(starflow COMPONENTS plugin) gives to a plugin's own project.
include_guard()

# starflow_add_plugin(<name> <sources>...): the module libstarflow_<name>.so, which shows its descriptor and nothing
# else, and in which nothing is left undefined that the host would miss when it loads it.
function(starflow_add_plugin name)
  add_library(starflow_${name} MODULE ${ARGN})
  target_link_libraries(starflow_${name} PRIVATE starflow::plugin)
  target_link_options(starflow_${name} PRIVATE -Wl,--exclude-libs,ALL -Wl,-z,defs)
  set_target_properties(starflow_${name} PROPERTIES CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
endfunction()
