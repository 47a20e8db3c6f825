// Loops that the CPU runtime's steps share. How a loop is cut into pieces depends on its length alone, never
// on the threads.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "base/parallel.hpp"

namespace medlsam::cpu {

// Values of a piece of a loop that does little with each: large enough to be worth handing out.
inline constexpr std::int64_t kPiece = std::int64_t{1} << 15;

// body(begin, end) for pieces of [0, count) of at most `piece` indices.
template <class Body>
void in_pieces(const Task& task, std::int64_t count, std::int64_t piece, const Body& body) {
  const std::int64_t pieces = (count + piece - 1) / piece;
  parallel_for(task, static_cast<std::size_t>(pieces), [&](std::size_t index, std::size_t) {
    const std::int64_t begin = static_cast<std::int64_t>(index) * piece;
    body(begin, std::min(count, begin + piece));
  });
}

// The same for rows of `length` values, as many in a piece as make about kPiece values.
template <class Body>
void in_rows(const Task& task, std::int64_t rows, std::int64_t length, const Body& body) {
  in_pieces(task, rows, std::max<std::int64_t>(1, kPiece / std::max<std::int64_t>(1, length)), body);
}

inline void copy(const float* from, float* to, std::int64_t count, const Task& task) {
  in_pieces(task, count, kPiece, [&](std::int64_t begin, std::int64_t end) {
    std::memcpy(to + begin, from + begin, static_cast<std::size_t>(end - begin) * sizeof(float));
  });
}

}  // namespace medlsam::cpu
