// SPDX-License-Identifier: MIT
#include "frame_context.hpp"

#include <starflow/sdk/messages.hpp>

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace starflow::graph {

FrameContext::FrameContext(const Layout& layout)
    : layout_(layout),
      messages_(layout.slots.size()),
      readers_(layout.slots.size()),
      waiting_(layout.nodes.size() + 1),
      failures_(layout.nodes.size()),
      failed_(layout.nodes.size(), 0),
      passed_(layout.nodes.size()) {
  errors.reserve(layout.nodes.size());
  reset();
}

void FrameContext::reset() {
  for (std::size_t s = 0; s < messages_.size(); ++s) {
    messages_[s] = {};
    readers_[s].store(layout_.slots[s].readers, std::memory_order_relaxed);
  }
  for (std::size_t n = 0; n < layout_.nodes.size(); ++n) {
    waiting_[n].store(static_cast<std::uint32_t>(layout_.nodes[n].upstream.size()), std::memory_order_relaxed);
    failed_[n] = 0;
  }
  waiting_.back().store(static_cast<std::uint32_t>(layout_.last.size()), std::memory_order_relaxed);
  errors.clear();
  before.clear();
  tail_of.reset();
  configuration.reset();
  info.reset();
  read_begin = read_end = {};
  bytes = 0;
  withheld.store(false, std::memory_order_relaxed);
  stars.store(0, std::memory_order_relaxed);
}

const Message& FrameContext::message(std::size_t slot) const noexcept {
  static const Message nothing;
  return slot == kUnconnected ? nothing : messages_[slot];
}

void FrameContext::send(std::size_t node, std::size_t port, Message message) {
  const Layout::Node& n = layout_.nodes[node];
  if (port >= n.type->outputs.size()) {
    throw std::logic_error("sent to output port " + std::to_string(port) + ", but type " + n.type->name + " has " +
                           std::to_string(n.type->outputs.size()));
  }
  const PortSpec& out = n.type->outputs[port];
  if (!message || message.type() != out.type) {
    throw std::logic_error("sent " + (message ? std::string(message.type()) : std::string("an empty message")) +
                           " to output '" + out.name + "', which is " + std::string(out.type));
  }
  const std::size_t slot = n.first_slot + port;
  if (layout_.slots[slot].readers > 0) messages_[slot] = std::move(message);
}

void FrameContext::release(std::size_t slot) noexcept {
  if (slot == kUnconnected) return;
  if (readers_[slot].fetch_sub(1, std::memory_order_acq_rel) == 1) messages_[slot] = {};
}

FrameContext::Clock::time_point FrameContext::ready_since(std::size_t node) const noexcept {
  Clock::time_point last{};
  for (const std::size_t from : layout_.nodes[node].upstream) last = std::max(last, passed_[from]);
  return last;
}

bool FrameContext::ready(std::size_t node) const noexcept {
  const Layout::Node& n = layout_.nodes[node];
  for (std::size_t p = 0; p < n.inputs.size(); ++p) {
    if (!n.type->inputs[p].optional && !message(n.inputs[p])) return false;
  }
  return true;
}

void FrameContext::fail(std::size_t node, std::string code, std::string text) noexcept {
  const Layout::Node& n = layout_.nodes[node];
  for (std::size_t p = 0; p < n.type->outputs.size(); ++p) messages_[n.first_slot + p] = {};
  failed_[node] = 1;
  failures_[node].code = std::move(code);
  failures_[node].text = std::move(text);
}

void FrameContext::check_sent(std::size_t node) {
  const Layout::Node& n = layout_.nodes[node];
  for (std::size_t p = 0; p < n.type->outputs.size(); ++p) {
    const Layout::Slot& slot = layout_.slots[n.first_slot + p];
    if (slot.needed_by.empty() || messages_[n.first_slot + p]) continue;
    fail(node, "no_output",
         "sent nothing to its output '" + n.type->outputs[p].name + "', which node '" + slot.needed_by + "' needs");
    return;
  }
  for (std::size_t p = 0; p < n.type->outputs.size(); ++p) {
    if (!layout_.slots[n.first_slot + p].counts_stars) continue;
    const auto* list = messages_[n.first_slot + p].as<StarList>();
    if (list != nullptr) stars.fetch_add(list->stars.size(), std::memory_order_relaxed);
  }
}

void FrameContext::collect_errors() {
  for (std::size_t n = 0; n < failed_.size(); ++n) {
    if (failed_[n] == 0) continue;
    errors.push_back({layout_.nodes[n].id, std::move(failures_[n].code), std::move(failures_[n].text)});
  }
}

FrameContext& FramePool::acquire() {
  const std::lock_guard lock(mutex_);
  if (free_.empty()) {
    all_.reserve(all_.size() + 1);
    free_.reserve(all_.size() + 1);  // recycle() can't fail then
    all_.push_back(std::make_unique<FrameContext>(layout_));
    return *all_.back();
  }
  FrameContext& frame = *free_.back();
  free_.pop_back();
  return frame;
}

void FramePool::recycle(FrameContext& frame) {
  frame.reset();
  const std::lock_guard lock(mutex_);
  free_.push_back(&frame);
}

}  // namespace starflow::graph
