#include "runtimes/cpu/plan.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "networks/graph_shapes.hpp"
#include "runtimes/cpu/loops.hpp"

namespace medlsam::cpu {
namespace {

std::vector<Shape> shapes_of_values(const Graph& graph, std::span<const Shape> inputs) {
  std::vector<Shape> shapes(graph.values());
  const auto of = [&](Value value) -> Shape& { return shapes[static_cast<std::size_t>(value.index)]; };
  for (std::size_t i = 0; i < inputs.size(); ++i) of(graph.inputs()[i].value) = inputs[i];
  for (const NamedValue& parameter : graph.parameters()) of(parameter.value) = graph.shape(parameter.value);
  for (const Node& node : graph.nodes()) {
    std::vector<Shape> taken;
    for (const Value input : node.inputs) taken.push_back(of(input));
    of(node.result) = result_shape(node.op, taken, node.attributes);
  }
  return shapes;
}

std::size_t float_bytes(const Shape& shape) {
  return shape_elements(shape) * sizeof(float);
}

class Planner {
 public:
  Planner(const Compiled& compiled, std::span<const Shape> inputs, unsigned threads)
      : compiled_(compiled), threads_(threads), shapes_(shapes_of_values(compiled.graph, inputs)) {}

  Plan result() {
    count_uses();
    place_given();
    for (const auto& each : compiled_.operators) add(*each);
    for (const Value output : compiled_.graph.outputs()) add_output(output);
    place_in_outputs(plan_.buffers, plan_.output_bytes);
    plan_.arena_bytes = place_in_arena(plan_.buffers);
    return std::move(plan_);
  }

 private:
  // A value as it lies in one layout.
  struct Form {
    std::int32_t value;
    const Layout* layout;  // null: row-major
    auto operator<=>(const Form&) const = default;
  };

  const Shape& shape(Value value) const { return shapes_[static_cast<std::size_t>(value.index)]; }
  static Form form(Value value, const Layout* layout = nullptr) { return {value.index, layout}; }
  std::size_t bytes(const Form& form) const {
    const Shape& shape = shapes_[static_cast<std::size_t>(form.value)];
    return form.layout == nullptr ? float_bytes(shape) : form.layout->bytes(shape);
  }

  OperatorShapes shapes(const Operator& made) const {
    OperatorShapes shapes;
    for (const Value input : made.inputs()) shapes.inputs.push_back(shape(input));
    for (const Value result : made.results()) shapes.results.push_back(shape(result));
    return shapes;
  }

  // How often each form of a value is read, conversions included.
  void count_uses();
  // Inputs and parameters.
  void place_given();

  std::size_t new_buffer(Buffer::Where where, std::size_t bytes) {
    Buffer buffer;
    buffer.where = where;
    buffer.bytes = bytes;
    buffer.first = buffer.last = plan_.steps.size();
    plan_.buffers.push_back(buffer);
    left_.push_back(0);
    return plan_.buffers.size() - 1;
  }
  // A result's own memory.
  Place new_place(const Form& form) {
    const Place place = {new_buffer(Buffer::Where::kArena, bytes(form)), 0};
    left_[place.buffer] = uses_[form];
    return places_[form] = place;
  }

  // Where the value lies in this form, for one use of it; adds a step that converts it if it does not.
  Place find(const Form& wanted);
  void convert(const Form& from, const Form& to);
  // One use of a buffer by the step that comes next.
  void use(const Place& place) {
    plan_.buffers[place.buffer].last = plan_.steps.size();
    --left_[place.buffer];
  }

  void add(const Operator& made);
  bool take_view(const Operator& made, const OperatorShapes& shapes, const std::vector<Place>& inputs);
  // The input whose memory the first result takes.
  std::optional<Place> overwritten(const Operator& made, const std::vector<Place>& inputs) const;
  void add_step(Step step, std::vector<Place> inputs, std::vector<Place> results);
  void add_output(Value value);

  const Compiled& compiled_;
  const unsigned threads_;
  const std::vector<Shape> shapes_;
  std::map<Form, std::size_t> uses_;
  std::map<std::int32_t, const Layout*> made_in_;
  std::map<Form, Place> places_;
  std::vector<std::size_t> left_;  // of every buffer: uses to come
  Plan plan_;
};

void Planner::count_uses() {
  for (const auto& each : compiled_.operators) {
    for (std::size_t i = 0; i < each->results().size(); ++i)
      made_in_[each->results()[i].index] = each->result_layout(i);
    for (std::size_t i = 0; i < each->inputs().size(); ++i)
      ++uses_[form(each->inputs()[i], each->input_layout(i))];
  }
  for (const Value output : compiled_.graph.outputs()) ++uses_[form(output)];
  const auto read = uses_;
  for (const auto& [wanted, count] : read) {
    const Form made = {wanted.value, made_in_[wanted.value]};
    if (wanted == made) continue;
    ++uses_[made];
    // From one layout to another by way of row-major.
    const Form between = {wanted.value, nullptr};
    if (between != made && between != wanted) {
      --uses_[made];
      if (uses_[between]++ == 0) ++uses_[made];
    }
  }
}

void Planner::place_given() {
  const auto& inputs = compiled_.graph.inputs();
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Place place = new_place(form(inputs[i].value));
    plan_.buffers[place.buffer].where = Buffer::Where::kInput;
    plan_.buffers[place.buffer].index = i;
  }
  for (const NamedValue& parameter : compiled_.graph.parameters()) {
    const Place place = new_place(form(parameter.value));
    const float* values = compiled_.parameters[static_cast<std::size_t>(parameter.value.index)];
    plan_.buffers[place.buffer].where = Buffer::Where::kParameter;
    plan_.buffers[place.buffer].parameter = reinterpret_cast<const std::byte*>(values);
  }
}

Place Planner::find(const Form& wanted) {
  const auto found = places_.find(wanted);
  if (found != places_.end()) return found->second;
  const Form row_major = {wanted.value, nullptr};
  if (wanted.layout == nullptr) {
    convert({wanted.value, made_in_[wanted.value]}, row_major);
  } else {
    (void)find(row_major);
    convert(row_major, wanted);
  }
  return places_.at(wanted);
}

void Planner::convert(const Form& from, const Form& to) {
  const auto found = places_.find(from);
  if (found == places_.end() || (from.layout == nullptr) == (to.layout == nullptr))
    throw Error(ErrorCode::kInternal, "A value of a graph is read before it is made.");
  const Place source = found->second;
  use(source);
  Step step;
  step.run = [from, to, shape = shapes_[static_cast<std::size_t>(to.value)]](const Operands& operands,
                                                                             const Task& task) {
    if (to.layout == nullptr)
      from.layout->to_row_major(operands.inputs[0], shape, operands.result(), task);
    else
      to.layout->from_row_major(operands.input(0), shape, operands.results[0], task);
  };
  const Place made = new_place(to);
  add_step(std::move(step), {source}, {made});
}

bool Planner::take_view(const Operator& made, const OperatorShapes& shapes_here,
                        const std::vector<Place>& inputs) {
  const auto offset = made.view(shapes_here);
  if (!offset) return false;
  const Form result = form(made.results()[0]);
  Place place = inputs[0];
  place.offset += *offset;
  places_[result] = place;
  left_[place.buffer] += uses_[result];
  return true;
}

std::optional<Place> Planner::overwritten(const Operator& made, const std::vector<Place>& inputs) const {
  const Form result = form(made.results()[0], made.result_layout(0));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Buffer& buffer = plan_.buffers[inputs[i].buffer];
    // Its uses are counted down already: none is left.
    if (made.may_overwrite(i) && buffer.where == Buffer::Where::kArena && left_[inputs[i].buffer] == 0 &&
        inputs[i].offset == 0 && buffer.bytes == bytes(result) &&
        std::count_if(inputs.begin(), inputs.end(),
                      [&](const Place& other) { return other.buffer == inputs[i].buffer; }) == 1)
      return inputs[i];
  }
  return std::nullopt;
}

void Planner::add(const Operator& made) {
  const OperatorShapes shapes_here = shapes(made);
  std::vector<Place> inputs, results;
  // First all conversions, which are steps, then the uses by the step that follows them.
  for (std::size_t i = 0; i < made.inputs().size(); ++i)
    inputs.push_back(find(form(made.inputs()[i], made.input_layout(i))));
  for (const Place& input : inputs) use(input);
  if (take_view(made, shapes_here, inputs)) return;
  const auto taken = overwritten(made, inputs);
  for (std::size_t i = 0; i < made.results().size(); ++i) {
    const Form result = form(made.results()[i], made.result_layout(i));
    if (i == 0 && taken) {
      left_[taken->buffer] = uses_[result];
      places_[result] = *taken;
      results.push_back(*taken);
    } else {
      results.push_back(new_place(result));
    }
  }
  add_step(made.plan(shapes_here, threads_), std::move(inputs), std::move(results));
  // Outputs are made row-major at once: the value in its own layout may then go before the end.
  const auto& outputs = compiled_.graph.outputs();
  for (const Value result : made.results()) {
    if (std::find(outputs.begin(), outputs.end(), result) != outputs.end()) (void)find(form(result));
  }
}

void Planner::add_step(Step step, std::vector<Place> inputs, std::vector<Place> results) {
  const std::size_t scratch = new_buffer(Buffer::Where::kArena, step.scratch);
  plan_.steps.push_back({std::move(step), std::move(inputs), std::move(results), scratch});
}

void Planner::add_output(Value value) {
  const Form wanted = form(value);
  Place place = find(wanted);
  const Buffer::Where where = plan_.buffers[place.buffer].where;
  const bool is_given = where == Buffer::Where::kInput || where == Buffer::Where::kParameter;
  if (is_given || plan_.buffers[place.buffer].bytes != bytes(wanted)) {
    // What lies in the caller's memory, or in a part of a larger buffer, is copied.
    use(place);
    Step step;
    step.run = [count = shape_elements(shape(value))](const Operands& operands, const Task& task) {
      copy(operands.input(0), operands.result(), static_cast<std::int64_t>(count), task);
    };
    const Place copied = {new_buffer(Buffer::Where::kArena, bytes(wanted)), 0};
    add_step(std::move(step), {place}, {copied});
    place = copied;
  }
  Buffer& buffer = plan_.buffers[place.buffer];
  if (buffer.where == Buffer::Where::kArena) {
    buffer.where = Buffer::Where::kOutput;
    buffer.index = plan_.output_bytes.size();
    plan_.output_bytes.push_back(buffer.bytes);
  }
  plan_.outputs.push_back({place, shape(value)});
}

}  // namespace

Plan make_plan(const Compiled& compiled, std::span<const Shape> inputs, unsigned threads) {
  return Planner(compiled, inputs, threads).result();
}

}  // namespace medlsam::cpu
