#include "addon/task_runner.hpp"

#include "addon/handles.hpp"

namespace medlsam::addon {

Napi::Error to_js_error(Napi::Env env, const Error& error) {
  Napi::Error js = Napi::Error::New(env, error.what());
  js.Set("code", Napi::String::New(env, error_code_name(error.code())));
  return js;
}

RunningTask::RunningTask(Napi::Env env, const Napi::Value& options)
    : env_(env), deferred_(Napi::Promise::Deferred::New(env)) {
  if (!options.IsObject()) throw Napi::TypeError::New(env, "Task options must be an object.");
  const Napi::Object object = options.As<Napi::Object>();
  task_.threads = std::max(1u, object.Get("threads").As<Napi::Number>().Uint32Value());
  const Napi::Value cancel = object.Get("cancel");
  task_.cancelled =
      cancel.IsUndefined() ? std::make_shared<Cancellation>() : open_handle<Cancellation>(cancel);
  const Napi::Value on_progress = object.Get("onProgress");
  if (on_progress.IsFunction()) {
    on_progress_ = Napi::Persistent(on_progress.As<Napi::Function>());
    task_.on_progress = [this](std::size_t done, std::size_t total, const char* phase) {
      report(done, total, phase);
    };
  }
  const auto nothing = Napi::Function::New(env, [](const Napi::CallbackInfo&) {});
  to_js_ = Napi::ThreadSafeFunction::New(env, nothing, "medlsam", 0, 1);
}

void RunningTask::start() {
  // Added after the thread-safe function's own hook, hence run before it.
  napi_add_env_cleanup_hook(env_, stop_at_exit, this);
  try {
    job_ = executor().submit([this] { run(); });
  } catch (const Error& error) {
    fail(error);
    return settle_soon();
  }
  on_cancel_ = std::make_unique<OnCancel>(task_.cancelled, [this] {
    if (!job_->withdraw()) return;
    fail(Error(ErrorCode::kAborted, "The operation was aborted."));
    settle_soon();
  });
}

// The environment ends (process.exit, a worker terminated): stop, wait, touch no JavaScript.
void RunningTask::stop_at_exit(void* data) {
  auto* self = static_cast<RunningTask*>(data);
  self->on_cancel_.reset();
  self->task_.cancelled->request();
  if (self->job_ && !self->job_->withdraw()) self->job_->wait();
  delete self;
}

void RunningTask::run() {
  try {
    compute(task_);
  } catch (const Error& error) {
    fail(error);
  } catch (const std::bad_alloc&) {
    fail(Error(ErrorCode::kInternal, "Out of memory."));
  } catch (const std::exception& error) {
    fail(Error(ErrorCode::kInternal, error.what()));
  }
  settle_soon();
}

void RunningTask::settle_soon() {
  to_js_.BlockingCall([this](Napi::Env env, Napi::Function) {
    if (env != nullptr) settle(env);
  });
}

void RunningTask::report(std::size_t done, std::size_t total, const char* phase) {
  const auto now = std::chrono::steady_clock::now();
  if (done < total && now - last_report_ < std::chrono::milliseconds(50)) return;
  last_report_ = now;
  to_js_.NonBlockingCall([this, done, total, phase](Napi::Env env, Napi::Function) {
    if (env == nullptr) return;
    on_progress_.Call({Napi::Number::New(env, static_cast<double>(done)),
                       Napi::Number::New(env, static_cast<double>(total)), Napi::String::New(env, phase)});
  });
}

void RunningTask::settle(Napi::Env env) {
  napi_remove_env_cleanup_hook(env, stop_at_exit, this);
  on_cancel_.reset();
  if (job_) job_->wait();  // it may still be on its way out of run()
  try {
    if (failure_) {
      deferred_.Reject(to_js_error(env, *failure_).Value());
    } else {
      deferred_.Resolve(result(env));
    }
  } catch (const Napi::Error& error) {
    deferred_.Reject(error.Value());
  }
  to_js_.Release();
  delete this;
}

}  // namespace medlsam::addon
