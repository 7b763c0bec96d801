// Threads that do one piece of work together and then wait for the next.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace apportion {

/// The caller and size() - 1 threads of its own, which end with it. One thread at a time may call `run`.
class Crew {
 public:
  /// REQUIRES: size >= 1. With 1 there is nobody but the caller. Throws std::system_error when the system has no more
  /// threads.
  explicit Crew(unsigned size);
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew();

  [[nodiscard]] unsigned size() const { return static_cast<unsigned>(threads_.size()) + 1; }
  /// Calls work(0) ... work(size() - 1), each in a thread of its own, and returns when all are done. What one of them
  /// throws is thrown again here.
  void run(const std::function<void(unsigned)>& work);

 private:
  void end();
  void serve(unsigned number);
  void attempt(const std::function<void(unsigned)>& work, unsigned number) noexcept;

  std::mutex mutex_;
  std::condition_variable begun_;
  std::condition_variable done_;
  const std::function<void(unsigned)>* work_ = nullptr;
  std::uint64_t round_ = 0;
  unsigned busy_ = 0;
  bool ending_ = false;
  std::exception_ptr failure_;
  std::vector<std::thread> threads_;
};

}  // namespace apportion
