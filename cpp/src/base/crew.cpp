#include "apportion/base/crew.hpp"

#include <utility>

namespace apportion {

Crew::Crew(unsigned size) {
  threads_.reserve(size - 1);
  try {
    for (unsigned number = 1; number < size; ++number) threads_.emplace_back([this, number] { serve(number); });
  } catch (...) {
    end();
    throw;
  }
}

Crew::~Crew() { end(); }

void Crew::end() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  begun_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void Crew::run(const std::function<void(unsigned)>& work) {
  {
    const std::lock_guard lock(mutex_);
    work_ = &work;
    busy_ = size() - 1;
    ++round_;
  }
  begun_.notify_all();
  attempt(work, 0);
  std::unique_lock lock(mutex_);
  done_.wait(lock, [this] { return busy_ == 0; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void Crew::serve(unsigned number) {
  std::uint64_t seen = 0;
  std::unique_lock lock(mutex_);
  for (;;) {
    begun_.wait(lock, [&] { return ending_ || round_ != seen; });
    if (ending_) return;
    seen = round_;
    const std::function<void(unsigned)>& work = *work_;
    lock.unlock();
    attempt(work, number);
    lock.lock();
    if (--busy_ == 0) done_.notify_one();
  }
}

void Crew::attempt(const std::function<void(unsigned)>& work, unsigned number) noexcept {
  try {
    work(number);
  } catch (...) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::current_exception();
  }
}

}  // namespace apportion
