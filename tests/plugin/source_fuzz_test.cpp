// SPDX-License-Identifier: MIT
/// \file
/// source.files on thousands of damaged files of each format: every one gives a frame or an error, in a process that
/// goes on. Seeds are fixed; a failure names the format and the number of the mutation.

#include "support/fits_writer.hpp"
#include "support/run_files.hpp"
#include "support/temp_dir.hpp"

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>

#include <fitsio.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <ostream>
#include <random>
#include <string>
#include <vector>

namespace starflow::test {
namespace {

constexpr int kMutations = 2000;
constexpr unsigned kSecondsEach = 60;  // the limit of starflow-unfits is 10 s of processor time

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// 64x48 px with noise, as the formats' coders see it in frames.
cv::Mat noise(int type) {
  cv::Mat image(48, 64, type);
  cv::RNG(1).fill(image, cv::RNG::NORMAL, 100, 10);
  return image;
}

std::string encoded(const std::string& extension, const cv::Mat& image) {
  std::vector<unsigned char> bytes;
  cv::imencode(extension, image, bytes);
  return {bytes.begin(), bytes.end()};
}

std::string plain_fits() {
  const cv::Mat image = noise(CV_16S);
  const std::vector<std::int16_t> values(image.begin<std::int16_t>(), image.end<std::int16_t>());
  return fits_primary({16, {64, 48}, big_endian(values), {card("BZERO", "32768"), card("BLANK", "-32768")}}) +
         fits_star_table({1, 2, 3, 4}) + fits_extension({-32, {2, 1}, big_endian<float>({1, 2}), {}});
}

/// \param how  of CFITSIO: "R", "G", "H", "P"
std::string tiled_fits(const std::string& how) {
  const TempDir folder;
  const cv::Mat image = noise(how == "P" ? CV_8U : CV_16S);
  std::vector<std::int16_t> values;
  cv::Mat wide;
  image.convertTo(wide, CV_16S);
  values.assign(wide.begin<std::int16_t>(), wide.end<std::int16_t>());
  fitsfile* in = nullptr;
  fitsfile* out = nullptr;
  int status = 0;
  fits_open_diskfile(&in, folder.write("a.fits", fits_primary({16, {64, 48}, big_endian(values), {}})).c_str(),
                     READONLY, &status);
  fits_create_file(&out, ((folder / "b.fits") + "[compress " + how + " 32,16]").c_str(), &status);
  fits_img_compress(in, out, &status);
  fits_close_file(out, &status);
  fits_close_file(in, &status);
  EXPECT_EQ(status, 0);
  return content_of(folder / "b.fits");
}

std::string gzipped(std::string bytes) {
  z_stream z{};
  constexpr int kGzip = 15 + 16;
  deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, kGzip, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, bytes.size()), '\0');
  z.next_in = reinterpret_cast<Bytef*>(bytes.data());
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

/// Puts the right checksums back, so that damage goes past our own check to the decoder.
std::string with_png_sums(std::string file) {
  const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(file[at])); };
  for (std::size_t at = 8; at + 12 <= file.size();) {
    const std::size_t length = byte(at) << 24 | byte(at + 1) << 16 | byte(at + 2) << 8 | byte(at + 3);
    if (length > file.size() - at - 12) break;
    const auto sum = crc32(0, reinterpret_cast<const Bytef*>(&file[at + 4]), static_cast<uInt>(length + 4));
    for (std::size_t i = 0; i < 4; ++i) file[at + 8 + length + i] = static_cast<char>(sum >> (24 - 8 * i) & 0xFF);
    at += 12 + length;
  }
  return file;
}

/// One to eight changes: bits, bytes, numbers of cards, runs of bytes that are lost, doubled or overwritten, a cut.
std::string mutate(std::string file, std::mt19937_64& random) {
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % std::max<std::size_t>(n, 1)); };
  constexpr std::array<const char*, 10> kNumbers{"0",     "-1",         "1",           "2",    "99999999",
                                                 "65536", "2147483647", "-2147483648", "1E30", "9223372036854775807"};
  const std::size_t changes = 1 + below(8);
  for (std::size_t i = 0; i < changes && file.size() > 16; ++i) {
    const std::size_t region = below(2) == 0 ? std::min<std::size_t>(file.size(), 8640) : file.size();
    const std::size_t at = below(region);
    const std::size_t run = std::min(1 + below(64), file.size() - at);
    switch (below(8)) {
      case 0: file[at] = static_cast<char>(file[at] ^ 1 << below(8)); break;
      case 1: file[at] = static_cast<char>(random()); break;
      case 2: std::fill_n(file.begin() + static_cast<std::ptrdiff_t>(at), run, below(2) == 0 ? '\0' : '\xff'); break;
      case 3: file.erase(at, run); break;
      case 4: file.insert(at, file.substr(at, run)); break;
      case 5: file.replace(at, run, file.substr(below(file.size()), run)); break;
      case 6:
        if (below(8) == 0) file.resize(at);
        break;
      default: {  // the value of a card
        const std::size_t equals = file.find("= ", at);
        if (equals == std::string::npos || equals + 32 > file.size()) break;
        std::string value = kNumbers[below(kNumbers.size())];
        value.insert(0, 20 - value.size(), ' ');
        file.replace(equals + 2, value.size(), value);
      }
    }
  }
  return file;
}

struct Format {
  std::string name;
  std::string (*seed)();
  std::string (*after)(std::string) = nullptr;  ///< what is done to each damaged file
};
void PrintTo(const Format& f, std::ostream* out) { *out << f.name; }

/// What the children tell, in memory that all share.
struct Progress {
  int next = 0;  ///< the mutation that comes after the one under way
  int frames = 0;
  std::array<int, 2> kinds{};  ///< errors: of the decoder's process, others
};

/// Reads the damaged files from `shared.next` on, in a child process.
[[noreturn]] void read_damaged(const Format& format,
                               const std::string& seed,
                               const std::string& path,
                               Progress& shared) {
  if (std::freopen("/dev/null", "w", stderr) == nullptr) _exit(1);  // what decoders print
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  const rlimit most{std::size_t{6} << 30, std::size_t{6} << 30};
  setrlimit(RLIMIT_AS, &most);
#endif
  while (shared.next < kMutations) {
    std::mt19937_64 random(static_cast<std::uint64_t>(shared.next++));
    std::string damaged = mutate(seed, random);
    if (format.after != nullptr) damaged = format.after(std::move(damaged));
    std::ofstream(path, std::ios::binary | std::ios::trunc) << damaged;
    alarm(kSecondsEach);
    const Produced got = run_file(path);
    if (got.frame() != nullptr) ++shared.frames;
    if (!got.error_code.empty()) ++shared.kinds[got.error_text.find("decoder of its tiles") == std::string::npos];
  }
  _exit(0);
}

class DamagedFile : public testing::TestWithParam<Format> {};

TEST_P(DamagedFile, GivesAFrameOrAnError) {
  cv::setNumThreads(1);  // forks follow
  const TempDir folder;
  const std::string seed = GetParam().seed();
  {
    const std::string whole = GetParam().after != nullptr ? GetParam().after(seed) : seed;
    const Produced sound = run_file(folder.write("sound", whole));
    ASSERT_NE(sound.frame(), nullptr) << "the seed itself: " << sound.error_text;
  }
  void* memory = mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  Progress& shared = *new (memory) Progress;
  while (shared.next < kMutations) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) read_damaged(GetParam(), seed, folder / "damaged", shared);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    if (WIFSIGNALED(status)) {
      ADD_FAILURE() << "mutation " << shared.next - 1 << " ended the process by signal " << WTERMSIG(status);
    } else if (WEXITSTATUS(status) != 0) {
      ADD_FAILURE() << "mutation " << shared.next - 1 << " ended the process with " << WEXITSTATUS(status);
    }
  }
  std::printf("%d frames, %d errors, %d crashes of the decoder's process\n", shared.frames, shared.kinds[1],
              shared.kinds[0]);
  if (HasFailure()) return;
  EXPECT_EQ(shared.frames + shared.kinds[0] + shared.kinds[1], kMutations) << "one outcome a file";
}

INSTANTIATE_TEST_SUITE_P(
    Format,
    DamagedFile,
    testing::Values(Format{"fits", plain_fits},
                    Format{"fits_gz", [] { return gzipped(plain_fits()); }},
                    Format{"gzipped_damage", plain_fits, gzipped},
                    Format{"rice", [] { return tiled_fits("R"); }},
                    Format{"gzip_tiles", [] { return tiled_fits("G"); }},
                    Format{"hcompress", [] { return tiled_fits("H"); }},
                    Format{"plio", [] { return tiled_fits("P"); }},
                    Format{"rice_gz", [] { return tiled_fits("R"); }, gzipped},
                    Format{"png", [] { return encoded(".png", noise(CV_16U)); }},
                    Format{"png_with_sums", [] { return encoded(".png", noise(CV_16U)); }, with_png_sums},
                    Format{"colour_png_with_sums", [] { return encoded(".png", noise(CV_8UC3)); }, with_png_sums},
                    Format{"tiff", [] { return encoded(".tiff", noise(CV_16U)); }},
                    Format{"float_tiff", [] { return encoded(".tiff", noise(CV_32F)); }},
                    Format{"jpeg", [] { return encoded(".jpg", noise(CV_8UC3)); }}),
    [](const auto& one) { return one.param.name; });

// The guard itself: a process that ends by a signal is seen.
TEST(CrashedChild, IsSeen) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    std::abort();
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
}

}  // namespace
}  // namespace starflow::test
