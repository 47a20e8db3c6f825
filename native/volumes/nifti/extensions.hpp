#pragma once

#include <string>

#include "volumes/volume.hpp"

namespace medlsam {

// The label table (Caret XML) of the volume's first NIfTI extension of code 0 that has one, as
// TotalSegmentator writes it; empty when there is none.
std::string label_xml(const Volume& volume);

}  // namespace medlsam
