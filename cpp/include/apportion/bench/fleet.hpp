// The machines and requests that everything is measured with: made from a seed, the same on every machine.
//
// Machines come in three flavours, a third each, in the ratio 1 : 2 : 4 in every dimension:
//
//             millicores   mem_mb  disk_gb  net_mbit
//     small       16,000   65,536    1,000     4,000
//     medium      32,000  131,072    2,000     8,000
//     large       64,000  262,144    4,000    16,000
//
// The shapes of requests come in thirds too. A small one asks for an eighth of a small machine, a medium one for a
// quarter, a large one for half; each dimension of each shape is multiplied by a number of its own between 0.9 and 1.4,
// so that no two shapes are equal and no dimension is scarce everywhere.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/allocator/pool.hpp"

namespace apportion {

/// A counter through the mix hash: the same numbers with every standard library.
class BenchRandom {
 public:
  explicit BenchRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next();
  /// Uniform in [0, n), by multiplication: a bias of n / 2^64. REQUIRES: n > 0.
  std::size_t below(std::size_t n);

 private:
  std::uint64_t state_;
};

inline constexpr std::size_t kFleetDimensions = 4;
inline constexpr std::array<std::string_view, kFleetDimensions> kFleetNames{"millicores", "mem_mb", "disk_gb",
                                                                            "net_mbit"};
/// Units of a small machine.
inline constexpr std::array<Steps, kFleetDimensions> kSmallMachine{16'000, 65'536, 1'000, 4'000};
/// A user's score of 20 operations: 6 +, 4 -, 7 *, 2 /, 1 max; low where little is left. The catalogue of a fleet has
/// it as policy `expression`.
extern const std::string_view kFleetScore;

using FleetAmounts = std::array<Steps, kFleetDimensions>;

struct FleetOptions {
  std::size_t instances = 1000;
  std::size_t shapes = 16;
  std::uint64_t seed = 1;
  double fill = 0.85;  ///< share of the limit that is used, in the scarcest dimension
  bool keys = false;   ///< every claim of the filling has an idempotency key
  PoolOptions pool;
};

/// What the machines offer and what the filling took, in bare columns: for yardsticks and for the fitting share.
struct FleetColumns {
  std::array<std::vector<Steps>, kFleetDimensions> limit;
  std::array<std::vector<Steps>, kFleetDimensions> used;

  [[nodiscard]] std::size_t rows() const { return limit[0].size(); }
  [[nodiscard]] bool fits(std::size_t row, const FleetAmounts& amounts) const;
  /// Rows on which these amounts fit.
  [[nodiscard]] std::vector<std::uint32_t> fitting(const FleetAmounts& amounts) const;
};

/// A filled pool of type `machine`, its shapes and its live claims.
///
/// Filled as a packing policy leaves it: machines in random order each take random shapes until three in a row do not
/// fit, and when the share is reached the rest stay empty. Thread-compatible.
struct Fleet {
  std::shared_ptr<Pool> pool;
  std::vector<FleetAmounts> shapes;
  std::vector<Request> requests;  ///< one per shape, without policy; the consumer is the caller's to set
  std::vector<std::string> consumers;
  std::vector<ClaimId> live;
  FleetColumns columns;

  /// Throws ErrorException when the pool refuses something: then this code is wrong.
  static Fleet make(const FleetOptions& options);

  /// The mean over the shapes of the share of machines that one fits on, as filled.
  [[nodiscard]] double fitting_share() const;
  /// The share used of each dimension's limit, as filled.
  [[nodiscard]] std::array<double, kFleetDimensions> used_share() const;
};

/// The request for these amounts.
Request fleet_request(const FleetAmounts& amounts);

/// Fills what is left of a fork of the fleet's pool, until no machine has half a small one free, and gives a request
/// for five eighths of one. Of the machines that were empty up to 20 are offline and up to 5 left out by the
/// request's filter; every third claim of this filling ends some day, and the last ones are small enough to move.
Request refused(const Fleet& fleet, Pool& fork);

/// Pairs on a pool: allocate one, release a uniformly random live claim, never the one just granted.
class Churn {
 public:
  /// Goes on from the filling of `fleet`, on `pool`: the fleet's own or a fork. REQUIRES: `fleet` outlives it and has
  /// live claims.
  Churn(const Fleet& fleet, std::shared_ptr<Pool> pool, std::uint64_t seed);

  /// A pair with this request under a random consumer's name. When it is denied nothing is released, so that the pool
  /// stays as full as it is.
  void pair(Request& request);
  /// A pair with one of the fleet's shapes, chosen at random.
  void pair() { pair(requests_[random_.below(requests_.size())]); }

  /// All requests of `pair()` name this policy.
  void use(std::string_view policy);
  /// All requests carry a fresh idempotency key each.
  void use_keys() { keys_ = true; }

  [[nodiscard]] Pool& pool() const { return *pool_; }
  [[nodiscard]] BenchRandom& random() { return random_; }
  [[nodiscard]] std::uint64_t pairs() const { return pairs_; }
  [[nodiscard]] std::uint64_t denied() const { return denied_; }

 private:
  // Who asks in a pair to come, and which claim ends: chosen ahead, so that reading a random name or number of this
  // driver's own does not count as a part of the pair.
  struct Next {
    std::size_t consumer = 0;
    std::size_t ending = 0;
  };
  static constexpr std::size_t kAhead = 16;
  Next choose();

  const std::vector<std::string>& consumers_;
  std::shared_ptr<Pool> pool_;
  std::vector<Request> requests_;
  std::vector<ClaimId> live_;
  BenchRandom random_;
  std::array<Next, kAhead> upcoming_;
  std::vector<ClaimId> ending_;  // the one to release: kept, so that a pair makes no vector of its own
  bool keys_ = false;
  std::uint64_t pairs_ = 0;
  std::uint64_t denied_ = 0;
};

}  // namespace apportion
