// Adds an annotated scan to templates (algorithm.md part 4).
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "localization/survey.hpp"
#include "localization/templates/templates.hpp"

namespace medlsam {

struct Support {
  std::span<const Index3> centers;        // annotation points on the scan's padded grid
  std::span<const std::int32_t> indices;  // the template point of each
  // Takes positions from a survey of the scan instead of from the one patch at the point.
  bool survey = false;
};

// Adds the support's points. Progress has the phases "survey", if there is one to make, and "support".
void add_support(Templates& templates, const std::shared_ptr<MedLamModel>& medlam, SurveyedGrid& scan,
                 const Support& support, const Task& task);

}  // namespace medlsam
