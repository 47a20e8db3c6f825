#include "base/simd.hpp"
#include "kernels/instance_norm.hpp"
#include "runtimes/cpu/loops.hpp"
#include "runtimes/cpu/plain_operators.hpp"

namespace medlsam::cpu {
namespace {

// The axes of all channels of all images.
struct Volume {
  std::int64_t z, y, x;
  explicit Volume(const Shape& shape) : z(shape[2]), y(shape[3]), x(shape[4]) {}
  std::int64_t count() const { return z * y * x; }
};

std::int64_t channels_of(const Shape& shape) {
  return shape[0] * shape[1];
}

// The greatest of `size` rows, into `row`, then of `size` neighbors in it.
MEDLSAM_INLINE void join_rows(const float* from, float* row, std::int64_t length) {
  for (std::int64_t i = 0; i < length; ++i) row[i] = from[i] > row[i] ? from[i] : row[i];
}

MEDLSAM_INLINE void join_neighbors(const float* row, std::int64_t size, float* out, std::int64_t length) {
  for (std::int64_t i = 0; i < length; ++i) {
    float greatest = row[i * size];
    for (std::int64_t j = 1; j < size; ++j)
      greatest = row[i * size + j] > greatest ? row[i * size + j] : greatest;
    out[i] = greatest;
  }
}

// One slice of the result; `x` is its channel.
void pool_slice(const float* x, const Volume& from, const Volume& to, std::int64_t size, std::int64_t z,
                float* out) {
  std::vector<float> row(static_cast<std::size_t>(from.x));
  for (std::int64_t y = 0; y < to.y; ++y) {
    for (std::int64_t i = 0; i < size * size; ++i) {
      const float* line = x + ((z * size + i / size) * from.y + y * size + i % size) * from.x;
      if (i == 0)
        std::copy_n(line, from.x, row.data());
      else
        run_simd<join_rows>(line, row.data(), from.x);
    }
    run_simd<join_neighbors>(row.data(), size, out + y * to.x, to.x);
  }
}

// Where a value along an enlarged axis lies between two of the source: a + (b − a)·share.
struct Between {
  std::int64_t a, b;
  float share;
};

std::vector<Between> places_between(std::int64_t extent, std::int64_t factor) {
  std::vector<Between> places;
  for (std::int64_t i = 0; i < extent * factor; ++i) {
    // (i + ½)/factor − ½ in units of 1/(2·factor), not below the first value's center.
    const std::int64_t twice = std::max<std::int64_t>(0, 2 * i + 1 - factor);
    const std::int64_t below = twice / (2 * factor);
    const auto share = static_cast<float>(twice % (2 * factor)) / static_cast<float>(2 * factor);
    places.push_back({below, std::min(below + 1, extent - 1), share});
  }
  return places;
}

MEDLSAM_INLINE void mix_rows(const float* a, const float* b, float share, float* out, std::int64_t length) {
  for (std::int64_t i = 0; i < length; ++i) out[i] = a[i] + (b[i] - a[i]) * share;
}

MEDLSAM_INLINE void mix_neighbors(const float* row, const Between* places, float* out, std::int64_t length) {
  for (std::int64_t i = 0; i < length; ++i)
    out[i] = row[places[i].a] + (row[places[i].b] - row[places[i].a]) * places[i].share;
}

struct Enlargement {
  Volume from, to;
  std::vector<Between> z, y, x;

  Enlargement(const Volume& source, std::int64_t factor, const Volume& result)
      : from(source),
        to(result),
        z(places_between(source.z, factor)),
        y(places_between(source.y, factor)),
        x(places_between(source.x, factor)) {}

  // One slice of the result; `image` is its channel.
  void slice(const float* image, std::int64_t index, float* out) const {
    const std::int64_t area = from.y * from.x;
    std::vector<float> plane(static_cast<std::size_t>(area)), row(static_cast<std::size_t>(from.x));
    const Between& along = z[static_cast<std::size_t>(index)];
    run_simd<mix_rows>(image + along.a * area, image + along.b * area, along.share, plane.data(), area);
    for (std::int64_t line = 0; line < to.y; ++line) {
      const Between& down = y[static_cast<std::size_t>(line)];
      run_simd<mix_rows>(plane.data() + down.a * from.x, plane.data() + down.b * from.x, down.share,
                         row.data(), from.x);
      run_simd<mix_neighbors>(row.data(), x.data(), out + line * to.x, to.x);
    }
  }
};

// slice(channel's first value, z, out) for every slice of the result.
template <class Slice>
void for_slices(const Operands& operands, const Volume& from, const Volume& to, std::int64_t channels,
                const Task& task, const Slice& slice) {
  in_rows(task, channels * to.z, to.y * to.x, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i)
      slice(operands.input(0) + i / to.z * from.count(), i % to.z, operands.result() + i * to.y * to.x);
  });
}

}  // namespace

Step plan_instance_norm_relu(const Node& node, const OperatorShapes& shapes, const Computing&) {
  const std::int64_t channels = channels_of(shapes.inputs[0]), count = Volume(shapes.inputs[0]).count();
  const auto epsilon = static_cast<float>(node.attributes.real("epsilon"));
  return {[=](const Operands& operands, const Task& task) {
    in_rows(task, channels, count, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i)
        instance_norm_relu(operands.input(0) + i * count, operands.result() + i * count, count, epsilon);
    });
  }};
}

Step plan_max_pool(const Node& node, const OperatorShapes& shapes, const Computing&) {
  const Volume from(shapes.inputs[0]), to(shapes.results[0]);
  const std::int64_t channels = channels_of(shapes.inputs[0]), size = node.attributes.integer("size");
  return {[=](const Operands& operands, const Task& task) {
    for_slices(operands, from, to, channels, task,
               [&](const float* x, std::int64_t z, float* out) { pool_slice(x, from, to, size, z, out); });
  }};
}

Step plan_upsample(const Node& node, const OperatorShapes& shapes, const Computing&) {
  const Volume from(shapes.inputs[0]), to(shapes.results[0]);
  const std::int64_t channels = channels_of(shapes.inputs[0]);
  const Enlargement enlargement(from, node.attributes.integer("factor"), to);
  return {[=](const Operands& operands, const Task& task) {
    for_slices(operands, from, to, channels, task,
               [&](const float* x, std::int64_t z, float* out) { enlargement.slice(x, z, out); });
  }};
}

}  // namespace medlsam::cpu
