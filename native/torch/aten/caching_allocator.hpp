#pragma once

#include <cstddef>

namespace medlsam::torch {

// Lets ATen's tensors on the CPU reuse the memory of earlier ones, in this whole process and from now on. A
// training step makes and drops gigabytes, the same sizes every time; if they came from the system each time,
// clearing their pages would take longer than computing. At most `most_kept` bytes are kept for reuse, by
// default half of the machine's memory: beyond that, blocks that were dropped longest ago go back to the
// system.
void cache_tensor_memory();
void cache_tensor_memory(std::size_t most_kept);

// Bytes that are kept for reuse now.
std::size_t cached_memory();

// Gives back what is kept for reuse.
void release_cached_memory();

}  // namespace medlsam::torch
