// SPDX-License-Identifier: Apache-2.0
// ChangeTest: what changed between recordings, and which of it is no chance (docs/comparing.md). The page of two
// recordings decides by the same rules (report/web/view/compare.js, where they are argued). Offline side.
//
// Of one recording a side: a sampled value is a number of samples, which varies by its square root; a change is
// compared with what two recordings of one and the same value would differ by. Of several: with what they differ by
// among themselves (Welch's test), or with the samples where that is more, since a handful of runs may agree by chance.
// Among many values some are far off by chance alone, so the bar is as high as it takes for at most 5 % of all that is
// called a change to be chance (Y. Benjamini and Y. Hochberg, "Controlling the false discovery rate", 1995), never
// below two sigma. Values of an exact heap have no noise of samples.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace flarestack {

// A value in the recordings of one side.
struct MeasuredValue {
  double value = 0;  // the mean of `runs`
  double samples = 0;
  std::vector<double> runs;  // one value a recording; may be empty where there is one recording
};

struct Change {
  double base = 0;
  double newer = 0;  // scaled, if totals are made equal; so is what follows
  double change = 0;
  double sigma = 0;   // of the change, if there is none but chance; 0: values are exact
  double chance = 1;  // of such a change or a greater one where there is none; 0 with exact values
};

// What one sample stands for.
struct SampleWeight {
  enum class Kind { kExact, kByCount, kConstant } kind = Kind::kByCount;
  double constant = 0;  // kConstant
};

struct ComparedSide {
  double total = 0;  // of one recording, on average
  SampleWeight weight;
  size_t recordings = 1;
};

class ChangeTest {
 public:
  static constexpr double kLeastShare = 0.001;               // of the total: smaller changes are not looked at
  static constexpr double kMostChance = 0.0455002638963584;  // two sigma

  ChangeTest() = default;
  ChangeTest(const ComparedSide& base, const ComparedSide& newer, bool equal_totals, double least_share = kLeastShare);

  Change of(const MeasuredValue& base, const MeasuredValue& newer) const;
  // Whether a change is large enough to be looked at.
  bool matters(const Change& change) const;
  // Whether a value is large enough to change by so much, whether it did or not.
  bool is_candidate(const Change& change) const;
  double scale() const { return scale_; }  // of the newer side's values
  double least() const { return least_; }

 private:
  double one_sample(const ComparedSide& side, const MeasuredValue& value) const;

  ComparedSide base_, newer_;
  bool equal_totals_ = false;
  double scale_ = 1;
  double whole_ = 0;
  double least_ = 0;
};

// The greatest chance at which a change is still called one. `chances`: those of all candidates.
double false_discovery_bar(std::span<const double> chances);

// The two-sided p-value of Student's t with so many degrees of freedom.
double student_t_chance(double t, double degrees_of_freedom);

}  // namespace flarestack
