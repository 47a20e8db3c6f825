#include "localization/support.hpp"

#include "localization/patches.hpp"
#include "localization/place.hpp"

namespace medlsam {

void add_support(Templates& templates, const std::shared_ptr<MedLamModel>& medlam, SurveyedGrid& scan,
                 const Support& support, const Task& task) {
  const auto source = open_patches(scan.grid(), medlam->device());
  std::vector<float> positions;
  if (support.survey) {
    const auto survey = scan.survey(medlam, *source, task.in_phase("survey"));
    if (!survey.landmarks->centers.empty())
      positions = surveyed_positions(*survey.landmarks, support.centers);
  }
  add_patches(templates, *medlam, *source, support.centers, positions, support.indices,
              task.in_phase("support"));
}

}  // namespace medlsam
