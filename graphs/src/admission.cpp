// SPDX-License-Identifier: MIT
#include "admission.hpp"

#include <algorithm>

namespace starflow::graph {

bool Admission::reserve() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return closed_ || frames_ < max_frames_; });
  if (closed_) return false;
  ++frames_;
  figures_.peak_frames = std::max(figures_.peak_frames, frames_);
  return true;
}

void Admission::unreserve() {
  const std::lock_guard lock(mutex_);
  --frames_;
  changed_.notify_all();
}

void Admission::admit_reserved(std::size_t bytes) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return aborted_ || fits(bytes); });
  count(bytes);
}

bool Admission::admit(std::size_t bytes) {
  std::unique_lock lock(mutex_);
  if (finishing_ || closed_) {
    ++figures_.rejected;
    return false;
  }
  const std::uint64_t mine = ticket_++;
  changed_.wait(lock, [&] { return closed_ || (serving_ == mine && frames_ < max_frames_ && fits(bytes)); });
  if (closed_) {
    ++figures_.rejected;
  } else {
    ++serving_;
    ++frames_;
    figures_.peak_frames = std::max(figures_.peak_frames, frames_);
    count(bytes);
  }
  changed_.notify_all();  // the next ticket
  return !closed_;
}

bool Admission::try_admit(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (closed_ || frames_ >= max_frames_ || !fits(bytes)) return false;
  ++frames_;
  figures_.peak_frames = std::max(figures_.peak_frames, frames_);
  count(bytes);
  return true;
}

bool Admission::turn_away() {
  const std::lock_guard lock(mutex_);
  if (!finishing_ && !closed_) return false;
  ++figures_.rejected;
  return true;
}

bool Admission::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

Admission::Visit::Visit(Admission& gate) : gate_(gate) {
  const std::lock_guard lock(gate_.mutex_);
  ++gate_.visitors_;
}

Admission::Visit::~Visit() {
  const std::lock_guard lock(gate_.mutex_);
  --gate_.visitors_;
  gate_.changed_.notify_all();
}

void Admission::leave(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  --frames_;
  bytes_ -= bytes;
  changed_.notify_all();  // under the lock: whoever waits for the last frame may destroy this object
}

void Admission::close() noexcept {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  changed_.notify_all();
}

void Admission::abort() noexcept {
  const std::lock_guard lock(mutex_);
  closed_ = aborted_ = true;
  changed_.notify_all();
}

void Admission::finish() {
  std::unique_lock lock(mutex_);
  finishing_ = true;
  changed_.wait(lock, [&] { return frames_ == 0 && visitors_ == 0; });
  closed_ = true;
}

Admission::Figures Admission::figures() const {
  const std::lock_guard lock(mutex_);
  Figures now = figures_;
  now.frames = frames_;
  now.bytes = bytes_;
  return now;
}

void Admission::count(std::size_t bytes) noexcept {
  bytes_ += bytes;
  figures_.peak_bytes = std::max(figures_.peak_bytes, bytes_);
}

}  // namespace starflow::graph
