#pragma once

namespace medlsam {

// Where in SAM's image a pixel of the slice finds its mask.
enum class MaskSampling {
  kCorners,  // at floor(pixel · edge / length), as published (algorithm.md part 6.4): up to half a pixel of
             // the slice before its middle, so that masks come out as much too far down and to the right
  kCenters,  // in the pixel's middle, which is where training has its label
};

}  // namespace medlsam
