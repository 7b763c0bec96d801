// Pools with lines that are held briefly, for tests of what is granted just in time.
#pragma once

#include "builders.hpp"

namespace apportion {

/// Of an upload: a disk, and a line that may come later.
inline constexpr const char* kUpload = R"({
  'types': {
    'disk': {'dimensions': {'gb': {}}, 'fields': {'zone': {'kind': 'string'}}},
    'channel': {'dimensions': {'mbit': {}}, 'deferrable': {'patience_s': 2, 'held_s': 0.8},
                'fields': {'zone': {'kind': 'string'}}},
    'upload': {'dimensions': {'gb': {}}, 'needs': [
      {'type': 'disk', 'as': 'target', 'gb': 'request.gb'},
      {'type': 'channel', 'as': 'line', 'mbit': 100}]}},
  'instances': [{'id': 'd1', 'type': 'disk', 'capacity': {'gb': 500}},
                {'id': 'ch1', 'type': 'channel', 'capacity': {'mbit': 100}}]})";

inline Time ms(std::int64_t milliseconds) { return milliseconds * 1'000'000; }

inline Request ask_line(std::string consumer, int mbit = 100, std::uint32_t count = 1) {
  Request request = ask(std::move(consumer), {{"mbit", dec(mbit)}}, count);
  request.type = "channel";
  return request;
}
inline Request ask_upload(std::string consumer, int gb = 3) {
  Request request = ask_gb(std::move(consumer), gb);
  request.type = "upload";
  return request;
}

/// The grant as it is now, an instance per claim: "d1 -".
inline std::string holds(const Pool& pool, ClaimId claim) {
  const Result<Grant> grant = pool.find_grant(claim);
  if (!grant) return "gone";
  std::string text;
  for (const std::string& id : instances_of(pool, *grant)) text += (text.empty() ? "" : " ") + (id.empty() ? "-" : id);
  return text;
}
inline std::string holds(const Pool& pool, const Grant& grant) { return holds(pool, grant.claims.front().claim); }

}  // namespace apportion
