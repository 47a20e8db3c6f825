// The processes that train one network together, each on its share of every batch's examples.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <string>

#include "torch/training/option_fields.hpp"

namespace medlsam::training {

struct PeerOptions {
  int rank = 0, count = 1;  // rank of this process, from 0; number of processes
  // Where they meet: a file on one machine, or with "" a port that process 0 opens on `host`.
  std::string file, host;
  std::uint16_t port = 0;

  void describe(OptionFields& fields) {
    fields.add("rank", rank);
    fields.add("count", count);
    fields.add("file", file);
    fields.add("host", host);
    fields.add("port", port);
  }
};

class Peers {
 public:
  // Waits until all have come; a count of 1 waits for nobody. Throws kBadArgument,
  // kRuntimeUnavailable (libtorch has no gloo, or the others did not come).
  explicit Peers(const PeerOptions& options);
  ~Peers();

  bool alone() const { return options_.count == 1; }
  int count() const { return options_.count; }
  // Whether this example of a batch belongs to this process.
  bool owns(std::int64_t example) const { return example % options_.count == options_.rank; }

  // Replaces the values by their sums over the processes, the same bits in each. Throws kRuntimeUnavailable.
  void sum(at::Tensor& values);

 private:
  struct Group;
  PeerOptions options_;
  std::unique_ptr<Group> group_;
};

}  // namespace medlsam::training
