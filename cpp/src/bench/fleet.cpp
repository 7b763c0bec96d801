#include "apportion/bench/fleet.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "apportion/base/hash.hpp"

namespace apportion {
namespace {

constexpr std::size_t kInstancesPerCall = 10'000;
constexpr std::size_t kTries = 3;
/// A small request asks for this part of a small machine.
constexpr Steps kSmallPart = 8;

Node fleet_document() {
  Node::Map dimensions;
  for (const std::string_view name : kFleetNames) dimensions.emplace_back(name, Node::Map{});
  const Node machine(Node::Map{{"dimensions", std::move(dimensions)}, {"policy", "closest_capacity"}});
  return Node::Map{{"types", Node::Map{{"machine", machine}}},
                   {"policies", Node::Map{{"expression", Node::Map{{"score", kFleetScore}}}}}};
}

void check(const Status& status) {
  if (status.has_error()) throw ErrorException(status.error());
}

// 1, 2 or 4, a third each, shuffled.
std::vector<Steps> flavours(std::size_t count, BenchRandom& random) {
  std::vector<Steps> all(count);
  for (std::size_t i = 0; i < count; ++i) all[i] = Steps{1} << (i % 3);
  for (std::size_t i = count; i > 1; --i) std::swap(all[i - 1], all[random.below(i)]);
  return all;
}

InstanceSpec machine(std::size_t number, Steps flavour) {
  InstanceSpec spec;
  spec.id = "m" + std::to_string(number);
  spec.type = "machine";
  for (std::size_t d = 0; d < kFleetDimensions; ++d)
    spec.capacity.emplace_back(kFleetNames[d], Decimal(kSmallMachine[d] * flavour));
  return spec;
}

FleetColumns add_machines(Pool& pool, std::size_t count, BenchRandom& random) {
  FleetColumns columns;
  std::vector<InstanceSpec> specs;
  const std::vector<Steps> sizes = flavours(count, random);
  for (std::size_t i = 0; i < count; ++i) {
    specs.push_back(machine(i, sizes[i]));
    for (std::size_t d = 0; d < kFleetDimensions; ++d) columns.limit[d].push_back(kSmallMachine[d] * sizes[i]);
    if (specs.size() < kInstancesPerCall && i + 1 < count) continue;
    check(pool.add_many(specs));
    specs.clear();
  }
  for (auto& used : columns.used) used.resize(count);
  return columns;
}

std::vector<FleetAmounts> make_shapes(std::size_t count, BenchRandom& random) {
  std::vector<FleetAmounts> shapes(count);
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t d = 0; d < kFleetDimensions; ++d) {
      const auto per_mille = static_cast<Steps>(900 + random.below(501));
      shapes[i][d] = (kSmallMachine[d] << (i % 3)) * per_mille / (1000 * kSmallPart);
    }
  }
  return shapes;
}

/// Fills a fleet until the share is reached; see Fleet.
class Filling {
 public:
  Filling(Fleet& fleet, const FleetOptions& options, BenchRandom& random)
      : fleet_(fleet), options_(options), random_(random) {
    for (std::size_t d = 0; d < kFleetDimensions; ++d)
      for (const Steps limit : fleet.columns.limit[d]) goal_[d] += static_cast<double>(limit) * options.fill;
  }

  void run() {
    std::vector<std::uint32_t> order(fleet_.columns.rows());
    std::iota(order.begin(), order.end(), 0U);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random_.below(i)]);
    for (const std::uint32_t row : order) {
      for (std::size_t failures = 0; failures < kTries && !full_;) failures = place(row) ? 0 : failures + 1;
    }
  }

 private:
  bool place(std::uint32_t row) {
    const std::size_t shape = random_.below(fleet_.shapes.size());
    const FleetAmounts& amounts = fleet_.shapes[shape];
    if (!fleet_.columns.fits(row, amounts)) return false;
    Request& request = fleet_.requests[shape];
    request.consumer = fleet_.consumers[random_.below(fleet_.consumers.size())];
    if (options_.keys) request.key = "fill-" + std::to_string(fleet_.live.size());
    Result<Outcome> outcome = fleet_.pool->place("m" + std::to_string(row), request);
    request.key.clear();
    fleet_.live.push_back(std::get<Grant>(outcome.value()).claims.front().claim);
    for (std::size_t d = 0; d < kFleetDimensions; ++d) {
      fleet_.columns.used[d][row] += amounts[d];
      taken_[d] += static_cast<double>(amounts[d]);
      full_ = full_ || taken_[d] >= goal_[d];
    }
    return true;
  }

  Fleet& fleet_;
  const FleetOptions& options_;
  BenchRandom& random_;
  std::array<double, kFleetDimensions> goal_{};
  std::array<double, kFleetDimensions> taken_{};
  bool full_ = false;
};

}  // namespace

const std::string_view kFleetScore =
    "free.mem_mb * 0.00001 + free.millicores * 0.0001 + (free.disk_gb - request.disk_gb) * 0.001"
    " + (free.net_mbit - request.net_mbit) * 0.0002 + max(used.disk_gb, used.net_mbit) * 0.0001"
    " - (used.millicores + request.millicores) / limit.millicores * 0.5"
    " - (used.mem_mb + request.mem_mb) / limit.mem_mb * 0.25";

std::uint64_t BenchRandom::next() {
  state_ += 0x9e3779b97f4a7c15ULL;
  return mix64(state_);
}

std::size_t BenchRandom::below(std::size_t n) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::size_t>(static_cast<Wide>(next()) * n >> 64);
}

bool FleetColumns::fits(std::size_t row, const FleetAmounts& amounts) const {
  for (std::size_t d = 0; d < kFleetDimensions; ++d) {
    if (used[d][row] + amounts[d] > limit[d][row]) return false;
  }
  return true;
}

std::vector<std::uint32_t> FleetColumns::fitting(const FleetAmounts& amounts) const {
  std::vector<std::uint32_t> found;
  for (std::uint32_t row = 0; row < rows(); ++row) {
    if (fits(row, amounts)) found.push_back(row);
  }
  return found;
}

Request fleet_request(const FleetAmounts& amounts) {
  Request request;
  request.type = "machine";
  for (std::size_t d = 0; d < kFleetDimensions; ++d) request.amounts.emplace_back(kFleetNames[d], Decimal(amounts[d]));
  return request;
}

Fleet Fleet::make(const FleetOptions& options) {
  BenchRandom random(options.seed);
  Fleet fleet;
  fleet.pool = std::make_shared<Pool>(options.pool);
  std::vector<Problem> problems;
  check(fleet.pool->apply(fleet_document(), problems));
  fleet.columns = add_machines(*fleet.pool, options.instances, random);
  fleet.shapes = make_shapes(options.shapes, random);
  for (const FleetAmounts& amounts : fleet.shapes) fleet.requests.push_back(fleet_request(amounts));
  for (std::size_t i = 0; i < std::max<std::size_t>(options.instances, 1); ++i)
    fleet.consumers.push_back("c" + std::to_string(i));
  if (options.fill > 0) Filling(fleet, options, random).run();
  return fleet;
}

double Fleet::fitting_share() const {
  std::size_t fitting = 0;
  for (const FleetAmounts& amounts : shapes) fitting += columns.fitting(amounts).size();
  return static_cast<double>(fitting) / static_cast<double>(columns.rows() * shapes.size());
}

std::array<double, kFleetDimensions> Fleet::used_share() const {
  const auto total = [](const std::vector<Steps>& column) {
    return static_cast<double>(std::accumulate(column.begin(), column.end(), Steps{0}));
  };
  std::array<double, kFleetDimensions> shares{};
  for (std::size_t d = 0; d < kFleetDimensions; ++d) shares[d] = total(columns.used[d]) / total(columns.limit[d]);
  return shares;
}

Request refused(const Fleet& fleet, Pool& fork) {
  constexpr std::size_t kOffline = 20, kSpare = 5, kMovable = 200;
  std::vector<InstanceSpec> spare;
  for (std::size_t row = 0, closed = 0; row < fleet.columns.rows() && closed < kOffline + kSpare; ++row) {
    if (fleet.columns.used[0][row] > 0) continue;
    InstanceSpec spec;
    spec.id = "m" + std::to_string(row);
    spec.state = {{"status", Node("offline")}};
    check(fork.change(spec));
    if (closed++ % 5 == 0) spare.push_back(spec);
  }
  const auto part = [](Steps numerator, Steps denominator) {
    FleetAmounts amounts = kSmallMachine;
    for (Steps& steps : amounts) steps = steps * numerator / denominator;
    return fleet_request(amounts);
  };
  Request filling = part(1, 2);
  const auto granted = [&](Request& request, std::size_t i) {
    request.consumer = "r" + std::to_string(i);
    request.ends = i % 3 == 0 ? fork.now() + static_cast<Time>(i + 3600) * kSecond : kForever;
    return std::holds_alternative<Grant>(fork.allocate(request).value());
  };
  for (std::size_t i = 0; granted(filling, i); ++i) continue;
  Request movable = part(1, 4);
  for (std::size_t i = 0; i < kMovable && granted(movable, i); ++i) continue;
  for (InstanceSpec& spec : spare) {
    spec.state = {{"status", Node("online")}};
    spec.location = "spare";
    check(fork.change(spec));
  }
  Request request = part(5, 8);
  request.consumer = "asker";
  request.where = "self.ordinal > 0 && !has(self.location)";
  return request;
}

Churn::Churn(const Fleet& fleet, std::shared_ptr<Pool> pool, std::uint64_t seed)
    : consumers_(fleet.consumers),
      pool_(std::move(pool)),
      requests_(fleet.requests),
      live_(fleet.live),
      random_(seed),
      ending_(1) {
  for (Next& next : upcoming_) next = choose();
}

Churn::Next Churn::choose() {
  const Next next{random_.below(consumers_.size()), random_.below(live_.size())};
  __builtin_prefetch(&consumers_[next.consumer]);
  __builtin_prefetch(&live_[next.ending], 1);
  return next;
}

void Churn::use(std::string_view policy) {
  for (Request& request : requests_) request.policy = policy;
}

void Churn::pair(Request& request) {
  const Next now = std::exchange(upcoming_[++pairs_ % kAhead], choose());
  request.consumer = consumers_[now.consumer];
  if (keys_) request.key = "pair-" + std::to_string(pairs_);
  const Result<Outcome> outcome = pool_->allocate(request);
  const Grant* grant = std::get_if<Grant>(&outcome.value());
  if (grant == nullptr) {
    ++denied_;
    return;
  }
  ClaimId& ending = live_[now.ending];
  ending_[0] = ending;
  ending = grant->claims.front().claim;
  check(pool_->release(ending_));
}

}  // namespace apportion
