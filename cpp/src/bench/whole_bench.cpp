#include "whole_bench.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/allocator/pool.hpp"
#include "apportion/base/hash.hpp"
#include "apportion/base/json.hpp"
#include "apportion/bench/fleet.hpp"
#include "apportion/bench/timing.hpp"

namespace apportion {
namespace {

constexpr std::size_t kFewestPairs = 30;

std::shared_ptr<Pool> pool_of(std::string_view document) {
  PoolOptions options;
  options.clock = Time{0};
  auto pool = std::make_shared<Pool>(options);
  std::vector<Problem> problems;
  pool->apply(from_json(document).value(), problems).value();
  return pool;
}

InstanceSpec spec(const std::string& type, std::size_t number) {
  InstanceSpec spec;
  spec.id = type + std::to_string(number);
  spec.type = type;
  return spec;
}

Request request_for(const std::string& type, std::size_t consumer, NamedDecimals amounts) {
  Request request;
  request.type = type;
  request.consumer = "c" + std::to_string(consumer);
  request.amounts = std::move(amounts);
  return request;
}

std::string rate_note(const PairTimes& pairs, std::uint64_t denied, const std::string& what) {
  return what + ", " + std::to_string(100 * denied / pairs.pairs) + " % denied";
}

constexpr std::string_view kOffice = R"({
  "types": {
    "disk": {"dimensions": {"gb": {}, "iops": {}}, "fields": {"zone": {"kind": "string"}}, "policy": "closest_capacity"},
    "host": {"dimensions": {"cores": {}, "ram": {}}, "fields": {"zone": {"kind": "string"}}, "policy": "least_utilised"},
    "line": {"dimensions": {"mbit": {}}, "policy": "first"},
    "licence": {"dimensions": {"seats": {}}, "policy": "first"},
    "mail": {"dimensions": {"gb": {}}, "needs": [
      {"type": "disk", "as": "primary", "gb": "request.gb", "iops": 10, "different": "zone"},
      {"type": "disk", "as": "backup", "gb": "2 * request.gb", "iops": 1, "different": "zone"},
      {"type": "host", "cores": 1, "ram": "request.gb / 2"},
      {"type": "licence", "seats": 1}]},
    "web": {"dimensions": {"gb": {}}, "needs": [
      {"type": "host", "cores": 2, "ram": "request.gb"},
      {"type": "disk", "as": "content", "gb": "request.gb", "iops": 5, "require": "self.zone == host.zone"},
      {"type": "line", "mbit": 10}]},
    "records": {"dimensions": {"gb": {}}, "needs": [
      {"type": "host", "cores": 4, "ram": "2 * request.gb"},
      {"type": "disk", "as": "data", "gb": "4 * request.gb", "iops": 20},
      {"type": "disk", "as": "log", "gb": "request.gb", "iops": 20, "require": "self.id != data.id"}]},
    "office": {"dimensions": {"gb": {}}, "needs": [
      {"type": "mail", "gb": "request.gb"}, {"type": "web", "gb": "request.gb"},
      {"type": "records", "gb": "request.gb"}]}}})";

// Four disks and three hosts in ten, two lines, a licence; each a few times as large as what one tree takes of it.
std::shared_ptr<Pool> office_site(std::size_t instances) {
  std::shared_ptr<Pool> pool = pool_of(kOffice);
  BenchRandom random(5);
  for (std::size_t i = 0; i < instances; ++i) {
    const std::size_t kind = i % 10;
    InstanceSpec each = spec(kind < 4 ? "disk" : kind < 7 ? "host" : kind < 9 ? "line" : "licence", i);
    const auto some = [&](std::size_t from, std::size_t more) {
      return Decimal(static_cast<std::int64_t>(from + random.below(more)));
    };
    if (kind < 7) each.fields = {{"zone", Node("z" + std::to_string(random.below(10)))}};
    if (kind < 4) each.capacity = {{"gb", some(200, 800)}, {"iops", some(500, 500)}};
    if (kind >= 4 && kind < 7) each.capacity = {{"cores", some(32, 96)}, {"ram", some(64, 192)}};
    if (kind == 7 || kind == 8) each.capacity = {{"mbit", some(100, 900)}};
    if (kind == 9) each.capacity = {{"seats", some(20, 100)}};
    pool->add(each).value();
  }
  return pool;
}

constexpr std::string_view kHosts = R"({
  "types": {
    "zone": {"dimensions": {}}, "rack": {"dimensions": {}},
    "host": {"dimensions": {"cores": {}}, "policy": "least_utilised"}},
  "affinities": {
    "apart": {"types": ["host"], "alike": ["labels.app"], "at_most": 1},
    "few_in_a_rack": {"types": ["host"], "alike": ["labels.app"], "per": "rack", "at_most": 3},
    "spread": {"types": ["host"], "alike": ["labels.app"], "per": "zone", "skew": 2}}})";

std::shared_ptr<Pool> racks(std::size_t hosts) {
  constexpr std::size_t kZones = 10;
  constexpr std::size_t kHostsInARack = 20;
  std::shared_ptr<Pool> pool = pool_of(kHosts);
  for (std::size_t i = 0; i < kZones; ++i) pool->add(spec("zone", i)).value();
  for (std::size_t i = 0; i < hosts / kHostsInARack; ++i) {
    InstanceSpec rack = spec("rack", i);
    rack.parent = "zone" + std::to_string(i % kZones);
    pool->add(rack).value();
  }
  for (std::size_t i = 0; i < hosts; ++i) {
    InstanceSpec host = spec("host", i);
    host.parent = "rack" + std::to_string(i % (hosts / kHostsInARack));
    host.capacity = {{"cores", Decimal(32)}};
    pool->add(host).value();
  }
  return pool;
}

using Live = std::vector<std::pair<Request, ClaimId>>;

/// A pool, and who holds it.
struct Site {
  Pool& pool;
  Live& live;
};

// One random claim goes, and another of the same request comes.
PairTimes exchange(const Site& site, double seconds, std::uint64_t& denied) {
  BenchRandom random(11);
  Live& live = site.live;
  return time_pairs(seconds, kFewestPairs, [&] {
    const std::size_t at = random.below(live.size());
    auto& [request, claim] = live[at];
    site.pool.release({claim}).value();
    const Outcome outcome = site.pool.allocate(request).value();
    if (const Grant* grant = std::get_if<Grant>(&outcome)) {
      claim = grant->claims.front().claim;
    } else {
      ++denied;
      live[at] = live.back();
      live.pop_back();
    }
  });
}

BenchRow compared(const Site& site, const Site& bare, double seconds, const std::string& what) {
  std::uint64_t denied = 0, denied_bare = 0;
  const PairTimes pairs = exchange(site, seconds, denied);
  const PairTimes least = exchange(bare, seconds / 2, denied_bare);
  const std::string note = rate_note(pairs, denied, what + ", " + std::to_string(site.live.size()) + " claims");
  return {{}, 1 / pairs.seconds, "pairs/s", 1 / least.seconds, 0, {}, note};
}

Live fill(Pool& pool, std::size_t claims, const auto& request_of) {
  Live live;
  for (std::size_t i = 0; i < claims; ++i) {
    const Request request = request_of(i);
    const Outcome outcome = pool.allocate(request).value();
    if (const Grant* grant = std::get_if<Grant>(&outcome)) live.emplace_back(request, grant->claims.front().claim);
  }
  return live;
}

}  // namespace

BenchRow bench_trees(double seconds, std::size_t instances) {
  const std::shared_ptr<Pool> pool = office_site(instances);
  BenchRandom random(7);
  const auto tree = [&] {
    const auto gb = static_cast<std::int64_t>(5 * (1 + random.below(4)));
    return request_for("office", random.below(1000), {{"gb", Decimal(gb)}});
  };
  std::vector<std::vector<ClaimId>> live;
  const auto take = [&](const Request& request) {
    const Outcome outcome = pool->allocate(request).value();
    const Grant* const grant = std::get_if<Grant>(&outcome);
    if (grant == nullptr) return false;
    std::vector<ClaimId> claims;
    for (const GrantedClaim& claim : grant->claims) claims.push_back(claim.claim);
    live.push_back(std::move(claims));
    return true;
  };
  for (std::size_t i = 0; i < instances / 10; ++i) take(tree());
  std::uint64_t denied = 0;
  const PairTimes pairs = time_pairs(seconds, kFewestPairs, [&] {
    const std::size_t at = random.below(live.size());
    pool->release(live[at]).value();
    live[at] = std::move(live.back());
    live.pop_back();
    denied += take(tree()) ? 0 : 1;
  });
  // The ten leaves, each a request of its own.
  const std::vector<Request> leaves{request_for("disk", 1, {{"gb", Decimal(10)}, {"iops", Decimal(10)}}),
                                    request_for("disk", 1, {{"gb", Decimal(20)}, {"iops", Decimal(1)}}),
                                    request_for("host", 1, {{"cores", Decimal(1)}, {"ram", Decimal(5)}}),
                                    request_for("licence", 1, {{"seats", Decimal(1)}}),
                                    request_for("host", 1, {{"cores", Decimal(2)}, {"ram", Decimal(10)}}),
                                    request_for("disk", 1, {{"gb", Decimal(10)}, {"iops", Decimal(5)}}),
                                    request_for("line", 1, {{"mbit", Decimal(10)}}),
                                    request_for("host", 1, {{"cores", Decimal(4)}, {"ram", Decimal(20)}}),
                                    request_for("disk", 1, {{"gb", Decimal(40)}, {"iops", Decimal(20)}}),
                                    request_for("disk", 1, {{"gb", Decimal(10)}, {"iops", Decimal(20)}})};
  const PairTimes single = time_pairs(seconds / 2, kFewestPairs, [&] {
    std::vector<ClaimId> claims;
    for (const Request& leaf : leaves)
      claims.push_back(std::get<Grant>(pool->allocate(leaf).value()).claims.front().claim);
    pool->release(claims).value();
  });
  return {
      "trees.10leaves",
      1 / pairs.seconds,
      "pairs/s",
      1 / single.seconds,
      0,
      "its ten leaves, asked for one by one",
      rate_note(pairs, denied, std::to_string(instances) + " instances, " + std::to_string(live.size()) + " trees")};
}

BenchRow bench_affinities(double seconds, std::size_t instances) {
  const std::shared_ptr<Pool> pool = racks(instances);
  const std::size_t claims = instances * 10;
  const auto plain = [&](std::size_t i) {
    return request_for("host", i % 1000, {{"cores", Decimal(static_cast<std::int64_t>(1 + i % 3))}});
  };
  const auto labelled = [&](std::size_t i) {
    Request request = plain(i);
    request.labels = {{"app", "a" + std::to_string(i % (claims / 10))}};
    return request;
  };
  const auto other = racks(instances);
  auto live = fill(*pool, claims, labelled);
  auto live_plain = fill(*other, claims, plain);
  BenchRow row = compared({*pool, live}, {*other, live_plain}, seconds,
                          std::to_string(instances) + " hosts, apart, spread, at most three a rack");
  row.name = "pairs.affinities";
  row.against = "the same requests without labels";
  return row;
}

BenchRow bench_holdings(double seconds, std::size_t instances) {
  const auto site = [&](const char* most) {
    const std::shared_ptr<Pool> pool = pool_of(
        std::string(R"({"types": {"share": {"dimensions": {"gb": {}}, "policy": "closest_capacity")") + most + "}}}");
    for (std::size_t i = 0; i < instances; ++i) {
      InstanceSpec each = spec("share", i);
      each.capacity = {{"gb", Decimal(static_cast<std::int64_t>(200 + 10 * (i % 40)))}};
      pool->add(each).value();
    }
    return pool;
  };
  const auto request = [&](std::size_t i) {
    return request_for("share", mix64(i) % (instances / 2), {{"gb", Decimal(static_cast<std::int64_t>(5 + i % 16))}});
  };
  const std::shared_ptr<Pool> ruled = site(R"(, "max_consumers": 3)");
  const std::shared_ptr<Pool> open = site("");
  auto live = fill(*ruled, instances * 5, request);
  auto live_open = fill(*open, instances * 5, request);
  BenchRow row = compared({*ruled, live}, {*open, live_open}, seconds,
                          std::to_string(instances) + " instances for three consumers each");
  row.name = "pairs.holdings";
  row.against = "instances for any number of consumers";
  return row;
}

}  // namespace apportion
