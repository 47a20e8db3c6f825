// The processes that train one network together, each on its share of every batch's scans.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <string>

namespace medlsam::training {

struct PeerOptions {
  int rank = 0, count = 1;  // this process, from 0, of how many
  // Where they meet: a file on one machine, or with "" a port that process 0 opens on `host`.
  std::string file, host;
  std::uint16_t port = 0;
};

class Peers {
 public:
  // Waits until all have come; for a count of 1 there is nothing to wait for. Throws kBadArgument,
  // kRuntimeUnavailable (libtorch has no gloo, or the others did not come).
  explicit Peers(const PeerOptions& options);
  ~Peers();

  bool alone() const { return options_.count == 1; }
  int count() const { return options_.count; }
  // Whether the scan of a batch is this process's.
  bool owns(std::int64_t scan) const { return scan % options_.count == options_.rank; }

  // Replaces the values by their sums over the processes, the same bits in each. Throws kRuntimeUnavailable.
  void sum(at::Tensor& values);

 private:
  struct Group;
  PeerOptions options_;
  std::unique_ptr<Group> group_;
};

}  // namespace medlsam::training
