// SPDX-License-Identifier: Apache-2.0
// Where a series of measurements changes its level, told from noise, outliers and drift of single values. Offline side.
//
// Candidates are all places with enough values on both sides, each looked at with windows of several widths on either
// side, so that a level that lasted for a short time is found as well as a small change after a long calm. What is
// compared are ranks, by the test of Mann and Whitney, as in the change-point model of D. M. Hawkins and Q. Deng ("A
// Nonparametric Change-Point Control Chart", Journal of Quality Technology 42, 2010): one value, however far off, moves
// a rank sum by little. The most significant place, if it is significant after Bonferroni's correction for all that
// were looked at, splits the series, and both parts are looked at in the same way (binary segmentation, L. J.
// Vostrikova, "Detecting 'disorder' in multidimensional random processes", 1981).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace flarestack {

struct LevelChange {
  size_t at = 0;      // the first value of the new level
  double before = 0;  // the medians of the levels
  double after = 0;
  double p = 1;  // of the test, corrected
};

// A series without any change has one found with at most this probability.
inline constexpr double kLevelChangeError = 0.01;
// Levels nearer to each other are the same, however sure it is that they are not: a part of the level.
inline constexpr double kLeastLevelChange = 0.005;

// In order.
std::vector<LevelChange> level_changes(std::span<const double> values);

}  // namespace flarestack
