// The arenas of all networks of the process.
#pragma once

#include <cstddef>
#include <mutex>
#include <vector>

#include "runtimes/cpu/memory.hpp"

namespace medlsam::cpu {

// There is an arena for each call that runs, whichever network it runs, and as many stay for the next calls
// as ran at once lately: networks that are used in turn share their memory. They are as large as the largest
// plan that a call met, and go with the last network.
class Arenas {
 public:
  // A network that exists.
  class User {
   public:
    explicit User(Arenas& arenas);
    ~User();
    User(const User&) = delete;
    User& operator=(const User&) = delete;

   private:
    Arenas& arenas_;
  };

  // A call that runs, and its arena.
  class Call {
   public:
    Call(Arenas& arenas, std::size_t bytes) : arenas_(arenas), block_(arenas.begin(bytes)) {}
    ~Call() { arenas_.end(std::move(block_)); }
    Call(const Call&) = delete;
    Call& operator=(const Call&) = delete;

    std::byte* data() const { return block_.data(); }

   private:
    Arenas& arenas_;
    Block block_;
  };

  std::size_t at_once() const;  // calls at once lately, this one included
  std::size_t idle() const;

 private:
  Block begin(std::size_t bytes);
  void end(Block block);
  std::size_t kept() const { return users_ == 0 ? 0 : most_ > most_now_ ? most_ : most_now_; }

  mutable std::mutex mutex_;
  std::vector<Block> idle_;  // by size
  std::size_t users_ = 0, running_ = 0;
  // The most calls at once in the last window of calls, and so far in this one.
  std::size_t most_ = 1, most_now_ = 1, calls_ = 0;
};

Arenas& arenas();  // the process's

}  // namespace medlsam::cpu
