// Every way in which a request could be granted.
#include "pool_update.hpp"

namespace apportion {
namespace {

constexpr std::size_t kMostCandidates = 10'000;
constexpr std::uint64_t kChoicesInVain = 10'000;  // besides one for each that is found

Node amounts_node(const TypeDefinition& type, const Amounts& amounts) {
  Node::Map map;
  for (std::size_t d = 0; d < amounts.size(); ++d)
    map.emplace_back(type.dimensions[d].name, units_decimal(amounts[d], type.dimensions[d].step));
  return map;
}

}  // namespace

Result<Node> Pool::candidates(const Request& request, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  if (limit < 1 || limit > kMostCandidates)
    return invalid("limit is " + std::to_string(limit) + ", expected 1 to " + std::to_string(kMostCandidates), "limit");
  const Time now = clock();
  APPORTION_TRY(expire(now));
  Update update(*this, now);
  const Result<Index::Prepared*> prepared = index_.plan(request, update.now());
  if (!prepared) return prepared.error();
  APPORTION_TRY(check_times(request, update.now()));
  Resolver resolver(sections_, expressions_, index_,
                    {.number = update.next_number(), .bound = kChoicesInVain + limit, .limit = limit});
  const auto found = resolver.resolve(request, update.now(), update.log());
  if (!found) return Node(Node::List{});  // a quantity without value: denied
  Node::List candidates;
  for (const std::vector<FilledSlot>& slots : resolver.found()) {
    Node::List filled;
    for (const FilledSlot& slot : slots) {
      const InstanceTable& table = *sections_.inventory.table(slot.instance.version);
      const TypeDefinition& type = sections_.catalog.version(slot.instance.version).definition;
      filled.emplace_back(
          Node::Map{{"role", slot.role},
                    {"instance", std::string(sections_.inventory.id_of(slot.instance))},
                    {"location", std::string(sections_.symbols.text(table.location[slot.instance.row]))},
                    {"amounts", amounts_node(type, slot.amounts)}});
    }
    if (!filled.empty()) candidates.emplace_back(std::move(filled));
  }
  return Node(std::move(candidates));
}

}  // namespace apportion
