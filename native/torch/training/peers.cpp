#include "torch/training/peers.hpp"

#ifdef MEDLSAM_GLOO
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/FileStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#endif

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/error.hpp"

namespace medlsam::training {

#ifdef MEDLSAM_GLOO

namespace {

// Processes of one machine start together. Those of several may first have thousands of scans to prepare, and
// all wait while process 0 validates; one that ends is noticed at once, by its connection.
constexpr std::chrono::minutes kMeeting{10}, kPatience{24 * 60};

using Gloo = c10d::ProcessGroupGloo;

// Quotes the first sentence of gloo's reason, without the source location before it.
[[noreturn]] void fail(const char* what, const std::exception& cause) {
  std::string reason = cause.what();
  reason = reason.substr(0, std::min(reason.find('\n'), reason.find(". ")));
  const std::size_t place = reason.starts_with('[') ? reason.find("] ") : std::string::npos;
  if (place != std::string::npos) reason.erase(0, place + 2);
  throw Error(ErrorCode::kRuntimeUnavailable, std::string(what) + ": " + reason);
}

c10::intrusive_ptr<c10d::Store> open_store(const PeerOptions& options) {
  if (!options.file.empty()) {
    auto store = c10::make_intrusive<c10d::FileStore>(options.file, options.count);
    store->setTimeout(kMeeting);
    return store;
  }
  c10d::TCPStoreOptions settings;
  settings.port = options.port;
  settings.isServer = options.rank == 0;
  settings.numWorkers = static_cast<std::size_t>(options.count);
  settings.timeout = kPatience;
  return c10::make_intrusive<c10d::TCPStore>(options.host, settings);
}

}  // namespace

struct Peers::Group {
  c10::intrusive_ptr<Gloo> gloo;
};

Peers::Peers(const PeerOptions& options) : options_(options) {
  if (options.count < 1 || options.rank < 0 || options.rank >= options.count) {
    throw Error(ErrorCode::kBadArgument, "Process " + std::to_string(options.rank) + " of " +
                                             std::to_string(options.count) + ": they count from 0.");
  }
  if (alone()) return;
  try {
    auto settings = Gloo::Options::create(kPatience);
    // Nothing outside can connect to processes of one machine.
    const bool local = !options.file.empty() || options.host == "localhost" || options.host == "127.0.0.1";
    settings->devices.push_back(local ? Gloo::createDeviceForHostname("127.0.0.1")
                                      : Gloo::createDefaultDevice());
    group_ = std::make_unique<Group>(
        Group{c10::make_intrusive<Gloo>(open_store(options), options.rank, options.count, settings)});
  } catch (const std::exception& error) {
    fail("The other processes of the run could not be met", error);
  }
}

void Peers::sum(at::Tensor& values) {
  if (alone()) return;
  try {
    std::vector<at::Tensor> shared = {values.to(at::kCPU).contiguous()};
    group_->gloo->allreduce(shared)->wait();
    values.copy_(shared[0]);
  } catch (const std::exception& error) {
    fail(
        "Another process of the run ended or cannot be reached; nothing is lost of the steps before. "
        "Resume the run",
        error);
  }
}

#else

struct Peers::Group {};

Peers::Peers(const PeerOptions& options) : options_(options) {
  if (alone()) return;
  throw Error(
      ErrorCode::kRuntimeUnavailable,
      "This libtorch was built without gloo, by which processes train together. Train in one process, "
      "or build the plugin on PyTorch's own wheel.");
}

void Peers::sum(at::Tensor&) {}

#endif

Peers::~Peers() = default;

}  // namespace medlsam::training
