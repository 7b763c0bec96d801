#include "apportion/bench/yardsticks.hpp"

#include <algorithm>

#include "apportion/expr/scope.hpp"
#include "apportion/expr/source.hpp"

namespace apportion {
namespace {

constexpr std::uint32_t kDims = kFleetDimensions;
/// What a name's first part stands for: `kDims` numbers each, the uniform ones last.
constexpr std::array<std::string_view, 5> kParts{"used", "free", "limit", "request", "scale"};
constexpr std::uint32_t kUniform = 3;
constexpr Steps kClaimsPerRow = 7;

class BareNames : public Scope {
 public:
  [[nodiscard]] std::optional<Ref> resolve(std::string_view path) const override {
    const std::string_view head = path.substr(0, path.find('.'));
    const auto part = static_cast<std::uint32_t>(std::ranges::find(kParts, head) - kParts.begin());
    if (part == kParts.size()) return std::nullopt;
    const Read read = part >= kUniform ? Read::kRequest : Read::kRow;
    if (head == path) return Ref{read, ValueType::kVector, part * kDims, part >= kUniform};
    const auto d =
        static_cast<std::uint32_t>(std::ranges::find(kFleetNames, path.substr(head.size() + 1)) - kFleetNames.begin());
    if (d == kDims) return std::nullopt;
    return Ref{read, ValueType::kNumber, part * kDims + d, part >= kUniform};
  }
  [[nodiscard]] std::uint32_t dimensions() const override { return kDims; }
  [[nodiscard]] std::vector<std::string> names() const override { return {}; }
};

}  // namespace

BareLeaves::BareLeaves(const FleetColumns& columns, std::size_t shapes)
    : rows_(columns.rows()), leaves_(columns.rows() * shapes), shapes_(shapes) {
  for (std::size_t row = 0; row < rows_.size(); ++row) {
    for (std::size_t d = 0; d < kFleetDimensions; ++d) {
      rows_[row].limit[d] = columns.limit[d][row];
      rows_[row].used[d] = columns.used[d][row];
    }
  }
}

void BareLeaves::pair() {
  for (int side = 0; side < 2; ++side) {
    const std::size_t at = random_.below(rows_.size());
    Steps free = 0;
    for (std::size_t d = 0; d < kFleetDimensions; ++d) free += rows_[at].limit[d] - rows_[at].used[d];
    for (std::size_t shape = 0; shape < shapes_; ++shape)
      leaves_[shape * rows_.size() + at] = static_cast<double>(free - static_cast<Steps>(shape));
  }
}

BareMultiset::BareMultiset(const Fleet& fleet) {
  for (std::uint32_t row = 0; row < fleet.columns.rows(); ++row) {
    free_.push_back(fleet.columns.limit[0][row] - fleet.columns.used[0][row]);
    order_.emplace(free_[row], row);
    // As many claims as a machine holds by and large, of equal size.
    for (Steps part = 0; part < kClaimsPerRow; ++part) {
      if (const Steps used = fleet.columns.used[0][row]; used > 0) live_.emplace_back(row, used / kClaimsPerRow);
    }
  }
  for (const FleetAmounts& shape : fleet.shapes) amounts_.push_back(shape[0]);
}

void BareMultiset::move(std::uint32_t row, Steps difference) {
  order_.erase(order_.find({free_[row], row}));
  free_[row] += difference;
  order_.emplace(free_[row], row);
}

void BareMultiset::pair() {
  const Steps amount = amounts_[random_.below(amounts_.size())];
  const auto found = order_.lower_bound({amount, 0});
  if (found == order_.end() || live_.empty()) {
    ++denied_;
    return;
  }
  const std::uint32_t row = found->second;
  move(row, -amount);
  auto& ending = live_[random_.below(live_.size())];
  move(ending.first, ending.second);
  ending = {row, amount};
}

/// Candidates are a run of rows from `begin`, or the rows that `picked` names from there.
class BareScores::Columns : public Source {
 public:
  explicit Columns(const FleetColumns& columns) {
    for (std::size_t d = 0; d < kDims; ++d) {
      std::vector<double>* const of[]{&columns_[d], &columns_[kDims + d], &columns_[2 * kDims + d]};
      for (std::size_t row = 0; row < columns.rows(); ++row) {
        of[0]->push_back(static_cast<double>(columns.used[d][row]));
        of[1]->push_back(static_cast<double>(columns.limit[d][row] - columns.used[d][row]));
        of[2]->push_back(static_cast<double>(columns.limit[d][row]));
        scale_[d] = std::max(scale_[d], of[2]->back());
      }
    }
  }

  void read(const Ref& ref, std::uint32_t n, double* out) override {
    if (ref.uniform) {
      *out = ref.id < (kUniform + 1) * kDims ? static_cast<double>(request[ref.id % kDims]) : scale_[ref.id % kDims];
      return;
    }
    const double* const column = columns_[ref.id].data();
    if (picked.empty()) {
      std::copy_n(column + begin, n, out);
    } else {
      for (std::uint32_t k = 0; k < n; ++k) out[k] = column[picked[begin + k]];
    }
  }
  double symbol(std::string_view) override { return -1; }
  std::string_view text(double) override { return {}; }

  [[nodiscard]] const double* column(std::size_t part, std::size_t d) const {
    return columns_[part * kDims + d].data();
  }

  FleetAmounts request{};
  std::span<const std::uint32_t> picked;
  std::size_t begin = 0;

 private:
  std::array<std::vector<double>, kUniform * kDims> columns_;
  std::array<double, kDims> scale_{};
};

BareScores::BareScores(const FleetColumns& columns)
    : columns_(std::make_unique<Columns>(columns)), scores_(columns.rows()) {}
BareScores::~BareScores() = default;

Program BareScores::compile(std::string_view score) {
  return apportion::compile(score, ValueType::kNumber, BareNames()).value();
}

std::span<const double> BareScores::run(const Program& program, std::size_t count) {
  program.begin(*columns_, scratch_);
  for (columns_->begin = 0; columns_->begin < count; columns_->begin += kBlockLanes) {
    const auto n = static_cast<std::uint32_t>(std::min<std::size_t>(kBlockLanes, count - columns_->begin));
    program.evaluate(*columns_, n, scores_.data() + columns_->begin, scratch_);
  }
  return std::span(scores_).first(count);
}

std::span<const double> BareScores::by_program(const Program& program, std::span<const std::uint32_t> rows,
                                               const FleetAmounts& request) {
  columns_->request = request;
  columns_->picked = rows;
  return run(program, rows.size());
}

std::span<const double> BareScores::by_program(const Program& program, std::size_t count, const FleetAmounts& request) {
  columns_->request = request;
  columns_->picked = {};
  return run(program, count);
}

std::span<const double> BareScores::by_hand(std::size_t count, const FleetAmounts& request) {
  const auto column = [&](std::size_t part, std::size_t d) { return columns_->column(part, d); };
  const double *used_cpu = column(0, 0), *used_mem = column(0, 1), *used_disk = column(0, 2), *used_net = column(0, 3);
  const double *free_cpu = column(1, 0), *free_mem = column(1, 1), *free_disk = column(1, 2), *free_net = column(1, 3);
  const double *limit_cpu = column(2, 0), *limit_mem = column(2, 1);
  const auto cpu = static_cast<double>(request[0]), mem = static_cast<double>(request[1]),
             disk = static_cast<double>(request[2]), net = static_cast<double>(request[3]);
  double* __restrict out = scores_.data();
  for (std::size_t k = 0; k < count; ++k) {
    out[k] = free_mem[k] * 0.00001 + free_cpu[k] * 0.0001 + (free_disk[k] - disk) * 0.001 +
             (free_net[k] - net) * 0.0002 + std::max(used_disk[k], used_net[k]) * 0.0001 -
             (used_cpu[k] + cpu) / limit_cpu[k] * 0.5 - (used_mem[k] + mem) / limit_mem[k] * 0.25;
  }
  return std::span(scores_).first(count);
}

}  // namespace apportion
