// Runs a computation as a job of the process's executor and settles a promise: the JavaScript thread never
// waits, and libuv's pool, which file access and name look-ups need, stays free.
#pragma once

#include <napi.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "base/executor.hpp"
#include "base/task.hpp"

namespace medlsam::addon {

// JavaScript error with the `code` of lib/errors.ts.
Napi::Error to_js_error(Napi::Env env, const Error& error);

class RunningTask {
 public:
  // Parses contract.ts's Task.
  RunningTask(Napi::Env env, const Napi::Value& options);
  virtual ~RunningTask() = default;

  Napi::Promise promise() const { return deferred_.Promise(); }
  // Keeps a JavaScript buffer in place while the computation reads it.
  void keep(const Napi::Object& object) { kept_.push_back(Napi::Persistent(object)); }
  // The task deletes itself when it has settled: once computed, or at once if it is cancelled while it waits
  // for its turn.
  void start();

 protected:
  virtual void compute(const Task& task) = 0;     // on a thread of the executor
  virtual Napi::Value result(Napi::Env env) = 0;  // on the JavaScript thread

 private:
  static void stop_at_exit(void* self);
  void run();
  void fail(const Error& error) { failure_ = std::make_unique<Error>(error); }
  void settle_soon();
  void report(std::size_t done, std::size_t total, const char* phase);
  void settle(Napi::Env env);

  Napi::Env env_;
  Napi::Promise::Deferred deferred_;
  Napi::ThreadSafeFunction to_js_;
  Napi::FunctionReference on_progress_;
  std::vector<Napi::ObjectReference> kept_;
  Task task_;
  std::chrono::steady_clock::time_point last_report_{};
  std::unique_ptr<Error> failure_;
  std::shared_ptr<Executor::Job> job_;
  std::unique_ptr<OnCancel> on_cancel_;
};

template <class Compute, class Result>
class RunningTaskOf : public RunningTask {
 public:
  RunningTaskOf(Napi::Env env, const Napi::Value& options, Compute on_thread, Result to_js)
      : RunningTask(env, options), compute_(std::move(on_thread)), result_(std::move(to_js)) {}

 protected:
  void compute(const Task& task) override { value_.emplace(compute_(task)); }
  Napi::Value result(Napi::Env env) override { return result_(env, std::move(*value_)); }

 private:
  Compute compute_;
  Result result_;
  std::optional<std::invoke_result_t<Compute&, const Task&>> value_;
};

// compute(const Task&) → value, on a thread of the executor; result(Napi::Env, value&&) → what the promise
// resolves to. `compute` must capture plain data and shared pointers only. `buffers` are kept alive
// meanwhile.
template <class Compute, class Result>
Napi::Value run_task(const Napi::CallbackInfo& info, const Napi::Value& options, Compute compute,
                     Result result, const std::vector<Napi::Object>& buffers = {}) {
  auto* task = new RunningTaskOf<Compute, Result>(info.Env(), options, std::move(compute), std::move(result));
  for (const auto& buffer : buffers) task->keep(buffer);
  const Napi::Promise promise = task->promise();
  task->start();
  return promise;
}

// Hands a vector's memory to JavaScript without a copy.
template <class T>
Napi::ArrayBuffer to_array_buffer(Napi::Env env, std::vector<T>&& values) {
  if (values.empty()) return Napi::ArrayBuffer::New(env, 0);
  auto* owned = new std::vector<T>(std::move(values));
  return Napi::ArrayBuffer::New(
      env, owned->data(), owned->size() * sizeof(T),
      [](Napi::Env, void*, std::vector<T>* memory) { delete memory; }, owned);
}

}  // namespace medlsam::addon
