#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>

#include "dicom_masks/contours.hpp"

namespace medlsam {
namespace {

// Directions along the edges of pixels, clockwise, so that the next one is a turn to the right.
enum Direction : std::uint8_t { kEast, kSouth, kWest, kNorth };
constexpr std::array<Corner, 4> kStep = {{{1, 0}, {0, 1}, {-1, 0}, {0, -1}}};

// The rectangle around all pixels of a mask.
struct Extent {
  std::int32_t top = 0, left = 0, height = 0, width = 0;
};

std::optional<Extent> extent_of(std::span<const std::uint8_t> mask, std::int64_t rows, std::int64_t columns) {
  std::int64_t top = rows, bottom = -1, left = columns, right = -1;
  for (std::int64_t y = 0; y < rows; ++y) {
    const std::uint8_t* line = mask.data() + y * columns;
    std::int64_t first = 0;
    while (first < columns && line[first] == 0) ++first;
    if (first == columns) continue;
    std::int64_t last = columns - 1;
    while (line[last] == 0) --last;
    if (top == rows) top = y;
    bottom = y;
    left = std::min(left, first);
    right = std::max(right, last);
  }
  if (bottom < 0) return std::nullopt;
  const auto narrow = [](std::int64_t value) { return static_cast<std::int32_t>(value); };
  return Extent{narrow(top), narrow(left), narrow(bottom - top + 1), narrow(right - left + 1)};
}

// The edges between inside and outside as a graph on the corners of a mask's rectangle. They are directed so
// that the inside is on the right.
class Edges {
 public:
  Edges(std::span<const std::uint8_t> mask, std::int64_t columns, const Extent& extent)
      : extent_(extent), out_(static_cast<std::size_t>((extent.height + 1) * corners_wide())) {
    const auto inside = [&](std::int32_t x, std::int32_t y) {
      return x >= 0 && y >= 0 && x < extent.width && y < extent.height &&
             mask[static_cast<std::size_t>((extent.top + y) * columns + extent.left + x)] != 0;
    };
    for (std::int32_t y = 0; y < extent.height; ++y) {
      for (std::int32_t x = 0; x < extent.width; ++x) {
        if (!inside(x, y)) continue;
        if (!inside(x, y - 1)) add({x, y}, kEast);
        if (!inside(x + 1, y)) add({x + 1, y}, kSouth);
        if (!inside(x, y + 1)) add({x + 1, y + 1}, kWest);
        if (!inside(x - 1, y)) add({x, y + 1}, kNorth);
      }
    }
  }

  std::size_t corners() const { return out_.size(); }
  std::size_t index(Corner at) const { return static_cast<std::size_t>(at.y) * corners_wide() + at.x; }
  Corner corner(std::size_t index) const {
    return {static_cast<std::int32_t>(index % corners_wide()),
            static_cast<std::int32_t>(index / corners_wide())};
  }
  bool has(std::size_t corner, Direction direction) const { return (out_[corner] >> direction & 1) != 0; }

 private:
  std::size_t corners_wide() const { return static_cast<std::size_t>(extent_.width) + 1; }
  void add(Corner from, Direction direction) {
    auto& edges = out_[index(from)];
    edges = static_cast<std::uint8_t>(edges | 1u << direction);
  }

  Extent extent_;
  std::vector<std::uint8_t> out_;  // for each corner, the directions of edges that leave it
};

// A corner of a contour and the one after it.
struct Node {
  Corner at;
  std::size_t next = 0;
};

// A closed chain of nodes.
struct Loop {
  std::size_t first = 0;  // node of the first corner: for a hole, of its leftmost column the highest
  bool is_hole = false;
};

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

class Tracer {
 public:
  explicit Tracer(Edges edges)
      : edges_(std::move(edges)), node_at_(edges_.corners(), kNone), passed_(edges_.corners()) {
    for (std::size_t corner = 0; corner < edges_.corners(); ++corner) {
      if (edges_.has(corner, kEast) && !passed_[corner]) follow(corner);
    }
  }

  // Joins every hole to the contour left of it.
  void join_holes() {
    for (const Loop& loop : loops_) {
      if (loop.is_hole) join(loop.first);
    }
  }

  // Corners of every contour that is left, moved by `origin`.
  std::vector<Contour> contours(bool with_holes, Corner origin) const {
    std::vector<Contour> found;
    for (const Loop& loop : loops_) {
      if (!loop.is_hole || with_holes) found.push_back(turns(loop.first, origin));
    }
    return found;
  }

 private:
  // Takes one closed way, which begins with an edge to the east and keeps to the pixel on its right: where
  // two pixels touch at a corner it turns right and so stays with its own.
  void follow(std::size_t start) {
    const std::size_t first = nodes_.size();
    std::size_t leftmost = first;
    std::int64_t doubled_area = 0;
    std::size_t at = start;
    Direction direction = kEast;
    do {
      const Corner from = edges_.corner(at);
      if (direction == kEast) passed_[at] = true;
      node_at_[at] = nodes_.size();
      nodes_.push_back({from, nodes_.size() + 1});
      const Corner best = nodes_[leftmost].at;
      if (from.x < best.x || (from.x == best.x && from.y < best.y)) leftmost = nodes_.size() - 1;
      const Corner to = {from.x + kStep[direction].x, from.y + kStep[direction].y};
      doubled_area += static_cast<std::int64_t>(from.x) * to.y - static_cast<std::int64_t>(to.x) * from.y;
      at = edges_.index(to);
      direction = turn(at, direction);
    } while (at != start || direction != kEast);
    nodes_.back().next = first;
    const bool is_hole = doubled_area < 0;
    loops_.push_back({is_hole ? leftmost : first, is_hole});
  }

  // The edge to go on with: right, straight ahead or left.
  Direction turn(std::size_t corner, Direction direction) const {
    for (const unsigned by : {1u, 0u}) {
      const auto next = static_cast<Direction>((direction + by) % 4);
      if (edges_.has(corner, next)) return next;
    }
    return static_cast<Direction>((direction + 3) % 4);
  }

  // Goes left from a hole's corner, between rows, to the first corner that a contour passes. The pixels on
  // both sides of the way are inside, or a contour would have passed before.
  void join(std::size_t hole) {
    const Corner from = nodes_[hole].at;
    std::size_t corner = edges_.index(from);
    do {
      --corner;
    } while (node_at_[corner] == kNone);
    const std::size_t outer = node_at_[corner];
    // outer → hole → … → hole again → outer again → …
    const std::size_t hole_again = nodes_.size();
    const std::size_t outer_again = hole_again + 1;
    nodes_.push_back({from, outer_again});
    nodes_.push_back({nodes_[outer].at, nodes_[outer].next});
    std::size_t last = hole;
    while (nodes_[last].next != hole) last = nodes_[last].next;
    nodes_[last].next = hole_again;
    nodes_[outer].next = hole;
  }

  // Corners at which the direction changes.
  Contour turns(std::size_t first, Corner origin) const {
    std::vector<Corner> way;
    std::size_t node = first;
    do {
      way.push_back(nodes_[node].at);
      node = nodes_[node].next;
    } while (node != first);
    Contour contour;
    const auto toward = [](Corner a, Corner b) {
      return Corner{(b.x > a.x) - (b.x < a.x), (b.y > a.y) - (b.y < a.y)};
    };
    for (std::size_t i = 0; i < way.size(); ++i) {
      const Corner before = way[(i + way.size() - 1) % way.size()];
      const Corner after = way[(i + 1) % way.size()];
      if (toward(before, way[i]) == toward(way[i], after)) continue;
      contour.push_back({way[i].x + origin.x, way[i].y + origin.y});
    }
    return contour;
  }

  Edges edges_;
  std::vector<Node> nodes_;
  std::vector<std::size_t> node_at_;  // for each corner, the node of a way through it
  std::vector<bool> passed_;          // for each corner, whether its edge to the east was taken
  std::vector<Loop> loops_;
};

}  // namespace

std::vector<Contour> trace_contours(std::span<const std::uint8_t> mask, std::int64_t rows,
                                    std::int64_t columns, Holes holes) {
  const auto extent = extent_of(mask, rows, columns);
  if (!extent) return {};
  Tracer tracer(Edges(mask, columns, *extent));
  if (holes == Holes::kKeyholes) tracer.join_holes();
  return tracer.contours(holes == Holes::kNested, {extent->left, extent->top});
}

}  // namespace medlsam
