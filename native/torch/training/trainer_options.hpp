// Options of every network's training, under the names that lib/training/options.ts gives them.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>
#include <vector>

#include "torch/training/option_fields.hpp"
#include "torch/training/peers.hpp"

namespace medlsam::training {

// An example is one item of a batch: a scan for MedLAM, a slice for SAM.
struct TrainerOptions {
  std::vector<std::string> scans, validation_scans;  // prepared files (training_data)
  std::string from;                                  // checkpoint to start from; empty: random weights
  std::int64_t batch = 0;                            // examples of a step
  std::int64_t micro_batch = 0;  // examples computed at once; 0: one on a CPU, all of the process's on a GPU
  std::int64_t epoch_steps = 0;
  std::uint64_t seed = 0;
  double learning_rate = 0;
  std::string device = "cpu";
  c10::ScalarType precision = c10::ScalarType::Float;  // of the network; weights, losses and Adam are float32
  int loaders = 0;                                     // threads that make batches; 0: made between the steps
  PeerOptions peers;  // a run in several processes does the steps of one in one

  void describe(OptionFields& fields) {
    fields.add("scans", scans);
    fields.add("validationScans", validation_scans);
    fields.add("from", from);
    fields.add("batch", batch);
    fields.add("microBatch", micro_batch);
    fields.add("steps", epoch_steps);
    fields.add("seed", seed);
    fields.add("learningRate", learning_rate);
    fields.add("device", device);
    fields.add("precision", precision);
    fields.add("loaders", loaders);
    fields.add("peers", peers);
  }
};

}  // namespace medlsam::training
