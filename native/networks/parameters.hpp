// A network's parameters, found by name in a checkpoint, checked, and made float32.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoints/checkpoint.hpp"

namespace medlsam {

class Parameters {
 public:
  // `network` and `path` are what messages call the two. `known` is a tensor that every checkpoint of the
  // network has: a prefix before it ("sam.") is taken off all names.
  Parameters(const Checkpoint& checkpoint, std::string network, std::string path, std::string_view known);

  // Accepts the tensor as a parameter. What the file stores as float32 stays in the mapped file. Throws
  // kBadCheckpoint if it is missing, has another shape (`why` says where the wanted one comes from) or no
  // numbers.
  void take(const std::string& name, const std::vector<std::int64_t>& shape, const std::string& why);
  // A parameter computed from others.
  void put(const std::string& name, std::vector<std::int64_t> shape, std::vector<float> values);

  bool has(const std::string& name) const { return checkpoint_.tensors.contains(name); }
  // The shape the file gives, to read sizes from; of `rank` extents, all positive, or kBadCheckpoint.
  const std::vector<std::int64_t>& shape(const std::string& name, std::size_t rank) const;
  [[noreturn]] void refuse(const std::string& what) const;
  // Ends the reading: the checkpoint need not outlive this.
  void close() { checkpoint_ = {}; }

  const TensorView& at(const std::string& name) const;
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }  // what came from the file
  std::map<std::string, TensorView> all() const;  // and what was computed from it
  const float* values(const std::string& name) const {
    return reinterpret_cast<const float*>(at(name).bytes.data());
  }
  std::size_t count() const;  // numbers in all that came from the file
  // A line per tensor of the file: name, shape, CRC-32 of its float32 values. Equal for the same weights
  // however stored.
  std::string digest() const;

 private:
  const TensorView& find(const std::string& name) const;

  // Names, shapes and places of the tensors: their bytes stay where the checkpoint has them.
  Checkpoint checkpoint_;
  std::string network_, path_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, TensorView> computed_;
  std::deque<std::vector<float>> converted_;
  std::shared_ptr<const void> storage_;
};

}  // namespace medlsam
