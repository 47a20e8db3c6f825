#include "volumes/text_header.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <locale>
#include <sstream>

#include "base/error.hpp"

namespace medlsam {
namespace {

constexpr std::size_t kMaxHeader = std::size_t{1} << 20;
constexpr double kMaxVoxels = 0x1p33;

[[noreturn]] void fail(const std::string& message) {
  throw Error(ErrorCode::kBadVolume, message);
}

// A value in a message: cut where it is long, without control characters.
std::string shown(std::string_view value) {
  std::string text(value.substr(0, 60));
  std::ranges::replace_if(
      text, [](unsigned char c) { return c < ' ' || c == 0x7f; }, '?');
  return text.size() < value.size() ? text + "…" : text;
}

std::string key_of(const std::string& name) {
  std::string key = lowercase(name);
  std::erase(key, ' ');
  return key;
}

}  // namespace

HeaderLines::HeaderLines(std::span<const std::byte> file)
    : file_(file), text_(reinterpret_cast<const char*>(file.data()), std::min(file.size(), kMaxHeader)) {}

std::optional<std::string_view> HeaderLines::next() {
  const std::size_t end = std::min(text_.find('\n', at_), text_.size());
  if (end == text_.size() && text_.size() < file_.size()) {
    fail("its header does not end within a megabyte; it is damaged");
  }
  if (at_ >= end && end == text_.size()) return std::nullopt;
  std::string_view line = text_.substr(at_, end - at_);
  at_ = std::min(end + 1, text_.size());
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string lowercase(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

void HeaderFields::add(const std::string& name, std::string_view value) {
  if (!values_.try_emplace(key_of(name), value).second)
    fail("its header gives \"" + shown(name) + "\" twice");
}

const std::string* HeaderFields::find(const std::string& name) const {
  const auto found = values_.find(key_of(name));
  return found == values_.end() ? nullptr : &found->second;
}

const std::string& HeaderFields::get(const std::string& name) const {
  const std::string* value = find(name);
  if (value == nullptr) fail("its header has no \"" + name + "\"; write the file again with it");
  return *value;
}

std::vector<double> HeaderFields::numbers(const std::string& name, std::size_t count) const {
  std::string text = get(name);
  std::ranges::replace_if(
      text, [](char c) { return c == '(' || c == ')' || c == ','; }, ' ');
  std::istringstream stream(text);
  stream.imbue(std::locale::classic());
  std::vector<double> numbers;
  for (double number; numbers.size() < count && stream >> number && std::isfinite(number);) {
    numbers.push_back(number);
  }
  stream >> std::ws;
  if (numbers.size() != count || !stream.eof()) {
    fail("its header's \"" + name + "\" is \"" + shown(get(name)) + "\", but must be " +
         std::to_string(count) + (count == 1 ? " number" : " numbers"));
  }
  return numbers;
}

double HeaderFields::whole_number(const std::string& name) const {
  const double number = numbers(name, 1)[0];
  if (number != std::floor(number) || std::abs(number) > 0x1p53) {
    fail("its header's \"" + name + "\" is \"" + shown(get(name)) + "\", but must be a whole number");
  }
  return number;
}

Index3 HeaderFields::shape(const std::string& name) const {
  const auto extents = numbers(name, 3);
  for (const double extent : extents) {
    if (!(extent >= 1) || extent != std::floor(extent)) {
      fail("its header's \"" + name + "\" is \"" + shown(get(name)) +
           "\", but must be three numbers of voxels");
    }
  }
  if (extents[0] * extents[1] * extents[2] > kMaxVoxels) {
    fail("its header's \"" + name + "\" is \"" + shown(get(name)) + "\"; at most 2^33 voxels are read");
  }
  return {static_cast<std::int64_t>(extents[2]), static_cast<std::int64_t>(extents[1]),
          static_cast<std::int64_t>(extents[0])};
}

std::shared_ptr<const MappedFile> open_beside(const std::string& header, std::string_view name) {
  if (name.starts_with("./")) name.remove_prefix(2);
  if (name.starts_with("LIST") || name.find('%') != name.npos) {
    fail("its voxels lie in several files (\"" + shown(name) + "\"), which are not read; write them as one");
  }
  if (name.empty() || name == "." || name == ".." ||
      name.find_first_of(std::string_view("/\\\0", 3)) != name.npos) {
    fail("the file of its voxels is \"" + shown(name) +
         "\"; only a file in the header's own folder is read. Put it there, and name it in the header");
  }
  return MappedFile::open((std::filesystem::path(header).parent_path() / name).string());
}

}  // namespace medlsam
