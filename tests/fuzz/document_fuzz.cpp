// Hostile trees against the reader of documents. Nothing may crash, and what is accepted survives the way back.
//
// The first byte chooses how the rest becomes a tree: as the bytes of decode_node, or by a small grammar whose tokens
// are the words of documents, so that deep structure is reached soon.

#include <array>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "apportion/catalog/document.hpp"
#include "apportion/catalog/named_policies.hpp"

namespace apportion {
namespace {

constexpr std::array<std::string_view, 72> kWords = {"types",
                                                     "policies",
                                                     "consumer_kinds",
                                                     "relationships",
                                                     "instances",
                                                     "consumers",
                                                     "description",
                                                     "dimensions",
                                                     "fields",
                                                     "state",
                                                     "policy",
                                                     "max_consumers",
                                                     "unit",
                                                     "step",
                                                     "kind",
                                                     "required",
                                                     "default",
                                                     "min",
                                                     "max",
                                                     "max_length",
                                                     "pattern",
                                                     "values",
                                                     "allow",
                                                     "where",
                                                     "score",
                                                     "order",
                                                     "quantum",
                                                     "ties",
                                                     "seed",
                                                     "attributes",
                                                     "from",
                                                     "to",
                                                     "many",
                                                     "id",
                                                     "type",
                                                     "version",
                                                     "address",
                                                     "location",
                                                     "parent",
                                                     "labels",
                                                     "groups",
                                                     "capacity",
                                                     "reserved",
                                                     "ratio",
                                                     "usage",
                                                     "string",
                                                     "integer",
                                                     "number",
                                                     "boolean",
                                                     "guid",
                                                     "enum",
                                                     "list",
                                                     "timestamp",
                                                     "status",
                                                     "online",
                                                     "first",
                                                     "seeded",
                                                     "rotating",
                                                     "highest_id",
                                                     "disk",
                                                     "gb",
                                                     "a",
                                                     "b",
                                                     "[a-z]+(x|y)*",
                                                     "1/3",
                                                     "2024-02-29T00:00:00Z",
                                                     "123e4567-e89b-12d3-a456-426614174000",
                                                     "0.001",
                                                     "clear",
                                                     "used.gb",
                                                     "security_status",
                                                     ""};

// Reads a tree from bytes: a byte for the kind, then its contents. Runs out of bytes gracefully.
class TreeBuilder {
 public:
  explicit TreeBuilder(std::string_view bytes) : left_(bytes) {}

  Node build(int depth) {
    const unsigned kind = byte() % 8;
    if (kind == 0) return {};
    if (kind == 1) return byte() % 2 == 0;
    if (kind == 2) return number();
    if (kind == 3 || depth >= 8) return word();
    return kind == 4 ? list(depth) : map(depth);
  }

 private:
  unsigned byte() {
    if (left_.empty()) return 0;
    const auto value = static_cast<unsigned char>(left_.front());
    left_.remove_prefix(1);
    return value;
  }
  Node number() {
    const auto digits =
        static_cast<std::int64_t>(static_cast<signed char>(byte())) * (byte() % 4 == 0 ? 4'294'967'297 : 1);
    return Decimal::from_parts(digits, static_cast<int>(byte() % 24) - 12).value();
  }
  std::string word() {
    const unsigned choice = byte();
    if (choice < 240) return std::string(kWords[choice % kWords.size()]);
    const std::string_view raw = left_.substr(0, choice - 240);
    left_.remove_prefix(raw.size());
    return std::string(raw);
  }
  Node list(int depth) {
    Node::List items;
    for (unsigned left = byte() % 6; left > 0; --left) items.push_back(build(depth + 1));
    return items;
  }
  Node map(int depth) {
    Node::Map members;
    for (unsigned left = byte() % 10; left > 0; --left) {
      std::string key = word();
      Node value = build(depth + 1);
      if (Node(members).find(key) == nullptr) members.emplace_back(std::move(key), std::move(value));
    }
    return members;
  }

  std::string_view left_;
};

void require(bool truth) {
  if (!truth) std::abort();
}

template <class Definition, class Read>
void require_round_trip(const std::vector<Definition>& definitions, Read read) {
  for (const Definition& definition : definitions) {
    std::vector<Problem> problems;
    const Result<Node> tree = decode_node(encode_node(to_node(definition)));
    require(tree.has_value());
    require(read(definition, *tree, problems) == definition);
    require(problems.empty());
  }
}

void require_round_trips(const Document& document) {
  const auto named = [](auto read) {
    return [read](const auto& d, const Node& tree, std::vector<Problem>& problems) {
      return read(d.name, tree, "", problems);
    };
  };
  const auto plain = [](auto read) {
    return [read](const auto&, const Node& tree, std::vector<Problem>& problems) { return read(tree, "", problems); };
  };
  require_round_trip(document.types, named(read_type));
  require_round_trip(document.policies, named(read_policy));
  require_round_trip(document.consumer_kinds, named(read_consumer_kind));
  require_round_trip(document.relationships, named(read_relationship));
  require_round_trip(document.instances, plain(read_instance));
  require_round_trip(document.consumers, plain(read_consumer));
}

void read_one(const Node& tree) {
  static const KnownNames known = [] {
    KnownNames names;
    names.policy = [](std::string_view policy) { return policy == "first"; };
    return names;
  }();
  std::vector<Problem> problems;
  const Document document = read_document(tree, known, problems);
  for (const Problem& problem : problems) require(is_clean_text(problem.place) && is_clean_text(problem.message));
  if (problems.empty()) require_round_trips(document);
}

}  // namespace
}  // namespace apportion

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 1) {
    apportion::read_one(apportion::TreeBuilder(bytes).build(0));
    return 0;
  }
  const auto tree = apportion::decode_node(bytes);
  if (!tree) return 0;
  if (apportion::encode_node(*tree) != bytes) std::abort();
  apportion::read_one(*tree);
  return 0;
}
