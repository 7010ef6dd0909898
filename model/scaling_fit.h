// SPDX-License-Identifier: Apache-2.0
// ScalingFit: how a cost grows with a size, of costs at a few sizes. Offline side.
//
// Models: cost = offset + factor * g(size), offset and factor not negative, g one of 1, log n, n, n log n, n^2, n^3,
// b^n. Fitted by least squares, each point weighed by its own variance: of sampling (Poisson), and of what one knows no
// better (a few percent), so that errors count relatively and a point without samples says little. Chosen by Akaike's
// criterion, with the least scatter around any model taken for the noise where it is more than the variances explain
// (QAIC, K. P. Burnham and D. R. Anderson, "Model Selection and Multimodel Inference", 2nd ed., 2002, section 2.5):
// leave-one-out and AICc need more points than studies have. The weights of the models say how sure the choice is. The
// exponent is that of offset + factor * n^p, with its interval by profile likelihood.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace flarestack {

enum class GrowthLaw : uint8_t { kConstant, kLogarithmic, kLinear, kLinearithmic, kQuadratic, kCubic, kExponential };
inline constexpr size_t kGrowthLaws = 7;
const char* growth_law_name(GrowthLaw law);  // "constant", "log n", "n", "n log n", "n^2", "n^3", "exponential"

struct CostPoint {
  double size = 0;  // positive
  double cost = 0;
  // Variance of the cost by chance where it is c: `quantum` * c + (relative_error * c)^2. The quantum is what one
  // sample stands for; 0: the cost was counted, not sampled.
  double quantum = 0;
  double relative_error = 0;
};

struct FittedLaw {
  GrowthLaw law = GrowthLaw::kConstant;
  double offset = 0;
  double factor = 0;
  double rate = 0;    // kExponential: of exp(rate * (size - greatest size))
  double misfit = 0;  // chi squared
  double weight = 0;  // how likely it is, of all laws together
};

enum class ScalingVerdict : uint8_t {
  kNotEnoughSizes,  // less than four
  kTooSmall,        // the cost is not beyond the noise of sampling at any size
  kIrregular,       // no law comes near
  kFitted,
};

struct ScalingFit {
  ScalingVerdict verdict = ScalingVerdict::kNotEnoughSizes;
  std::vector<FittedLaw> laws;  // most likely first; kFitted and kIrregular
  double greatest_size = 0;
  std::optional<double> exponent;  // kFitted, unless it is constant
  double exponent_low = 0;         // 95 %
  double exponent_high = 0;

  const FittedLaw& best() const { return laws.front(); }
  // Whether no other law is nearly as likely.
  bool is_clear() const;
  // Laws that together are most likely what it is, in the order of their growth.
  std::vector<GrowthLaw> likely_laws() const;
};

inline constexpr size_t kLeastSizes = 4;

// `points` ascending in size.
ScalingFit fit_scaling(std::span<const CostPoint> points);

struct PredictedCost {
  double cost = 0;  // by the best law
  double low = 0;   // by any of the likely ones
  double high = 0;
};
// None where nothing was fitted.
std::optional<PredictedCost> predicted_cost(const ScalingFit& fit, double size);
double cost_by(const FittedLaw& law, double greatest_size, double size);

// Whether `part` surely grows faster than `whole`, which has a cost for each of its points: whether its share rises, by
// a test at 0.1 % against one that does not, since there are many parts. False where it is too small to tell.
bool grows_worse(std::span<const CostPoint> part, std::span<const double> whole);

}  // namespace flarestack
