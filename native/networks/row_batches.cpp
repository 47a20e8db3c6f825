#include "networks/row_batches.hpp"

#include <utility>

namespace medlsam {
namespace {

// float32 tensors joined along their first axis.
Tensor join(std::span<const Tensor> parts) {
  Shape shape = parts.front().shape();
  shape[0] = 0;
  std::vector<float> values;
  for (const Tensor& part : parts) {
    const Tensor host = part.to_host();
    values.insert(values.end(), host.floats(), host.floats() + host.elements());
    shape[0] += part.shape()[0];
  }
  return Tensor::on_host(std::move(values), std::move(shape));
}

}  // namespace

std::vector<Tensor> run_rows(const Tensor& rows,
                             const std::function<std::vector<Tensor>(const Tensor& some)>& run) {
  const std::int64_t count = rows.shape().at(0);
  RowBatches batches(std::max<std::int64_t>(1, count));
  std::vector<std::vector<Tensor>> outputs;  // of each, its parts
  batches.run(count, [&](std::int64_t first, std::int64_t some) {
    std::vector<Tensor> found = run(rows.slice(first, first + some));
    outputs.resize(found.size());
    for (std::size_t i = 0; i < found.size(); ++i) outputs[i].push_back(std::move(found[i]));
  });
  std::vector<Tensor> joined;
  for (const std::vector<Tensor>& parts : outputs)
    joined.push_back(parts.size() == 1 ? parts.front() : join(parts));
  return joined;
}

}  // namespace medlsam
