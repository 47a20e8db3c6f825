// Processes that train together. Here they are threads, which gloo cannot tell from processes.
// Before doctest, whose CHECK libtorch would replace by its own.
#include "torch/training/peers.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <span>
#include <thread>

#include "torch/training/trainer_runs.hpp"

namespace medlsam::training {
namespace {

// Runs the body as process 0 and 1 of two; what either throws is returned.
std::array<std::exception_ptr, 2> run_both(const TrainerOptions& options, const std::string& meeting,
                                           const std::function<void(Trainer&, int rank)>& body) {
  std::array<std::exception_ptr, 2> thrown;
  const auto run = [&](int rank) {
    try {
      TrainerOptions mine = options;
      mine.peers = {rank, 2, meeting, "", 0};
      Trainer trainer(mine);
      body(trainer, rank);
    } catch (...) {
      thrown[static_cast<std::size_t>(rank)] = std::current_exception();
    }
  };
  std::thread other(run, 1);
  run(0);
  other.join();
  return thrown;
}

void rethrow_any(const std::array<std::exception_ptr, 2>& thrown) {
  for (const std::exception_ptr& each : thrown)
    if (each) std::rethrow_exception(each);
}

ErrorCode code_of(const std::exception_ptr& thrown) {
  try {
    if (thrown) std::rethrow_exception(thrown);
  } catch (const Error& error) {
    return error.code();
  }
  return ErrorCode::kInternal;
}

TrainerOptions three_scans(const Folder& folder) {
  TrainerOptions options = small(folder);
  options.batch = 3;  // shares of two and of one
  return options;
}

TEST_CASE("two processes have the gradient, the losses and the weights of one") {
  const Folder folder;
  const TrainerOptions options = three_scans(folder);
  Trainer alone(options);
  const StepResult first = alone.step(kGoOn);
  alone.save(folder.file("alone-1"));
  alone.step(kGoOn);
  alone.save(folder.file("alone-2"));

  std::array<StepResult, 2> results;
  rethrow_any(run_both(options, folder.file("meeting"), [&](Trainer& trainer, int rank) {
    results[static_cast<std::size_t>(rank)] = trainer.step(kGoOn);
    const std::string name = folder.file("rank-" + std::to_string(rank));
    trainer.save(name + "-1");
    trainer.step(kGoOn);
    trainer.save(name + "-2");
  }));
  for (const StepResult& result : results) {
    CHECK(result.uam == doctest::Approx(first.uam).epsilon(1e-5));
    CHECK(result.mss == doctest::Approx(first.mss).epsilon(1e-5));
    CHECK(result.gradient == doctest::Approx(first.gradient).epsilon(1e-4));
  }
  // After one step Adam's mean is a tenth of the gradient.
  CHECK(difference(folder.file("alone-1"), folder.file("rank-0-1"), "adam.mean.") < 1e-3);
  // Adam moves weights whose gradient is rounding alone as far as others, either way.
  CHECK(difference(folder.file("alone-2"), folder.file("rank-0-2"), "conv") < 5e-2);
  CHECK(difference(folder.file("rank-0-2"), folder.file("rank-1-2"), "") == 0);
}

TEST_CASE("processes stop before the same step") {
  const Folder folder;
  std::array<std::int64_t, 2> steps{};
  const auto thrown = run_both(three_scans(folder), folder.file("meeting"), [&](Trainer& trainer, int rank) {
    const torch::Check stop = [&] {
      if (rank == 1 && trainer.steps() == 2) throw Error(ErrorCode::kAborted, "stop");
    };
    try {
      for (int i = 0; i < 4; ++i) trainer.step(stop);
    } catch (...) {
      steps[static_cast<std::size_t>(rank)] = trainer.steps();
      throw;
    }
  });
  CHECK(steps == std::array<std::int64_t, 2>{2, 2});
  CHECK(code_of(thrown[0]) == ErrorCode::kAborted);
  CHECK(code_of(thrown[1]) == ErrorCode::kAborted);
}

TEST_CASE("a process that ends is noticed, and the others keep their steps") {
  const Folder folder;
  const TrainerOptions options = three_scans(folder);
  const auto thrown = run_both(options, folder.file("meeting"), [&](Trainer& trainer, int rank) {
    trainer.step(kGoOn);
    if (rank == 1) return;
    CHECK_THROWS_WITH_AS(trainer.step(kGoOn), doctest::Contains("Another process of the run ended"), Error);
    CHECK(trainer.steps() == 1);
    trainer.save(folder.file("kept"));
  });
  rethrow_any(thrown);
  Trainer resumed(options);
  resumed.load(folder.file("kept"));
  CHECK(resumed.steps() == 1);
  resumed.step(kGoOn);
}

TEST_CASE("every process needs a scan of the batch") {
  const Folder folder;
  TrainerOptions options = small(folder);
  options.peers = {0, 3, folder.file("meeting"), "", 0};
  CHECK_THROWS_WITH_AS(Trainer{options}, doctest::Contains("Batches of 2 scans for 3 processes"), Error);
  options.peers.rank = 3;
  options.batch = 3;
  CHECK_THROWS_AS(Trainer{options}, Error);
}

}  // namespace
}  // namespace medlsam::training
