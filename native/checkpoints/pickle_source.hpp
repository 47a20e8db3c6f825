// The bytes of a pickle, read instruction by instruction.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/error.hpp"
#include "checkpoints/bytes.hpp"

namespace medlsam {

class PickleSource {
 public:
  // A checkpoint of SAM with its optimizer's state takes about 100,000 instructions.
  static constexpr std::size_t kMaxWork = 2'000'000;

  PickleSource(std::span<const std::byte> bytes, const std::string& name) : bytes_(bytes), name_(name) {}

  // Throws kBadCheckpoint with the place of the current instruction.
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(ErrorCode::kBadCheckpoint,
                name_ + ": byte " + std::to_string(instruction_at_) + " of its pickle: " + what + ".");
  }

  std::uint8_t take_opcode() {
    instruction_at_ = at_;
    spend(1);
    return take<std::uint8_t>();
  }

  // Counts against kMaxWork: one for each instruction, and more for instructions that process many values.
  void spend(std::size_t work) {
    if (work > work_left_) fail("it is longer than any checkpoint's; more instructions are refused");
    work_left_ -= work;
  }

  std::span<const std::byte> take(std::uint64_t size) {
    if (size > bytes_.size() - at_) fail("it is cut off here; download the file again");
    at_ += size;
    return bytes_.subspan(at_ - size, size);
  }

  template <class Number>
  Number take() {
    return load_number<Number>(take(sizeof(Number)));
  }

  std::string_view take_line() {
    const std::string_view rest = as_text(bytes_.subspan(at_));
    const std::size_t length = rest.find('\n');
    if (length == std::string_view::npos) fail("a global's name is cut off; download the file again");
    at_ += length + 1;
    return rest.substr(0, length);
  }

  std::size_t position() const { return at_; }

 private:
  std::span<const std::byte> bytes_;
  const std::string& name_;
  std::size_t at_ = 0, instruction_at_ = 0, work_left_ = kMaxWork;
};

}  // namespace medlsam
