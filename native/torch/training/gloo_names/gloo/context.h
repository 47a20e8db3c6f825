// PyTorch's wheels hold gloo and the header of their ProcessGroupGloo, but not gloo's own headers, which that
// one includes. It uses only their names: these files declare those, and nothing of them is called or laid out here.
#pragma once

#include <chrono>

namespace gloo {

class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

}  // namespace gloo
