#include "phantom/phantom.hpp"

#include "phantom/reconstruction.hpp"

namespace medlsam::phantom {

Phantom make_phantom(std::uint32_t seed, const ScanOptions& options, const Task& task) {
  Phantom phantom;
  phantom.subject = draw_subject(seed);
  phantom.scan = plan_scan(phantom.subject, options);
  const Anatomy anatomy(phantom.subject);
  const Rendering rendering = render(anatomy, Posture(phantom.subject), phantom.scan, task);
  phantom.image = reconstruct_image(rendering, phantom.scan, seed, task);
  phantom.labels = reconstruct_labels(rendering, phantom.scan, task);
  return phantom;
}

}  // namespace medlsam::phantom
