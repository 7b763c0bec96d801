// The small pool that the targets of the journal start from: everything that a state can hold, little of each.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apportion/allocator/pool.hpp"

namespace apportion {

inline void require(bool truth) {
  if (!truth) std::abort();
}

inline Node map_of(std::initializer_list<Node::Member> members) { return Node::Map(members); }

inline Node definitions() {
  const Node gb = map_of({{"step", Decimal::parse("0.5").value()}});
  const Node disk =
      map_of({{"dimensions", map_of({{"gb", gb}, {"iops", map_of({})}})},
              {"fields", map_of({{"name", map_of({{"kind", "string"}})}, {"tags", map_of({{"kind", "list"}})}})},
              {"policy", "round"},
              {"max_consumers", std::int64_t{3}}});
  return map_of({{"types", map_of({{"disk", disk}, {"seat", map_of({})}})},
                 {"policies", map_of({{"round", map_of({{"ties", "rotating"}, {"score", "self.consumers"}})}})},
                 {"consumer_kinds",
                  map_of({{"user", map_of({{"attributes", map_of({{"team", map_of({{"kind", "string"}})}})}})}})},
                 {"relationships", map_of({{"twin", map_of({{"from", "disk"}, {"to", "disk"}})}})}});
}

inline InstanceSpec small_instance(const std::string& id, const std::string& type) {
  InstanceSpec spec;
  spec.id = id;
  spec.type = type;
  spec.location = "zone";
  spec.groups = std::vector<std::string>{"g"};
  spec.labels = NamedText{{"k", "v"}};
  if (type == "seat") return spec;
  spec.capacity = {{"gb", Decimal(10)}, {"iops", Decimal(10)}};
  spec.fields = {{"name", Node("n")}, {"tags", Node(Node::List{Node("x"), Node("y")})}};
  return spec;
}

inline Request small_request(const std::string& consumer, std::uint32_t count) {
  Request request;
  request.type = "disk";
  request.consumer = consumer;
  request.count = count;
  request.amounts = {{"gb", Decimal(1)}};
  return request;
}

/// Instances with a free row, a parent and a relationship; claims of one and of several instances, marks, a freed slot;
/// explicit and implicit consumers; a key and a cursor.
inline std::shared_ptr<Pool> small_pool() {
  auto pool = std::make_shared<Pool>(PoolOptions{0, std::size_t{1} << 20, Time{10}});
  std::vector<Problem> problems;
  require(pool->apply(definitions(), problems).has_value());
  std::vector<InstanceSpec> specs{small_instance("d1", "disk"), small_instance("d2", "disk"),
                                  small_instance("d3", "disk"), small_instance("s1", "seat")};
  specs[1].parent = "d1";
  specs[1].relationships = {{"twin", {"d1"}}};
  require(pool->add_many(specs).has_value());
  require(pool->remove("d3").has_value());
  require(pool->add_consumer({"alice", "user", {{"team", Node("red")}}}).has_value());
  const auto granted = [&](const Request& request) { return std::get<Grant>(pool->allocate(request).value()); };
  const Grant gone = granted(small_request("bob", 1));
  Request keyed = small_request("alice", 2);
  keyed.key = "k";
  granted(keyed);
  Request mark = small_request("carol", 1);
  mark.mark = true;
  mark.expires = 1000;
  granted(mark);
  Request seat = small_request("alice", 1);
  seat.type = "seat";
  seat.amounts.clear();
  seat.ends = 2000;
  granted(seat);
  require(pool->release({gone.claims[0].claim}).has_value());
  return pool;
}

inline std::unique_ptr<State> four_sections() {
  auto state = std::make_unique<State>(0);
  state->add(kSymbolsArea, std::make_unique<Symbols>());
  state->add(kCatalogArea, std::make_unique<Catalog>());
  state->add(kInventoryArea, std::make_unique<Inventory>());
  state->add(kLedgerArea, std::make_unique<Ledger>());
  state->link_all();
  return state;
}

/// `--seeds=FOLDER` writes the target's first inputs there and ends; this is how the kept corpus was begun.
inline void write_seeds(int argc, char** argv, const std::vector<std::pair<std::string, std::string>>& seeds) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument(argv[i]);
    if (!argument.starts_with("--seeds=")) continue;
    for (const auto& [name, bytes] : seeds) {
      std::ofstream(std::filesystem::path(argument.substr(8)) / name, std::ios::binary) << bytes;
    }
    std::exit(0);
  }
}

}  // namespace apportion
