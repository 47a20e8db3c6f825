// Headers of text that go before voxels, or name the file that has them: NRRD's and MetaImage's. Errors are
// kBadVolume, without the file's name and the full stop.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.hpp"
#include "volumes/volume.hpp"

namespace medlsam {

// A header's lines, one after another.
class HeaderLines {
 public:
  explicit HeaderLines(std::span<const std::byte> file);

  // The next line without its end, \n or \r\n; nothing at the end of the file. Throws after a megabyte of
  // them.
  std::optional<std::string_view> next();
  // The bytes after the last line.
  std::span<const std::byte> rest() const { return file_.subspan(at_); }

 private:
  std::span<const std::byte> file_;
  std::string_view text_;  // the part of the file that can be header
  std::size_t at_ = 0;
};

std::string_view trimmed(std::string_view text);
std::string lowercase(std::string_view text);

// The fields of a header by their name, in which case and blanks do not matter.
class HeaderFields {
 public:
  // Throws if the field is there already.
  void add(const std::string& name, std::string_view value);
  // The value; null if it is not there. Values may be empty.
  const std::string* find(const std::string& name) const;
  const std::string& get(const std::string& name) const;  // throws if it is not there

  // `count` finite numbers with blanks between them; parentheses and commas count as blanks.
  std::vector<double> numbers(const std::string& name, std::size_t count) const;
  double whole_number(const std::string& name) const;  // of at most 53 bits
  // Extents (x, y, z) as the shape (z, y, x). At least 1 each, at most 2^33 voxels.
  Index3 shape(const std::string& name) const;

 private:
  std::map<std::string, std::string> values_;
};

// Opens the file that a header at `header` names. It must lie in the header's folder: a name with a path is
// refused, and so is a pattern or a list of several files.
std::shared_ptr<const MappedFile> open_beside(const std::string& header, std::string_view name);

}  // namespace medlsam
