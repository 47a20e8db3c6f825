#pragma once

namespace medlsam {

// `reference` repeats the published evaluation's quirks (those marked Q in algorithm.md) to reproduce its
// numbers; `exact` does what is geometrically right.
enum class Conventions { kExact, kReference };

}  // namespace medlsam
