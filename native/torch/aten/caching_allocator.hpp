#pragma once

namespace medlsam::torch {

// Lets ATen's tensors on the CPU reuse the memory of earlier ones, in this whole process and from now on. A
// training step makes and drops gigabytes, the same sizes every time; got from the system each time, clearing
// their pages takes longer than computing. What is kept is never more than was in use at once, by size.
void cache_tensor_memory();

// Gives back what is kept for reuse.
void release_cached_memory();

}  // namespace medlsam::torch
