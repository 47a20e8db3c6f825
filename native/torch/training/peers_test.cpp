// Processes that train together. Here they are threads, which gloo cannot tell from processes.
// Before doctest, whose CHECK libtorch would replace by its own.
#include "torch/training/peers.hpp"

#include <ATen/Parallel.h>
#include <doctest/doctest.h>

#include <algorithm>
#include <exception>
#include <functional>
#include <span>
#include <thread>
#include <type_traits>

#include "testing/sam_runs.hpp"
#include "testing/trainer_runs.hpp"

namespace medlsam::training {
namespace {

// Runs the body as process 0 and 1 of two; what either throws is returned.
template <class Trainer>
std::array<std::exception_ptr, 2> run_both(const typename Trainer::Options& options,
                                           const std::string& meeting,
                                           const std::function<void(Trainer&, int rank)>& body) {
  std::array<std::exception_ptr, 2> thrown;
  const auto run = [&](int rank) {
    try {
      auto mine = options;
      mine.peers.rank = rank;
      mine.peers.count = 2;
      mine.peers.file = meeting;
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

template <class Trainer>
typename Trainer::Options three_examples(const Folder& folder) {
  typename Trainer::Options options;
  if constexpr (std::is_same_v<Trainer, SamTrainer>) {
    options = small_sam(folder);
  } else {
    options = small(folder);
  }
  options.batch = 3;  // shares of two and of one
  return options;
}

// Two steps in one process, whose checkpoints are "alone-1" and "alone-2", and the same in two ("rank-0-1"
// …). Returns the results of the first.
template <class Trainer>
std::array<StepResult, 3> step_alone_and_in_two(const Folder& folder,
                                                const typename Trainer::Options& options) {
  std::array<StepResult, 3> results;
  const auto two_steps = [&](Trainer& trainer, StepResult& first, const std::string& name) {
    first = trainer.step(kGoOn);
    trainer.save(folder.file(name + "-1"));
    trainer.step(kGoOn);
    trainer.save(folder.file(name + "-2"));
  };
  Trainer alone(options);
  two_steps(alone, results[2], "alone");
  rethrow_any(run_both<Trainer>(options, folder.file("meeting"), [&](Trainer& trainer, int rank) {
    two_steps(trainer, results[static_cast<std::size_t>(rank)], "rank-" + std::to_string(rank));
  }));
  return results;
}

TEST_CASE_TEMPLATE("two processes have the gradient, the losses and the weights of one", Trainer,
                   MedLamTrainer, SamTrainer) {
  const Folder folder;
  const auto results = step_alone_and_in_two<Trainer>(folder, three_examples<Trainer>(folder));
  const StepResult& alone = results[2];
  for (std::size_t rank = 0; rank < 2; ++rank) {
    REQUIRE(results[rank].losses.size() == alone.losses.size());
    for (std::size_t i = 0; i < alone.losses.size(); ++i)
      CHECK(results[rank].losses[i] == doctest::Approx(alone.losses[i]).epsilon(1e-5));
    CHECK(results[rank].gradient == doctest::Approx(alone.gradient).epsilon(1e-4));
  }
  // After one step Adam's mean is a tenth of the gradient.
  CHECK(difference(folder.file("alone-1"), folder.file("rank-0-1"), "adam.mean.") < 1e-3);
  // Adam moves weights whose gradient is rounding alone as far as others, either way.
  const char* moved = std::is_same_v<Trainer, SamTrainer> ? "mask_decoder.output" : "conv";
  CHECK(difference(folder.file("alone-2"), folder.file("rank-0-2"), moved) < 5e-2);
  CHECK(difference(folder.file("rank-0-2"), folder.file("rank-1-2"), "") == 0);
}

TEST_CASE("two processes with a slice each do SAM's steps of one to the bit") {
  // Sums of two numbers have no order to differ in; the threads that share an operation would.
  at::set_num_threads(1);
  const Folder folder;
  SamOptions options = small_sam(folder);
  REQUIRE(options.batch == 2);
  options.micro_batch = 1;
  const auto results = step_alone_and_in_two<SamTrainer>(folder, options);
  for (std::size_t rank = 0; rank < 2; ++rank) {
    CHECK(results[rank].losses == results[2].losses);
    CHECK(results[rank].gradient == results[2].gradient);
    CHECK(bytes_of(folder.file("rank-" + std::to_string(rank) + "-2")) == bytes_of(folder.file("alone-2")));
  }
}

TEST_CASE("processes stop before the same step") {
  const Folder folder;
  std::array<std::int64_t, 2> steps{};
  const auto thrown = run_both<MedLamTrainer>(three_examples<MedLamTrainer>(folder), folder.file("meeting"),
                                              [&](MedLamTrainer& trainer, int rank) {
                                                const torch::Check stop = [&] {
                                                  if (rank == 1 && trainer.steps() == 2)
                                                    throw Error(ErrorCode::kAborted, "stop");
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
  const MedLamOptions options = three_examples<MedLamTrainer>(folder);
  const auto thrown =
      run_both<MedLamTrainer>(options, folder.file("meeting"), [&](MedLamTrainer& trainer, int rank) {
        trainer.step(kGoOn);
        if (rank == 1) return;
        CHECK_THROWS_WITH_AS(trainer.step(kGoOn), doctest::Contains("Another process of the run ended"),
                             Error);
        CHECK(trainer.steps() == 1);
        trainer.save(folder.file("kept"));
      });
  rethrow_any(thrown);
  MedLamTrainer resumed(options);
  resumed.load(folder.file("kept"));
  CHECK(resumed.steps() == 1);
  resumed.step(kGoOn);
}

TEST_CASE_TEMPLATE("every process needs an example of the batch", Trainer, MedLamTrainer, SamTrainer) {
  const Folder folder;
  auto options = three_examples<Trainer>(folder);
  options.batch = 2;
  options.peers.count = 3;
  options.peers.file = folder.file("meeting");
  CHECK_THROWS_WITH_AS(Trainer{options}, doctest::Contains("A batch of 2 cannot be shared by 3 processes"),
                       Error);
  options.peers.rank = 3;
  options.batch = 3;
  CHECK_THROWS_AS(Trainer{options}, Error);
}

}  // namespace
}  // namespace medlsam::training
