// PyTorch's wheels hold gloo and the header of their ProcessGroupGloo, but not gloo's own headers, which that
// one includes. It needs them for names alone: these files declare what it names, and nothing of them is
// called or laid out here.
#pragma once

#include <chrono>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

}  // namespace gloo
