// SPDX-License-Identifier: MIT
/// \file
/// Things that stand still, measured again and again: particles stuck to a slide (trackpy's movie) and two guide stars
/// of the Chandra observatory. Needs the outside data that STARFLOW_DATA names.

#include <opencv2/core.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <iostream>
#include <limits>
#include <string>
#include <vector>

#include "accuracy/real_data.hpp"
#include "support/csv_table.hpp"

namespace starflow {
namespace {

class Repeat : public test::RealData {};

using Point = cv::Vec2d;
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Mean of the two middle values of an even number of them.
double median(std::vector<double> v) {
  std::ranges::sort(v);
  return 0.5 * (v[(v.size() - 1) / 2] + v[v.size() / 2]);
}

/// \p frame brought onto \p mean by six parameters: least squares weighted by \p weight, points beyond 4 sigma of an
/// axis left out. A point that the frame does not have is NaN in it and in the result.
std::vector<Point> registered(const std::vector<Point>& frame,
                              const std::vector<Point>& mean,
                              const std::vector<double>& weight) {
  constexpr int kRounds = 5;
  constexpr double kClip = 4;
  std::vector<char> use;
  for (const Point& p : frame) use.push_back(std::isnan(p[0]) ? 0 : 1);
  std::vector<Point> moved;
  for (int round = 0; round < kRounds; ++round) {
    cv::Mat a, b, fit;
    for (std::size_t i = 0; i < frame.size(); ++i) {
      if (use[i] == 0) continue;
      const double w = std::sqrt(weight[i]);
      a.push_back(cv::Mat(cv::Matx13d(w, w * frame[i][0], w * frame[i][1])));
      b.push_back(cv::Mat(cv::Matx12d(w * mean[i][0], w * mean[i][1])));
    }
    cv::solve(a, b, fit, cv::DECOMP_QR);
    moved.clear();
    std::array<std::vector<double>, 2> off;
    for (std::size_t i = 0; i < frame.size(); ++i) {
      const cv::Mat p = cv::Mat(cv::Matx13d(1, frame[i][0], frame[i][1])) * fit;
      moved.emplace_back(p.at<double>(0), p.at<double>(1));
      if (use[i] == 0) continue;
      for (const int axis : {0, 1})
        off[static_cast<std::size_t>(axis)].push_back(std::abs(moved[i][axis] - mean[i][axis]));
    }
    const double limit_x = kClip * 1.4826 * test::quantile(off[0], 0.5);
    const double limit_y = kClip * 1.4826 * test::quantile(off[1], 0.5);
    for (std::size_t i = 0; i < frame.size(); ++i) {
      use[i] = std::abs(moved[i][0] - mean[i][0]) <= limit_x && std::abs(moved[i][1] - mean[i][1]) <= limit_y ? 1 : 0;
    }
  }
  return moved;
}

/// Standard deviation per axis of each point over the frames, registered on their mean.
std::vector<double> scatter(const std::vector<std::vector<Point>>& frames, const std::vector<double>& weight) {
  constexpr int kRounds = 3;
  const std::size_t n = weight.size(), count = frames.size();
  std::vector<Point> mean = frames[0];
  for (const auto& frame : frames) {
    for (std::size_t i = 0; i < n; ++i) mean[i] = std::isnan(mean[i][0]) ? frame[i] : mean[i];
  }
  std::vector<std::vector<Point>> moved(count);
  for (int round = 0; round < kRounds; ++round) {
    for (std::size_t f = 0; f < count; ++f) moved[f] = registered(frames[f], mean, weight);
    for (std::size_t i = 0; i < n; ++i) {
      Point sum;
      double seen = 0;
      for (std::size_t f = 0; f < count; ++f) {
        if (std::isnan(moved[f][i][0])) continue;
        sum += moved[f][i];
        ++seen;
      }
      mean[i] = sum * (1 / seen);
    }
  }
  std::vector<double> out(n);
  for (std::size_t i = 0; i < n; ++i) {
    double sum = 0, seen = 0;
    for (std::size_t f = 0; f < count; ++f) {
      if (std::isnan(moved[f][i][0])) continue;
      sum += (moved[f][i] - mean[i]).ddot(moved[f][i] - mean[i]);
      ++seen;
    }
    out[i] = std::sqrt(sum / (2 * (seen - 1)));
  }
  return out;
}

// photutils' 2-D Gaussian scatters by 0.0726 px in the median of the 22 particles that it could measure in all frames.
TEST_F(Repeat, OfStuckParticlesScattersNoMoreThanTheBestPeer) {
  constexpr std::size_t kFrames = 5;
  constexpr double kFwhm = 2.92;  // px
  const test::CsvTable tracks = test::read_csv(path("reference/seq__trackpy_stuck.tracks.csv"));
  const test::CsvTable peers = test::read_csv(path("reference/seq__trackpy_stuck.scatter.csv"));
  std::vector<double> weight, peer;
  std::vector<std::size_t> particle;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (std::isnan(peers["s_2dg"][i])) continue;
    particle.push_back(i);
    weight.push_back(peers["snr_bkg"][i]);
    peer.push_back(peers["s_2dg"][i]);
  }
  MeasureOptions options;
  options.method = Method::gaussian;
  options.outline = Outline::circular;
  MeasureWorkspace workspace;
  StarTable stars;
  std::vector<std::vector<Point>> frames;
  std::size_t failed = 0, measured = 0;
  for (std::size_t f = 0; f < kFrames; ++f) {
    const auto frame = test::read_frame(path("seq/trackpy_stuck/frame_0" + std::to_string(f) + ".png"));
    std::vector<double> x, y;
    std::vector<std::size_t> which;
    for (std::size_t p = 0; p < particle.size(); ++p) {
      for (std::size_t k = 0; k < tracks.size(); ++k) {
        if (tracks["star"][k] != static_cast<double>(particle[p]) || tracks["frame"][k] != static_cast<double>(f))
          continue;
        if (std::isnan(tracks["x_sepwin"][k])) continue;  // no peer has it here
        which.push_back(p);
        x.push_back(tracks["x_sepwin"][k]);
        y.push_back(tracks["y_sepwin"][k]);
      }
    }
    const FrameView view = frame->view();
    measure(view, estimate_background(view, {}, serial_for), {}, test::starts(x, y, kFwhm), options, serial_for,
            workspace, stars);
    std::vector<Point>& points = frames.emplace_back(particle.size(), Point(kNaN, kNaN));
    const std::vector<std::size_t> row = test::rows_by_id(stars);
    for (std::size_t i = 0; i < row.size(); ++i) {
      points[which[i]] = {stars.x[row[i]], stars.y[row[i]]};
      failed += stars.method_used[row[i]] != Method::gaussian ? 1U : 0U;
    }
    measured += row.size();
  }
  const std::vector<double> own = scatter(frames, weight);
  std::cout << own.size() << " particles, " << failed << " fits failed, scatter an axis, median " << median(own)
            << " px; peer " << median(peer) << " px\n";
  ASSERT_EQ(own.size(), 22U);
  ASSERT_EQ(measured, 100U);
  EXPECT_LE(median(own), 0.073);
}

/// Position of the star in each readout of one window of Chandra's aspect camera.
std::vector<Point> window_positions(const test::CsvTable& windows, int slot) {
  constexpr int kSide = 8;
  constexpr double kFwhm = 1.8;  // px
  MeasureOptions options;
  options.method = Method::gaussian;
  MeasureWorkspace workspace;
  StarTable star;
  std::vector<float> pixels;
  std::vector<Point> positions;
  for (std::size_t i = 0; i < windows.size(); ++i) {
    if (windows["slot"][i] != slot) continue;
    for (int column = 0; column < kSide; ++column) {
      pixels.push_back(static_cast<float>(windows["v" + std::to_string(column)][i]));
    }
    if (pixels.size() < kSide * kSide) continue;
    const auto row_bytes = static_cast<std::ptrdiff_t>(kSide * sizeof(float));
    measure({pixels.data(), PixelType::f32, kSide, kSide, row_bytes}, test::no_background(kSide, kSide), {},
            test::starts({3}, {3}, kFwhm), options, serial_for, workspace, star);
    EXPECT_EQ(star.method_used[0], Method::gaussian) << "readout " << positions.size();
    positions.emplace_back(star.x[0], star.y[0]);
    pixels.clear();
  }
  return positions;
}

// Ten readouts, two axes, a line of two parameters taken off each: 16 degrees of freedom. Peers: 0.0029 px.
TEST_F(Repeat, OfTwoGuideStarsKeepsTheirDistance) {
  const test::CsvTable windows = test::read_csv(path("seq/chandra_aca_a/windows.csv"));
  const std::vector<Point> a = window_positions(windows, 0), b = window_positions(windows, 2);
  ASSERT_EQ(a.size(), 10U);
  ASSERT_EQ(b.size(), 10U);
  cv::Mat line(10, 2, CV_64F), distance(10, 2, CV_64F), fit;
  for (int t = 0; t < 10; ++t) {
    const Point d = a[static_cast<std::size_t>(t)] - b[static_cast<std::size_t>(t)];
    line.at<double>(t, 0) = 1;
    line.at<double>(t, 1) = t;
    distance.at<double>(t, 0) = d[0];
    distance.at<double>(t, 1) = d[1];
  }
  cv::solve(line, distance, fit, cv::DECOMP_QR);
  const double rms = cv::norm(distance - line * fit) / std::sqrt(16.0);
  std::cout << "scatter of the distance, an axis: " << rms << " px\n";
  EXPECT_LE(rms, 0.003);
}

}  // namespace
}  // namespace starflow
