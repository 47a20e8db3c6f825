// Weights packed once for all networks that use them: MedLAM's of several depths have most of theirs in
// common.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <tuple>

namespace medlsam::cpu {

// Packed(weights, how…), or what was made of the same and is still in use. Weights are known by their
// address: whoever has the result keeps them where they are.
template <class Packed, class... How>
std::shared_ptr<const Packed> pack_once(const float* weights, How... how) {
  struct Table {
    std::mutex mutex;
    std::map<std::tuple<const float*, How...>, std::weak_ptr<const Packed>> known;
  };
  // Never destroyed: networks may be compiled at the process's very end.
  static Table* const table = new Table;
  const std::lock_guard lock(table->mutex);
  std::erase_if(table->known, [](const auto& each) { return each.second.expired(); });
  auto& slot = table->known[{weights, how...}];
  std::shared_ptr<const Packed> packed = slot.lock();
  if (!packed) {
    packed = std::make_shared<const Packed>(weights, how...);
    slot = packed;
  }
  return packed;
}

}  // namespace medlsam::cpu
