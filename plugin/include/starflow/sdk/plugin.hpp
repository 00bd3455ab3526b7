// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The one symbol that a plugin exports: a data descriptor that the host checks before any code of the plugin runs.

#include <starflow/sdk/node.hpp>

#include <opencv2/core/version.hpp>

#include <cstdint>

namespace starflow {

inline constexpr std::uint32_t kPluginMagic = 0x53464C57;  // "SFLW"
inline constexpr std::uint32_t kPluginApiMajor = 4;        ///< must be equal
inline constexpr std::uint32_t kPluginApiMinor = 0;        ///< the plugin's may not be larger than the host's

#define STARFLOW_TEXT_(x) #x
#define STARFLOW_TEXT(x) STARFLOW_TEXT_(x)
#ifdef _GLIBCXX_DEBUG
#define STARFLOW_ABI_DEBUG "1"
#else
#define STARFLOW_ABI_DEBUG "0"
#endif
/// What must be equal for C++ types to cross: the library ABI and the version of OpenCV.
inline constexpr const char* kPluginAbiTag =
    "c++20 cxx11abi=" STARFLOW_TEXT(_GLIBCXX_USE_CXX11_ABI) " debug=" STARFLOW_ABI_DEBUG " opencv=" STARFLOW_TEXT(
        CV_VERSION_MAJOR) "." STARFLOW_TEXT(CV_VERSION_MINOR);

/// Laid out for ever: fields are only added at the end.
struct PluginDescriptor {
  std::uint32_t magic;
  std::uint32_t size;  ///< sizeof(PluginDescriptor) of the plugin
  std::uint32_t api_major, api_minor;
  const char* abi_tag;
  const char* name;     ///< "trail"
  const char* version;  ///< "1.0.0"
  const char* license;  ///< SPDX identifier
  void (*init)(Registrar&);
};

}  // namespace starflow

/// Put once into a plugin, at file scope.
#define STARFLOW_PLUGIN(NAME, VERSION, LICENSE, INIT)                                                    \
  extern "C" __attribute__((visibility("default"))) const ::starflow::PluginDescriptor starflow_plugin { \
    ::starflow::kPluginMagic, sizeof(::starflow::PluginDescriptor), ::starflow::kPluginApiMajor,         \
        ::starflow::kPluginApiMinor, ::starflow::kPluginAbiTag, NAME, VERSION, LICENSE, INIT             \
  }
