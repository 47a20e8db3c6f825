// Results of the plugin's functions: 0, or a code and a message that the caller can ask for.
#pragma once

#include <c10/util/Exception.h>

#include <cstdint>
#include <new>
#include <string>

#include "base/error.hpp"
#include "runtimes/torch/plugin_api.hpp"
#include "torch/aten/execute.hpp"

namespace medlsam::torch {

inline thread_local std::string last_error;

inline std::int32_t fail(ErrorCode code, const std::string& message) {
  last_error = message;
  return 1 + static_cast<std::int32_t>(code);
}

template <class Body>
std::int32_t guarded(Body&& body) {
  try {
    body();
    return 0;
  } catch (const Error& error) {
    return fail(error.code(), error.what());
  } catch (const c10::Error& error) {
    return fail(device_error_code(error.what_without_backtrace()),
                std::string("libtorch: ") + error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kInternal, "Out of memory.");
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, error.what());
  }
}

inline at::ScalarType scalar_type(std::int32_t precision) {
  if (precision == MEDLSAM_TORCH_BFLOAT16) return at::kBFloat16;
  return precision == MEDLSAM_TORCH_FLOAT16 ? at::kHalf : at::kFloat;
}

inline Check to_check(std::int32_t (*is_cancelled)(void*), void* context) {
  return [=] {
    if (is_cancelled(context) != 0) throw Error(ErrorCode::kAborted, "The operation was aborted.");
  };
}

// trainer_entry.cpp
MedlsamTrainerTable trainer_table();

}  // namespace medlsam::torch
