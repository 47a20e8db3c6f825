#include "runtimes/cpu/arenas.hpp"

#include <algorithm>
#include <utility>

namespace medlsam::cpu {
namespace {

constexpr std::size_t kWindow = 16;  // calls after which arenas that were not needed at once are freed

bool is_smaller(const Block& a, const Block& b) {
  return a.bytes() < b.bytes();
}

}  // namespace

Arenas::User::User(Arenas& arenas) : arenas_(arenas) {
  const std::lock_guard lock(arenas_.mutex_);
  ++arenas_.users_;
}

Arenas::User::~User() {
  std::vector<Block> freed;  // without the lock
  const std::lock_guard lock(arenas_.mutex_);
  if (--arenas_.users_ == 0) freed.swap(arenas_.idle_);
}

std::size_t Arenas::at_once() const {
  const std::lock_guard lock(mutex_);
  return std::max(most_, most_now_);
}

std::size_t Arenas::idle() const {
  const std::lock_guard lock(mutex_);
  return idle_.size();
}

Block Arenas::begin(std::size_t bytes) {
  Block taken;
  {
    const std::lock_guard lock(mutex_);
    const auto fits =
        std::find_if(idle_.begin(), idle_.end(), [&](const Block& each) { return each.bytes() >= bytes; });
    // Where none is large enough, a new one takes the place of the largest.
    const auto chosen = fits == idle_.end() && fits != idle_.begin() ? fits - 1 : fits;
    if (chosen != idle_.end()) {
      taken = std::move(*chosen);
      idle_.erase(chosen);
    }
  }
  if (taken.bytes() < bytes || taken.data() == nullptr) {
    taken = Block();  // before there are two
    taken = Block(bytes);
  }
  const std::lock_guard lock(mutex_);
  most_now_ = std::max(most_now_, ++running_);
  if (++calls_ % kWindow == 0) {
    most_ = most_now_;
    most_now_ = running_;
  }
  return taken;
}

void Arenas::end(Block block) {
  std::vector<Block> freed;  // without the lock
  const std::lock_guard lock(mutex_);
  --running_;
  idle_.insert(std::upper_bound(idle_.begin(), idle_.end(), block, is_smaller), std::move(block));
  while (idle_.size() > kept()) {
    freed.push_back(std::move(idle_.front()));
    idle_.erase(idle_.begin());
  }
}

Arenas& arenas() {
  // Never destroyed: networks may go at the process's very end.
  static Arenas* const all = new Arenas;
  return *all;
}

}  // namespace medlsam::cpu
