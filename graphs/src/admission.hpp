// SPDX-License-Identifier: MIT
#pragma once

/// \file
/// The one gate of a run: how many frames, and how many bytes of them, may be inside at once.

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <mutex>

namespace starflow::graph {

/// Credits for frames and bytes. No frame that is larger than the whole budget may ask for its bytes: it would wait for
/// ever.
/// All functions may be called from any thread.
class Admission {
 public:
  Admission(std::size_t max_frames, std::size_t max_bytes) : max_frames_(max_frames), max_bytes_(max_bytes) {}

  /// For one thread that pulls: waits for the credit of one frame, before the frame is read.
  /// \return false when the gate is closed: no credit was taken
  bool reserve();
  /// Gives back a credit of reserve() that found no frame.
  void unreserve();
  /// Second half of reserve(): waits until the bytes fit, too. A frame that was read is admitted even when the gate has
  /// closed meanwhile; abort() ends the wait at once.
  void admit_reserved(std::size_t bytes);

  /// For threads that push: waits for both credits, first come, first served.
  /// \return false when the gate is closed: counted as rejected
  bool admit(std::size_t bytes);
  /// As admit() where that would not wait. \return false where it would, or where the gate is closed: nothing is
  /// counted
  bool try_admit(std::size_t bytes);
  /// Counts a newcomer whom a gate that is closed, or closing, turns away. \return false where it is open
  bool turn_away();
  [[nodiscard]] bool closed() const;
  /// Held by a thread that pushes, from before admit() until its frame is on the way, and by a frame that waits in a
  /// queue: finish() waits for it.
  class Visit {
   public:
    explicit Visit(Admission& gate);
    ~Visit();
    Visit(const Visit&) = delete;
    Visit& operator=(const Visit&) = delete;

   private:
    Admission& gate_;
  };
  /// The frame's outcome has been delivered, or it never came in.
  void leave(std::size_t bytes);

  void close() noexcept;  ///< nobody gets in from now on; everybody who waits is woken
  void abort() noexcept;  ///< as close(), and nobody waits for bytes
  /// Turns newcomers away, lets those in who wait already, and returns when the last frame and visitor have left.
  void finish();

  [[nodiscard]] std::size_t max_bytes() const noexcept { return max_bytes_; }

  struct Figures {
    std::size_t peak_frames = 0, peak_bytes = 0;
    std::size_t frames = 0, bytes = 0;  ///< inside now
    std::uint64_t rejected = 0;
  };
  [[nodiscard]] Figures figures() const;

 private:
  [[nodiscard]] bool fits(std::size_t bytes) const noexcept {
    return bytes_ <= max_bytes_ && bytes <= max_bytes_ - bytes_;
  }
  void count(std::size_t bytes) noexcept;

  const std::size_t max_frames_, max_bytes_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t frames_ = 0;  // credits taken
  std::size_t bytes_ = 0;
  std::size_t visitors_ = 0;
  std::uint64_t ticket_ = 0, serving_ = 0;  // the order of admit()
  bool finishing_ = false, closed_ = false, aborted_ = false;
  Figures figures_;
};

}  // namespace starflow::graph
