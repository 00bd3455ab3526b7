# SPDX-License-Identifier: MIT
# What `cmake --install` gives: the command, its plugins and graphs, and a package for find_package(starflow).
include_guard()
include(CMakePackageConfigHelpers)

# The plugin search of an installed command looks here.
set(STARFLOW_PLUGIN_DIR ${CMAKE_INSTALL_LIBDIR}/starflow)
set(STARFLOW_CONFIG_DIR share/starflow)
set(STARFLOW_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/starflow)

install(TARGETS starflow_core starflow_plugin starflow_graphs EXPORT starflow-targets FILE_SET HEADERS)
install(EXPORT starflow-targets NAMESPACE starflow:: DESTINATION ${STARFLOW_PACKAGE_DIR})

install(TARGETS starflow RUNTIME)
install(TARGETS starflow_centroid starflow_image starflow_unfits
  LIBRARY DESTINATION ${STARFLOW_PLUGIN_DIR} RUNTIME DESTINATION ${STARFLOW_PLUGIN_DIR})

# What `starflow run` needs: the command and its plugins, without the tests.
add_custom_target(starflow_all DEPENDS starflow starflow_centroid starflow_image starflow_unfits)

install(DIRECTORY configs/ DESTINATION ${STARFLOW_CONFIG_DIR} FILES_MATCHING PATTERN "*.json")
install(FILES LICENSE THIRD_PARTY.md README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

configure_package_config_file(scripts/cmake/starflow-config.cmake.in starflow-config.cmake
  INSTALL_DESTINATION ${STARFLOW_PACKAGE_DIR} PATH_VARS STARFLOW_PLUGIN_DIR STARFLOW_CONFIG_DIR)
write_basic_package_version_file(starflow-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/starflow-config.cmake" "${PROJECT_BINARY_DIR}/starflow-config-version.cmake"
  scripts/cmake/StarflowPlugin.cmake
  DESTINATION ${STARFLOW_PACKAGE_DIR})
