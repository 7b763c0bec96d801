// Why not: data first, prose second.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apportion/base/node.hpp"
#include "apportion/ledger/records.hpp"

namespace apportion {

/// One step of the selection: how many candidates it met and how many it left.
struct Stage {
  std::string name;    ///< "type", "state.status", "where", "policy", "consumers", "capacity", "score"
  std::string detail;  ///< what the stage asks for, in words or as the expression
  std::uint64_t before = 0;
  std::uint64_t after = 0;
};

/// The sum of one dimension over the instances that pass every stage but capacity, in units as exact text.
struct BindingSum {
  std::string dimension;
  std::string unit;
  std::string requested;     ///< per instance
  std::string largest_free;  ///< on one instance
  std::string total_free;
  std::string total_used;
  std::string total_limit;
  std::string total_capacity;
  std::uint64_t instances = 0;    ///< that were asked
  std::uint64_t short_of_it = 0;  ///< of these, how many lack this dimension
};

/// One condition of a request: a stage, where filters are split at their outermost `&&` and capacity by dimension.
struct Constraint {
  std::string name;            ///< that of the stage
  std::string detail;          ///< what it asks for
  std::uint64_t excludes = 0;  ///< so many of the candidates it rules out
};

/// What one instance lacks.
struct Lack {
  std::string what;  ///< "gb", "state.status", "where", "consumers" ...
  std::string need;
  std::string have;
};

struct NearMiss {
  std::string instance;
  std::string location;
  std::vector<Lack> lacks;
};

struct Deferral;

/// See docs/decisions/0008-denial-classes.md for the classes.
struct Denial {
  DenialClass denial_class = DenialClass::kNotNow;
  std::string message;  ///< one sentence with the binding sum
  Revision revision;    ///< of its record
  std::string type;
  std::string consumer;
  std::uint32_t count = 1;
  std::uint32_t member = 0;  ///< of an allocate_all: which request failed
  std::string slot;          ///< of a tree: the path of the slot that nothing fills, "mailbox@1/backup"; else ""
  std::vector<Stage> stages;
  std::vector<BindingSum> binding;
  std::vector<NearMiss> closest;
  std::string stage;                         ///< the first that leaves too few; "": no stage does
  std::string dimension;                     ///< of the stage "capacity": the one that most candidates lack; else ""
  std::shared_ptr<const Deferral> deferral;  ///< of a deferrable type: why the slot is not waited for
  /// Says, where that was asked, why the slot is not waited for.
  void wait_for(std::shared_ptr<const Deferral> why);
  std::vector<Constraint> core;  ///< a smallest set of conditions that cannot hold together: docs/decisions/0020
};

/// "never", "not_now", "fragmented", "quota", "conflict", "search_bound".
std::string_view class_name(DenialClass denial_class);
/// What the class says, as the end of a sentence.
std::string_view class_text(DenialClass denial_class);

/// The published form: docs/reference/denial.schema.json.
Node to_node(const Denial& denial);
Node to_node(const Stage& stage);

}  // namespace apportion
