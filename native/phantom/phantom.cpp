#include "phantom/phantom.hpp"

#include "phantom/artefacts.hpp"
#include "phantom/reconstruction.hpp"

namespace medlsam::phantom {

Phantom make_phantom(std::uint32_t seed, const ScanOptions& options, const Task& task) {
  Phantom phantom;
  phantom.subject = draw_subject(seed);
  const Realism& realism = options.realism;
  if (realism.pose) vary_build(phantom.subject);
  if (realism.tissue) vary_enhancement(phantom.subject);
  phantom.scan = plan_scan(phantom.subject, options);
  Anatomy anatomy(phantom.subject);
  if (realism.tissue) vary_tissues(anatomy);
  if (realism.scanner) add_metal(anatomy);
  Rendering rendering = render(anatomy, Posture(phantom.subject, realism.pose), phantom.scan, task);
  if (realism.scanner) add_artefacts(rendering, phantom.scan, seed, task);
  phantom.image = reconstruct_image(rendering, phantom.scan, seed, task);
  phantom.labels = reconstruct_labels(rendering, phantom.scan, task);
  return phantom;
}

}  // namespace medlsam::phantom
