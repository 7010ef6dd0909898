// SPDX-License-Identifier: Apache-2.0
// ScalingStudy: how the cost of a program, of each of its functions and of each of its allocation sites grows with a
// parameter, of recordings at several sizes. Made by a ScalingBuilder, one recording at a time. Offline side.
//
// Functions are matched by name and module, the programs themselves being one module; sites by function, file and line.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/host_facts.h"
#include "model/profile.h"
#include "model/scaling_fit.h"

namespace flarestack {

struct ScaledCost {
  std::vector<double> costs;  // by size, the mean of its recordings; ns, bytes or allocations
  ScalingFit fit;
  bool is_worse = false;  // it grows faster than the same of the whole
  double last() const { return costs.empty() ? 0 : costs.back(); }
};

struct ScaledFunction {
  std::string name;
  std::string module;
  ScaledCost self;  // CPU time
  ScaledCost total;
  bool is_worse() const { return self.is_worse || total.is_worse; }
};

struct ScaledSite {
  std::string function;
  std::string module;
  std::string file;   // empty: unknown
  uint32_t line = 0;  // 0: unknown
  ScaledCost allocated;
  ScaledCost allocations;
  ScaledCost peak;
  bool is_worse() const { return allocated.is_worse || allocations.is_worse || peak.is_worse; }
};

struct ScalingStudy {
  std::string line;  // the command, its parameter as {NAME}
  std::string parameter;
  HostFacts host;
  std::vector<double> sizes;        // that were recorded, ascending
  std::vector<uint32_t> runs;       // by size
  std::vector<double> asked_sizes;  // whose cost is to be predicted
  bool has_cpu = false;
  bool has_heap = false;
  ScaledCost cpu;  // of the whole
  ScaledCost allocated;
  ScaledCost allocations;
  ScaledCost peak;
  std::vector<ScaledFunction> functions;  // by self at the greatest size, then total, most first
  std::vector<ScaledSite> sites;          // by what they allocate at the greatest size, most first
  std::vector<std::string> notes;         // sentences on what could not be told
  bool interrupted = false;
};

class ScalingBuilder {
 public:
  explicit ScalingBuilder(std::vector<double> sizes);
  // A recording at sizes[index]. `cpu`: its profile by CPU time, `heap`: by allocated bytes; null: not recorded.
  void add(size_t index, const Profile* cpu, const Profile* heap);
  // The costs with their fits; sizes without a recording are left out. The builder is spent.
  ScalingStudy finish();

 private:
  struct Sums {
    std::vector<double> costs;  // by size
  };
  using FunctionKey = std::pair<std::string, std::string>;
  struct FunctionSums {
    std::string module;
    Sums self, total;
  };
  struct SiteKey {
    std::string function, file;
    uint32_t line = 0;
    auto operator<=>(const SiteKey&) const = default;
  };
  struct SiteSums {
    std::string module;
    Sums allocated, allocations, peak;
  };
  void add_to(Sums& sums, size_t index, double cost);
  void add_functions(size_t index, const Profile& cpu);
  void add_sites(size_t index, const Profile& heap);
  enum class Kind : uint8_t { kSampled, kCounted };
  ScaledCost scaled(const Sums& sums, Kind kind, const std::vector<double>& whole) const;

  std::vector<double> sizes_;
  std::vector<uint32_t> runs_;      // by size
  std::vector<double> sampled_ns_;  // the same: CPU time
  std::vector<double> samples_;     // of it
  double asked_quantum_ns_ = 0;     // between two samples, where none was taken
  bool has_cpu_ = false;
  bool has_heap_ = false;
  Sums cpu_, allocated_, allocations_, peak_;
  std::map<FunctionKey, FunctionSums> functions_;
  std::map<SiteKey, SiteSums> sites_;
};

}  // namespace flarestack
