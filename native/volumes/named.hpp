#pragma once

#include <string>

#include "base/error.hpp"

namespace medlsam {

// Runs work(), whose kBadVolume errors are sentences without a full stop, and puts the file's name before
// them.
template <class Work>
decltype(auto) with_name(const std::string& name, Work&& work) {
  try {
    return work();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kBadVolume) throw;
    throw Error(ErrorCode::kBadVolume, name + ": " + error.what() + ".");
  }
}

}  // namespace medlsam
