// SPDX-License-Identifier: MIT
/// \file
/// starflow-unfits: unpacks one plane of a tile-compressed FITS image for source.files, which starts it, and may crash.

#include "fits_tiles_protocol.hpp"

#include <fitsio.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

namespace {

using starflow::kUnpackPixels;
using starflow::UnpackJob;

// A damaged tile may also ask for any amount of time and memory.
void limit_resources(std::size_t bytes) {
  const auto limit = [](__rlimit_resource what, std::size_t most) {
    rlimit now{};
    getrlimit(what, &now);
    now.rlim_cur = std::min<rlim_t>(most, now.rlim_max);
    setrlimit(what, &now);
  };
  constexpr std::size_t kBytesPerSecond = std::size_t{1} << 22;  // 50 times slower than what was measured
  limit(RLIMIT_CPU, 10 + bytes / kBytesPerSecond);
  limit(RLIMIT_CORE, 0);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // they reserve terabytes
  limit(RLIMIT_AS, (std::size_t{4} << 30) + 2 * bytes);
#endif
}

std::size_t size_of(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? static_cast<std::size_t>(status.st_size) : 0;
}

// \return CFITSIO's status
int unpack(UnpackJob& job, char* pixels) {
  std::size_t bytes = size_of(0);
  void* file = mmap(nullptr, bytes, PROT_READ, MAP_PRIVATE, 0, 0);
  if (file == MAP_FAILED) return READ_ERROR;
  fitsfile* fits = nullptr;
  int status = 0;
  if (fits_open_memfile(&fits, "memory", READONLY, &file, &bytes, 0, nullptr, &status) != 0) return status;
  if (fits_movabs_hdu(fits, job.hdu, nullptr, &status) != 0) return status;
  return starflow::read_pixels(fits, job.plane, pixels, job.mask_bytes > 0 ? pixels + job.pixel_bytes : nullptr,
                               job.blanks);
}

}  // namespace

int main() {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::size_t bytes = size_of(1);
  if (bytes < kUnpackPixels) return 2;  // not started by a source
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, 1, 0);
  if (memory == MAP_FAILED) return 1;
  auto& job = *static_cast<UnpackJob*>(memory);
  const bool known = job.version == starflow::kUnpackVersion;
  job.version = starflow::kUnpackVersion;
  if (!known) return 2;
  if (kUnpackPixels + job.pixel_bytes + job.mask_bytes > bytes) return 2;
  limit_resources(bytes + size_of(0));
  UnpackJob answer = job;  // written at once: the decoder does not scribble on a job that counts as done
  answer.status = unpack(answer, static_cast<char*>(memory) + kUnpackPixels);
  answer.done = 1;
  job = answer;
  _exit(0);  // without what is left of CFITSIO, which a damaged file may have harmed
}
