// A pool with everything on, and a client that does one random thing after the other with it: for the laws.
#pragma once

#include <algorithm>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "allocator/builders.hpp"
#include "support/random_steps.hpp"

namespace apportion {

inline constexpr const char* kEverything = R"({
  'types': {
    'disk': {'dimensions': {'gb': {'step': 0.001}, 'iops': {}}, 'policy': 'closest_capacity', 'max_consumers': 3,
             'fields': {'tier': {'kind': 'string'}, 'slots': {'kind': 'integer', 'default': 4}},
             'state': {'health': {'kind': 'enum', 'values': ['ok', 'worn'], 'default': 'ok', 'allow': ['ok']}}},
    'node': {'dimensions': {'cpu': {'step': 0.5}, 'ram': {'step': '1/3'}, 'gpu': {}}, 'policy': 'calm'},
    'card': {'dimensions': {'gpu': {}}, 'policy': 'first'},
    'seat': {'dimensions': {}, 'max_consumers': 2, 'policy': 'round'},
    'line': {'dimensions': {'mbit': {}}, 'policy': 'calm',
             'deferrable': {'patience_s': 0.00000006, 'held_s': 0.00000001}},
    'call': {'dimensions': {'gb': {}}, 'needs': [
      {'type': 'disk', 'as': 'store', 'gb': 'request.gb'},
      {'type': 'line', 'as': 'up', 'mbit': 5},
      {'type': 'line', 'as': 'down', 'mbit': '4', 'count': 2, 'require': 'self.location != up.location'}]}},
  'policies': {
    'calm': {'score': 'group(self.location).load + mean(used / limit)', 'quantum': 0.1, 'ties': 'rotating'},
    'round': {'ties': 'rotating'},
    'dice': {'score': 'self.consumers', 'ties': 'seeded', 'seed': 7},
    'late': {'score': 'sqrt(1 - now * 1000000)', 'ties': 'highest_id'},
    'soon': {'where': 'now * 1000000000 % 3 != self.claims', 'score': 'used.gb - now'},
    'fast': {'where': 'consumer.speed > 1 || self.claims < 2', 'score': 'self.ordinal - 2 * self.claims', 'order': 'max',
             'ties': 'highest_id'}},
  'consumer_kinds': {'user': {'attributes': {'speed': {'kind': 'number'}, 'team': {'kind': 'string'}}}},
  'relationships': {'near': {'from': 'disk', 'to': 'node', 'many': true}}})";

/// Draws what to do from a generator of its own, so that two equal clients on equal pools do the same. `step` gives
/// everything that the pool answered, as one line.
class Client {
 public:
  using Random = std::mt19937_64;

  /// `variety`: so many different amounts a dimension; 0: any.
  explicit Client(std::shared_ptr<Pool> pool, std::uint64_t seed, std::uint64_t variety = 0)
      : pool_(std::move(pool)), random_(seed), variety_(variety) {}

  [[nodiscard]] Pool& pool() const { return *pool_; }
  /// Called with each request that is denied by itself; must leave the pool as it is.
  std::function<void(const Request&)> on_denial;
  /// The same client, on another pool in the same state.
  [[nodiscard]] Client on(std::shared_ptr<Pool> pool) const {
    Client copy = *this;
    copy.pool_ = std::move(pool);
    return copy;
  }
  /// Instances whose limit was lowered: the only ones that may be over.
  [[nodiscard]] const std::set<std::string>& lowered() const { return lowered_; }
  /// Whether the last step may have changed the state: not so for denials and errors.
  [[nodiscard]] bool succeeded() const { return succeeded_; }

  std::string step() {
    succeeded_ = true;
    const std::uint64_t what = random_() % 100;
    if (what < 34) return allocate();
    if (what < 52) return release();
    if (what < 57) return commit();
    if (what < 63) return resize();
    if (what < 66) return transfer();
    if (what < 69) return move();
    if (what < 71) return tick();
    if (what < 77) return allocate_all();
    if (what < 80) return allocate_many();
    if (what < 84) return add();
    if (what < 90) return change();
    if (what < 92) return remove();
    if (what < 96) return consumer();
    if (what < 97) return define();
    if (what < 98) return one_in(2) ? maintain() : migrate();
    return bad();
  }

 private:
  static std::string text(ClaimId claim) { return std::to_string(claim.slot) + "." + std::to_string(claim.generation); }
  template <class T>
  const T& any(const std::vector<T>& items) {
    return items[random_() % items.size()];
  }
  bool one_in(std::uint64_t n) { return random_() % n == 0; }
  Decimal amount(std::uint64_t most, int digits) {
    return Decimal::from_parts(static_cast<std::int64_t>(random_() % most), -digits).value();
  }
  std::string failed(const Error& error) {
    succeeded_ = false;
    return "error " + error.text();
  }
  std::string answer(const Status& status, std::string done) {
    return status.has_error() ? failed(status.error()) : done;
  }
  std::string denied(const Denial& denial) {
    succeeded_ = false;
    return "denied " + denial.message;
  }
  std::string granted(const Grant& grant) {
    std::string line = "granted";
    for (const std::string& id : instances_of(*pool_, grant)) line += " " + id;
    for (const GrantedClaim& claim : grant.claims) {
      claims_.push_back(claim.claim);
      line += " " + text(claim.claim);
    }
    return line;
  }

  std::string consumer_name() { return "c" + std::to_string(random_() % 12); }

  // Of what a request asks.
  Decimal asked(std::uint64_t most, int digits) {
    const std::uint64_t steps = variety_ == 0 ? 1 : std::max<std::uint64_t>(1, most / variety_);
    return Decimal::from_parts(static_cast<std::int64_t>(random_() % most / steps * steps), -digits).value();
  }
  NamedDecimals amounts(const std::string& type) {
    if (type == "disk") return {{"gb", asked(4000, 3)}, {"iops", asked(4, 0)}};
    if (type == "card" && one_in(3)) return {};
    if (type == "card") return {{"gpu", asked(3, 0)}};
    if (type == "line") return {{"mbit", asked(8, 0)}};
    if (type == "call") return {{"gb", asked(4, 0)}};
    if (type == "node") return {{"cpu", asked(40, 1)}, {"ram", asked(30, 1)}, {"gpu", asked(2, 0)}};
    return {};
  }

  static bool type_of(const Request& request) { return request.type != "seat"; }

  ClaimRule rule() {
    ClaimRule rule;
    rule.round_up = one_in(2);
    if (one_in(3)) {
      rule.amounts = {dec(1), dec(2), dec(5)};
    } else {
      if (one_in(2)) rule.minimum = dec(1);
      if (one_in(2)) rule.step = dec(1);
      if (one_in(2)) rule.maximum = dec(4);
    }
    if (one_in(3)) rule.standard = dec(1);
    return rule;
  }

  // What few instances are said.
  void add_rare(InstanceSpec& spec, const std::string& type) {
    if (type == "disk" && one_in(8)) spec.claim = {{one_in(2) ? "iops" : "gb", one_in(4) ? ClaimRule{} : rule()}};
    if (type != "seat" && one_in(20)) spec.whole = one_in(2);
    if (one_in(25)) spec.parts = static_cast<std::uint32_t>(random_() % 3);
    if (type == "node" && one_in(4)) spec.ratio_layers = {{"cpu", {{"smt", dec(2)}}}}, spec.ratio = {{"cpu", dec(2)}};
    if (type != "card" || instances_.empty() || one_in(3)) return;
    NeedDefinition need;
    need.instance = any(instances_);
    need.count = "1";
    if (need.instance.starts_with("node")) need.amounts = {{"gpu", one_in(2) ? "1" : "request.gpu"}};
    if (need.instance.starts_with("card")) need.amounts = {{"gpu", "1"}};
    spec.needs = std::vector{need};
  }

  Request request() {
    static const std::vector<std::string> types{"disk", "disk", "disk", "node", "node", "seat", "card", "line", "call"};
    static const std::vector<std::string> policies{
        "least_utilised", "most_utilised", "balance", "balance_count", "closest_capacity",
        "first",          "last",          "calm",    "round",         "dice",
        "fast",           "late",          "soon"};
    static const std::vector<std::string> filters{"self.claims < 3", "self.location in ['z0', 'z1']",
                                                  "self.labels.rack != 'r1'", "'g0' in self.groups",
                                                  "group(self.location).claims < 9"};
    Request request;
    request.type = any(types);
    request.consumer = consumer_name();
    request.amounts = amounts(request.type);
    if (one_in(4)) request.count = static_cast<std::uint32_t>(2 + random_() % 2);
    request.whole = type_of(request) && one_in(20);
    if (one_in(2)) request.policy = any(policies);
    if (one_in(4)) request.where = any(filters);
    if (one_in(12))
      request.own_policy = PolicyDefinition{
          "own", "", "self.claims < 4", "self.claims * 2 - self.consumers", Order::kMin, 0.5, Ties::kHighestId, 0, {}};
    if (one_in(25)) request.type.clear(), request.amounts.clear(), request.where = any(filters), request.policy.clear();
    if (request.type == "call")
      request.whole = false, request.where.clear(), request.policy.clear(), request.own_policy.reset();
    request.mark = one_in(4);
    const Time now = pool_->now();
    if (request.mark) request.expires = now + 1 + static_cast<Time>(random_() % 40);
    if (one_in(5)) request.ends = now + 1 + static_cast<Time>(random_() % 90);
    return request;
  }

  std::string allocate() {
    Request asked = request();
    if (one_in(6)) asked.key = "k" + std::to_string(random_() % 40), asked.actor = one_in(2) ? "a" : "b";
    const std::uint64_t before = pool_->revision().number;
    const Result<Outcome> outcome = pool_->allocate(asked);
    if (!outcome) return failed(outcome.error());
    if (const Denial* why = std::get_if<Denial>(&*outcome)) {
      if (on_denial) on_denial(asked);
      return denied(*why);
    }
    succeeded_ = pool_->revision().number != before;  // else a key's answer once more
    return granted(std::get<Grant>(*outcome));
  }

  std::string allocate_all() {
    std::vector<Request> requests(1 + random_() % 3);
    for (Request& each : requests) each = request();
    const auto outcome = pool_->allocate_all(requests);
    if (!outcome) return failed(outcome.error());
    if (const Denial* why = std::get_if<Denial>(&*outcome)) return denied(*why);
    std::string line;
    for (const Grant& grant : std::get<std::vector<Grant>>(*outcome)) line += granted(grant) + " ";
    return line;
  }

  std::string allocate_many() {
    std::vector<Request> requests(1 + random_() % 4);
    for (Request& each : requests) each = request();
    RequestColumns columns;
    columns.rows = requests.size();
    const auto texts = [&](const std::string Request::* member) {
      std::vector<std::string_view> rows;
      for (const Request& each : requests) rows.push_back(each.*member);
      return TextColumn(std::move(rows));
    };
    columns.consumer = texts(&Request::consumer);
    columns.policy = texts(&Request::policy);
    columns.where = texts(&Request::where);
    columns.type = TextColumn("disk");
    std::vector<Decimal> gb;
    for (const Request& each : requests) {
      columns.count.push_back(each.count);
      gb.push_back(asked(4000, 3));
    }
    columns.amounts.push_back({"gb", std::span<const Decimal>(gb)});
    const Result<Table> answers = pool_->allocate_many(columns);
    if (!answers) return failed(answers.error());
    std::string line = "many";
    for (std::size_t i = 0; i < answers->rows; ++i) {
      const ClaimId claim{static_cast<std::uint32_t>(values<TableColumn::Integers>(*answers, "slot")[i]),
                          static_cast<std::uint32_t>(values<TableColumn::Integers>(*answers, "generation")[i])};
      const bool granted = values<TableColumn::Booleans>(*answers, "granted")[i] != 0;
      if (granted) claims_.push_back(claim);
      line += granted ? " " + text(claim) : " denied";
    }
    return line;
  }

  std::string release() {
    if (claims_.empty()) return "";
    std::vector<ClaimId> ended;
    for (std::uint64_t i = 1 + random_() % 2; i > 0 && !claims_.empty(); --i) {
      const std::size_t at = random_() % claims_.size();
      ended.push_back(claims_[at]);
      claims_.erase(claims_.begin() + static_cast<std::ptrdiff_t>(at));
    }
    return answer(pool_->release(ended), "released " + text(ended[0]));
  }
  std::string commit() {
    if (claims_.empty()) return "";
    return answer(pool_->commit({claims_[claims_.size() - 1 - random_() % std::min<std::size_t>(claims_.size(), 5)]}),
                  "committed");
  }
  std::string resize() {
    if (claims_.empty()) return "";
    const auto outcome = pool_->resize(any(claims_), amounts(one_in(2) ? "disk" : "node"));
    if (!outcome) return failed(outcome.error());
    return *outcome ? denied(**outcome) : "resized";
  }
  std::string transfer() {
    if (claims_.empty()) return "";
    const auto outcome = pool_->transfer(any(claims_), consumer_name());
    if (!outcome) return failed(outcome.error());
    return *outcome ? denied(**outcome) : "transferred";
  }
  std::string move() {
    if (claims_.empty() || instances_.empty()) return "";
    const auto outcome = pool_->move(any(claims_), any(instances_));
    if (!outcome) return failed(outcome.error());
    return *outcome ? denied(**outcome) : "moved";
  }
  std::string tick() {
    const auto ended = pool_->tick(pool_->now() + static_cast<Time>(random_() % 12));
    if (!ended) return failed(ended.error());
    return "ended " + std::to_string(*ended);
  }

  InstanceSpec spec_for(const std::string& id, const std::string& type) {
    InstanceSpec spec;
    spec.id = id;
    spec.location = "z" + std::to_string(random_() % 3);
    spec.labels = NamedText{{"rack", "r" + std::to_string(random_() % 3)}};
    spec.groups = std::vector<std::string>{"g" + std::to_string(random_() % 2), *spec.location};
    if (one_in(6)) spec.policy = one_in(2) ? "last" : "round";
    if (type == "disk") spec.capacity = {{"gb", amount(20'000, 3)}, {"iops", amount(20, 0)}};
    if (type == "line") spec.capacity = {{"mbit", amount(10, 0)}};
    if (type == "node") spec.capacity = {{"cpu", amount(160, 1)}, {"ram", amount(160, 1)}, {"gpu", amount(9, 0)}};
    if (type == "disk" && one_in(3)) spec.reserved = {{"gb", amount(2000, 3)}};
    if (type == "node" && one_in(3)) spec.ratio = {{"cpu", amount(30, 1)}};
    if (type == "card") spec.capacity = {{"gpu", amount(4, 0)}};
    add_rare(spec, type);
    if (type == "disk" && one_in(3)) spec.usage = {{"gb", amount(2000, 3)}};
    return spec;
  }

  std::string add() {
    if (instances_.size() > 60) return remove();
    static const std::vector<std::string> types{"disk", "disk", "node", "seat", "card", "line"};
    const std::string type = any(types);
    InstanceSpec spec = spec_for(type + std::to_string(next_++), type);
    spec.type = type;
    if (!instances_.empty() && one_in(5)) spec.parent = any(instances_);
    const Status status = pool_->add(spec);
    if (status.has_value()) instances_.push_back(spec.id);
    return answer(status, "added " + spec.id);
  }
  std::string change() {
    if (instances_.empty()) return "";
    static const std::vector<std::string> statuses{"online", "online", "online", "offline", "draining"};
    const std::string id = any(instances_);
    InstanceSpec spec;
    if (one_in(2)) spec = spec_for(id, id.substr(0, 4));
    spec.id = id;
    if (one_in(9)) spec.generation = 1 + random_() % 4;
    if (one_in(2)) spec.state = {{"status", Node(any(statuses))}};
    if (id.starts_with("disk") && one_in(4)) spec.state.emplace_back("health", Node(one_in(3) ? "worn" : "ok"));
    lowered_.insert(id);
    return answer(pool_->change(spec), "changed " + id);
  }
  std::string remove() {
    if (instances_.empty()) return "";
    const std::size_t at = random_() % instances_.size();
    const std::string id = instances_[at];
    const Status status = pool_->remove(id);
    if (status.has_value()) instances_.erase(instances_.begin() + static_cast<std::ptrdiff_t>(at));
    return answer(status, "removed " + id);
  }
  std::string consumer() {
    const std::string name = consumer_name();
    if (one_in(3)) return answer(pool_->remove_consumer(name), "consumer gone");
    ConsumerSpec spec{name, one_in(4) ? "" : "user", {}};
    if (!spec.kind.empty())
      spec.attributes = {{"speed", Node(amount(30, 1))}, {"team", Node("t" + std::to_string(random_() % 3))}};
    return answer(pool_->add_consumer(spec), "consumer");
  }

  // Another version of a type, another policy; and documents that are refused whole.
  std::string define() {
    static const std::vector<std::string> documents{
        "{'types': {'disk': {'dimensions': {'gb': {'step': 0.01}, 'iops': {}}, 'policy': 'balance', 'max_consumers': "
        "3}}}",
        "{'types': {'disk': {'dimensions': {'gb': {'step': 0.001}, 'iops': {}}, 'policy': 'calm', 'max_consumers': "
        "2}}}",
        "{'types': {'disk': {'dimensions': {'gb': {'step': 0.001}, 'iops': {'claim': {'amounts': [1, 3], 'default': 1, "
        "'round_up': true}}}, 'policy': 'balance', 'max_consumers': 3}}}",
        "{'policies': {'dice': {'score': 'self.claims', 'ties': 'seeded', 'seed': 8}}}",
        "{'policies': {'dice': {'score': 'self.consumers', 'ties': 'seeded', 'seed': 9, 'quantum': 2}}}",
        "{'instances': [{'id': 'x1', 'type': 'seat'}, {'id': 'x2', 'type': 'seat', 'parent': 'nobody'}]}",
        "{'types': {'node': {'dimensions': {'cpu': {}}, 'policy': 'none'}}}"};
    if (documents_++ > 12) return "";  // versions are never forgotten
    std::vector<Problem> problems;
    return answer(pool_->apply(tree(any(documents)), problems), "applied");
  }

  // All instances of a type, or one, to the newest version or an older one; refused when something does not fit there.
  std::string migrate() {
    Migration migration;
    migration.type = one_in(3) ? "node" : "disk";
    if (one_in(2)) migration.to = static_cast<std::uint32_t>(1 + random_() % 3);
    if (one_in(2) && !instances_.empty()) migration.instances = std::vector<std::string>{any(instances_)};
    migration.dry_run = one_in(4);
    const auto moved = pool_->migrate(migration);
    if (!moved) return failed(moved.error());
    succeeded_ = !migration.dry_run && moved->instances > 0;
    return "migrated " + std::to_string(moved->instances) + " " + std::to_string(moved->claims);
  }

  // Of an instance or a group, now or soon.
  std::string maintain() {
    MaintenanceSpec spec{"s" + std::to_string(random_() % 3), {}};
    for (std::uint64_t i = random_() % 3; i > 0 && !instances_.empty(); --i) {
      const Time from = pool_->now() + static_cast<Time>(random_() % 40);
      const bool group = one_in(2);
      spec.windows.push_back({group ? "z" + std::to_string(random_() % 3) : any(instances_), group, from,
                              from + 1 + static_cast<Time>(random_() % 30)});
    }
    return answer(pool_->set_maintenance(spec), "maintained");
  }

  std::string bad() {
    Request asked = request();
    switch (random_() % 5) {
      case 0:
        asked.type = "nothing";
        break;
      case 1:
        asked.amounts = {{"gb", dec(-1)}};
        break;
      case 2:
        asked.where = "self.nothing == 1";
        break;
      case 3:
        return answer(pool_->release({{77, 1'000'000}}), "released nothing");
      default: {
        InstanceSpec spec;
        spec.id = "bad";
        spec.type = "seat";
        std::vector<InstanceSpec> specs(3, spec);  // the second is a duplicate: all are taken back
        return answer(pool_->add_many(specs), "added");
      }
    }
    const Result<Outcome> outcome = pool_->allocate(asked);
    return outcome ? "decided" : failed(outcome.error());
  }

  std::shared_ptr<Pool> pool_;
  Random random_;
  std::uint64_t variety_;
  std::vector<ClaimId> claims_;  // some of them gone
  std::vector<std::string> instances_;
  std::set<std::string> lowered_;
  int next_ = 0;
  int documents_ = 0;
  bool succeeded_ = true;
};

}  // namespace apportion
