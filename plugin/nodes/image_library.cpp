// SPDX-License-Identifier: MIT
#include "image_library.hpp"

#include "companion.hpp"

#include <dlfcn.h>

#include <stdexcept>
#include <string_view>

namespace starflow {

const ImageLibraryDescriptor& load_image_library(const std::vector<std::string>& folders) {
  const Companion found = find_companion(kImageLibrary, folders);
  if (found.file.empty()) {
    throw std::runtime_error(std::string(kImageLibrary) +
                             ", which reads and writes PNG, TIFF and JPEG, was not found in " + found.searched +
                             "; build it with Debian package libopencv-imgcodecs-dev or set STARFLOW_PLUGIN_PATH");
  }
  void* library = dlopen(found.file.c_str(), RTLD_NOW | RTLD_LOCAL);  // never closed: frames keep its memory
  if (library == nullptr) {
    const char* reason = dlerror();
    throw std::runtime_error(found.file.string() + " can't be loaded (" +
                             (reason != nullptr ? reason : "no reason given") +
                             "); it needs OpenCV's imgcodecs, Debian package libopencv-imgcodecs406");
  }
  const auto* it = static_cast<const ImageLibraryDescriptor*>(dlsym(library, kImageLibrarySymbol));
  if (it == nullptr || it->magic != kImageLibraryMagic || it->size < sizeof(ImageLibraryDescriptor) ||
      it->api != kImageLibraryApi || std::string_view(it->abi_tag) != kPluginAbiTag) {
    throw std::runtime_error(found.file.string() +
                             " is not the image library of this starflow; install the one of the same version");
  }
  return *it;
}

}  // namespace starflow
