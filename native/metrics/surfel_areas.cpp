#include <cmath>

#include "metrics/surfaces.hpp"

namespace medlsam {
namespace {

// Points of a cell are counted in half edges, (z, y, x) in {0, 1, 2}³, and numbered 9·z + 3·y + x: its
// corners are the even ones, the middles of its edges have one odd coordinate.
using Point = std::array<int, 3>;

int number(const Point& p) {
  return 9 * p[0] + 3 * p[1] + p[2];
}

// The closed polygons in which a surface crosses a cell, as the two neighbors of every crossed edge.
class Polygons {
 public:
  explicit Polygons(unsigned code) : code_(code) {
    for (int axis = 0; axis < 3; ++axis) {
      for (int side : {0, 2}) cross_face(axis, side);
    }
  }

  double area(const std::array<double, 3>& spacing) {
    double sum = 0;
    for (int start = 0; start < 27; ++start) {
      std::vector<std::array<double, 3>> polygon;
      for (int at = start; links_[at].size() == 2;) {
        polygon.push_back(
            {(at / 9) * spacing[0] / 2, (at / 3 % 3) * spacing[1] / 2, (at % 3) * spacing[2] / 2});
        const auto [next, other] = std::pair{links_[at][0], links_[at][1]};
        links_[at].clear();  // visited
        at = links_[next].empty() ? other : next;
      }
      sum += polygon_area(polygon);
    }
    return sum;
  }

 private:
  bool inside(const Point& corner) const {
    return (code_ >> (4 * (corner[0] / 2) + 2 * (corner[1] / 2) + corner[2] / 2)) & 1;
  }

  // Links the crossed edges of one face. If all four are crossed, the two at each foreground corner are
  // linked.
  void cross_face(int axis, int side) {
    constexpr std::array<std::array<int, 2>, 4> kAround = {{{0, 0}, {0, 2}, {2, 2}, {2, 0}}};
    std::array<Point, 4> corner;
    for (int i = 0; i < 4; ++i) {
      corner[i][axis] = side;
      corner[i][(axis + 1) % 3] = kAround[i][0];
      corner[i][(axis + 2) % 3] = kAround[i][1];
    }
    std::vector<int> crossed;  // edge i runs from corner i to corner i + 1
    for (int i = 0; i < 4; ++i) {
      const Point &from = corner[i], &to = corner[(i + 1) % 4];
      if (inside(from) == inside(to)) continue;
      crossed.push_back(number({(from[0] + to[0]) / 2, (from[1] + to[1]) / 2, (from[2] + to[2]) / 2}));
    }
    if (crossed.size() == 2) link(crossed[0], crossed[1]);
    if (crossed.size() == 4) {
      for (int i = inside(corner[0]) ? 0 : 1; i < 4; i += 2) link(crossed[(i + 3) % 4], crossed[i]);
    }
  }

  void link(int a, int b) {
    links_[a].push_back(b);
    links_[b].push_back(a);
  }

  static double polygon_area(const std::vector<std::array<double, 3>>& polygon) {
    std::array<double, 3> center{};
    for (const auto& point : polygon) {
      for (int i = 0; i < 3; ++i) center[i] += point[i] / static_cast<double>(polygon.size());
    }
    double area = 0;
    for (std::size_t k = 0; k < polygon.size(); ++k) {
      std::array<double, 3> p, q;
      for (int i = 0; i < 3; ++i) {
        p[i] = polygon[k][i] - center[i];
        q[i] = polygon[(k + 1) % polygon.size()][i] - center[i];
      }
      area += std::hypot(p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0]) / 2;
    }
    return area;
  }

  unsigned code_;
  std::array<std::vector<int>, 27> links_;
};

}  // namespace

std::array<double, 256> surfel_areas(const std::array<double, 3>& spacing) {
  std::array<double, 256> areas;
  for (unsigned code = 0; code < 256; ++code) areas[code] = Polygons(code).area(spacing);
  return areas;
}

}  // namespace medlsam
