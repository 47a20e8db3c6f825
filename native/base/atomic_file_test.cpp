#include "base/atomic_file.hpp"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>

#include "testing/nifti_bytes.hpp"

namespace medlsam {
namespace {

using doctest::Contains;

const Bytes kOld(3, std::byte{1}), kNew(5000, std::byte{2});

TEST_CASE("a committed file replaces the old one, an abandoned one does not") {
  const TemporaryFolder folder;
  save(folder / "file", kOld);
  {
    AtomicFile file(folder / "file");
    file.write(kNew);
    CHECK(load(folder / "file") == kOld);
  }
  CHECK(load(folder / "file") == kOld);
  {
    AtomicFile one(folder / "file"), other(folder / "file");
    one.write(kNew);
    one.write(kOld);
    one.commit();
    CHECK(folder.files() == 2);  // the other's
  }
  Bytes both = kNew;
  both.insert(both.end(), kOld.begin(), kOld.end());
  CHECK(load(folder / "file") == both);
  CHECK(folder.files() == 1);
}

TEST_CASE("names that cannot be written say why") {
  const TemporaryFolder folder;
  save(folder / "file", kOld);
  const auto open_error = [](const std::string& path) { return error_of([&] { AtomicFile file(path); }); };
  CHECK(open_error(folder / "missing/file") == Contains("missing does not exist; create it"));
  CHECK(open_error(folder / ".") == Contains("it is a folder"));
  CHECK(open_error(folder / "file/under") == Contains("WRITE_FAILED"));
  CHECK(open_error(folder / "file/") != "");
  CHECK(open_error("/dev/null") == Contains("not a regular file"));
  CHECK(open_error("") == Contains("WRITE_FAILED"));
  CHECK(open_error(folder / std::string(250, 'n')) == "");
  CHECK(open_error(folder / std::string(300, 'n')) == Contains("WRITE_FAILED"));
  CHECK(folder.files() == 1);
}

TEST_CASE("a write that fails half-way leaves the old file and nothing else") {
  const TemporaryFolder folder;
  save(folder / "file", kOld);
  rlimit old_limit{};
  getrlimit(RLIMIT_FSIZE, &old_limit);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit{4096, old_limit.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  const doctest::String error = error_of([&] {
    AtomicFile file(folder / "file");
    file.write(kNew);
    file.commit();
  });
  setrlimit(RLIMIT_FSIZE, &old_limit);
  std::signal(SIGXFSZ, old_handler);
  CHECK(error == Contains("WRITE_FAILED"));
  CHECK(error == Contains("too large"));
  CHECK(load(folder / "file") == kOld);
  CHECK(folder.files() == 1);
}

TEST_CASE("unfinished files can be removed from outside") {
  const TemporaryFolder folder;
  AtomicFile one(folder / "one"), two(folder / "two");
  two.write(kNew);
  two.commit();
  CHECK(folder.files() == 2);
  remove_unfinished_files();
  CHECK(folder.files() == 1);
  CHECK(load(folder / "two") == kNew);
  CHECK(error_of([&] { one.commit(); }) == Contains("WRITE_FAILED"));
}

}  // namespace
}  // namespace medlsam
