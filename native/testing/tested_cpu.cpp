#include "runtimes/cpu/cpu_runtime.hpp"
#include "testing/runtime_under_test.hpp"

namespace medlsam {

std::shared_ptr<const Runtime> runtime_under_test() {
  return cpu::open_cpu_runtime();
}

}  // namespace medlsam
