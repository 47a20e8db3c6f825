// Zip archives as torch.save writes them: stored entries only, zip64 included.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <span>
#include <string>

namespace medlsam {

// An archive's entries by name; views into the archive's bytes.
using ZipEntries = std::map<std::string, std::span<const std::byte>, std::less<>>;

// Reads the central directory and checks every entry's place. Checksums are not verified, which would mean
// reading the whole file. `name`: the file's name in messages. Throws kBadCheckpoint.
ZipEntries read_zip(std::span<const std::byte> bytes, const std::string& name);

}  // namespace medlsam
