// Where a plan puts values, and that values reach their readers in the layout that these want.
#include "runtimes/cpu/plan.hpp"

#include <doctest/doctest.h>

#include <random>

#include "base/error.hpp"
#include "runtimes/cpu/compilation.hpp"
#include "runtimes/cpu/memory.hpp"

namespace medlsam::cpu {
namespace {

// Values from the last to the first, with one more at the end: another size than row-major.
class Backwards : public Layout {
 public:
  std::size_t bytes(const Shape& shape) const override { return (shape_elements(shape) + 1) * sizeof(float); }
  void to_row_major(const std::byte* from, const Shape& shape, float* to, const Task&) const override {
    const auto* values = reinterpret_cast<const float*>(from);
    std::reverse_copy(values, values + shape_elements(shape), to);
  }
  void from_row_major(const float* from, const Shape& shape, std::byte* to, const Task&) const override {
    std::reverse_copy(from, from + shape_elements(shape), reinterpret_cast<float*>(to));
  }
};

const Backwards backwards, also_backwards;

// out[i] = x[i] + i, where i is the place in memory.
class AddPlace : public Operator {
 public:
  AddPlace(Value x, Value out, const Layout* reads, const Layout* makes)
      : Operator({x}, {out}), reads_(reads), makes_(makes) {}
  const Layout* input_layout(std::size_t) const override { return reads_; }
  const Layout* result_layout(std::size_t) const override { return makes_; }
  Step plan(const OperatorShapes& shapes, unsigned) const override {
    Step step;
    step.scratch = 64;
    step.run = [count = shape_elements(shapes.inputs[0])](const Operands& operands, const Task&) {
      for (std::size_t i = 0; i < count; ++i)
        operands.result()[i] = operands.input(0)[i] + static_cast<float>(i);
    };
    return step;
  }

 private:
  const Layout *reads_, *makes_;
};

// The steps on one input, all buffers in memory of their own, which is filled with NaNs.
std::vector<float> run(const Plan& plan, const std::vector<float>& x) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> arena(plan.arena_bytes / sizeof(float), nan);
  std::vector<std::vector<float>> outputs;
  for (const std::size_t bytes : plan.output_bytes) outputs.emplace_back(bytes / sizeof(float), nan);
  const auto at = [&](const Place& place) {
    const Buffer& buffer = plan.buffers[place.buffer];
    if (buffer.where == Buffer::Where::kInput)
      return reinterpret_cast<std::byte*>(const_cast<float*>(x.data())) + place.offset;
    if (buffer.where == Buffer::Where::kOutput)
      return reinterpret_cast<std::byte*>(outputs[buffer.index].data()) + place.offset;
    return reinterpret_cast<std::byte*>(arena.data()) + buffer.offset + place.offset;
  };
  for (const PlannedStep& each : plan.steps) {
    std::vector<const std::byte*> inputs;
    std::vector<std::byte*> results;
    for (const Place& place : each.inputs) inputs.push_back(at(place));
    for (const Place& place : each.results) results.push_back(at(place));
    each.step.run({inputs, results, at({each.scratch, 0})}, {});
  }
  const auto* found = reinterpret_cast<const float*>(at(plan.outputs.at(0).place));
  return {found, found + shape_elements(plan.outputs[0].shape)};
}

struct Chain {
  Graph graph;
  std::vector<Value> values;
  Chain() {
    values.push_back(graph.input("x", {kAnyExtent, 2}));
    for (int i = 0; i < 3; ++i) values.push_back(graph.relu(values.back()));
    graph.output(values.back());
  }
};

}  // namespace

TEST_CASE("values are converted where a reader wants another layout than they are made in") {
  Chain chain;
  Compilation compilation(chain.graph, {});
  const Layout* layouts[][2] = {
      {&backwards, &backwards}, {&backwards, &also_backwards}, {&backwards, nullptr}};
  SUBCASE("one node, one operator") {
    for (std::size_t i = 0; i < 3; ++i)
      compilation.claim(std::array{i}, std::make_unique<AddPlace>(chain.values[i], chain.values[i + 1],
                                                                  layouts[i][0], layouts[i][1]));
    const auto operators = compilation.finish();
    const std::vector<const float*> parameters(chain.graph.values(), nullptr);
    const Shape shape = {2, 2};
    const Plan plan = make_plan({chain.graph, operators, parameters}, std::span(&shape, 1), 1);
    // To `backwards` and step 1; step 2; from `also_backwards` to row-major and to `backwards`, and step 3,
    // whose result is row-major but in the order of what it read.
    CHECK(plan.steps.size() == 6);
    CHECK(run(plan, {10, 20, 30, 40}) == std::vector<float>{40, 33, 26, 19});
  }
  SUBCASE("what nobody claims reads row-major") {
    compilation.claim(std::array{std::size_t{0}},
                      std::make_unique<AddPlace>(chain.values[0], chain.values[1], nullptr, &backwards));
    const auto operators = compilation.finish();
    const std::vector<const float*> parameters(chain.graph.values(), nullptr);
    const Shape shape = {1, 2};
    const Plan plan = make_plan({chain.graph, operators, parameters}, std::span(&shape, 1), 1);
    CHECK(plan.steps.size() == 4);
    CHECK(run(plan, {-10, 20}) == std::vector<float>{21, 0});
    // The two plain operators write over the converted value, in the output's memory.
    CHECK(plan.output_bytes == std::vector<std::size_t>{2 * sizeof(float)});
    CHECK(plan.arena_bytes == 2 * kAlignment);
  }
}

TEST_CASE("a node is claimed once, and a value that is inside an operator is nobody else's") {
  Chain chain;
  Compilation compilation(chain.graph, {});
  const auto claim = [&] {
    compilation.claim(std::array<std::size_t, 2>{0, 1},
                      std::make_unique<AddPlace>(chain.values[1], chain.values[2], nullptr, nullptr));
  };
  claim();
  CHECK(compilation.is_claimed(1));
  CHECK_FALSE(compilation.is_claimed(2));
  CHECK(compilation.is_inner(chain.values[1]));
  CHECK_FALSE(compilation.is_inner(chain.values[3]));
  CHECK_THROWS_WITH_AS(claim(), "A node of a graph was claimed twice.", Error);
  CHECK_THROWS_WITH_AS((void)compilation.finish(), doctest::Contains("a value inside one"), Error);
}

TEST_CASE("buffers in use at once do not overlap, and those that are not share memory") {
  std::mt19937 random(1);
  const auto between = [&](std::size_t least, std::size_t most) {
    return std::uniform_int_distribution<std::size_t>(least, most)(random);
  };
  for (int round = 0; round < 200; ++round) {
    std::vector<Buffer> buffers(between(1, 30));
    std::size_t total = 0, greatest = 0;
    for (Buffer& buffer : buffers) {
      buffer.bytes = between(0, 1000);
      buffer.first = between(0, 20);
      buffer.last = buffer.first + between(0, 3);
      total += aligned(buffer.bytes);
    }
    const std::size_t size = place_in_arena(buffers);
    for (const Buffer& a : buffers) {
      if (a.bytes == 0) continue;
      CHECK(a.offset % kAlignment == 0);
      CHECK(a.offset + a.bytes <= size);
      for (const Buffer& b : buffers) {
        const bool together = a.first <= b.last && b.first <= a.last;
        const bool overlap = a.offset < b.offset + b.bytes && b.offset < a.offset + a.bytes;
        if (&a != &b && b.bytes > 0 && together) CHECK_FALSE(overlap);
      }
    }
    for (std::size_t step = 0; step < 24; ++step) {
      std::size_t at_once = 0;
      for (const Buffer& buffer : buffers)
        if (buffer.first <= step && step <= buffer.last) at_once += aligned(buffer.bytes);
      greatest = std::max(greatest, at_once);
    }
    CHECK(size >= greatest);
    CHECK(size <= total);
    // One after another, all lie at the beginning.
    for (std::size_t i = 0; i < buffers.size(); ++i) buffers[i].first = buffers[i].last = i;
    std::size_t largest = 0;
    for (const Buffer& buffer : buffers) largest = std::max(largest, aligned(buffer.bytes));
    CHECK(place_in_arena(buffers) == largest);
  }
}

TEST_CASE("what is needed before an output lies in the output's memory, if it is about as large") {
  using Where = Buffer::Where;
  constexpr std::size_t kMegabyte = std::size_t{1} << 20;
  std::vector<Buffer> buffers(6);
  const auto set = [&](std::size_t i, Where where, std::size_t bytes, std::size_t first, std::size_t last) {
    buffers[i].where = where;
    buffers[i].bytes = bytes;
    buffers[i].first = first;
    buffers[i].last = last;
  };
  set(0, Where::kOutput, 8 * kMegabyte, 5, 5);
  set(1, Where::kArena, 9 * kMegabyte, 2, 4);   // an eighth larger
  set(2, Where::kArena, 6 * kMegabyte, 4, 4);   // while number 1 is there
  set(3, Where::kArena, 5 * kMegabyte, 0, 1);   // before it
  set(4, Where::kArena, 4 * kMegabyte, 4, 5);   // while the output is there
  set(5, Where::kArena, 10 * kMegabyte, 0, 0);  // too large
  std::size_t bytes[] = {8 * kMegabyte};
  place_in_outputs(buffers, bytes);
  const Where wanted[] = {Where::kOutput, Where::kOutput, Where::kArena,
                          Where::kOutput, Where::kArena,  Where::kArena};
  for (std::size_t i = 0; i < buffers.size(); ++i) CHECK((buffers[i].where == wanted[i]));
  CHECK(bytes[0] == 9 * kMegabyte);
}

}  // namespace medlsam::cpu
