// The functions of a fuzz target: the trial of an input, and inputs to start from.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

// Tries one input; anything but a return is a finding. Name and signature are libFuzzer's.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// Inputs for the mutator to start from: made of the files given (their content), or synthesized.
std::vector<std::string> make_seeds(const std::vector<std::string>& files);
