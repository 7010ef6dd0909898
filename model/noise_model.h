// SPDX-License-Identifier: Apache-2.0
// NoiseModel: what a metric is going to be where nothing has changed, told from what was measured before. Offline side.
//
// A session (one run of the gate) is told by the least of its runs: other programs, interrupts and cold caches only
// ever add to a time, so that the least is the steadiest of its estimates (J. Chen, J. Revels, "Robust benchmarking in
// noisy environments", HPEC 2016). Sessions still differ by more than their runs do, since all runs of one share what
// the machine was like at that time (T. Kalibera, R. Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013).
// With few sessions that part cannot be seen, and kSessionNoise stands for it. From kLeastSessions on it is told from
// them: a Theil-Sen line through them where Mann-Kendall's test finds that they drift, else their median; their scale
// by the median absolute deviation; and the bound is Student's prediction interval for one more. A session that was
// disturbed moves neither. Of metrics whose runs differ, kSessionNoise counts for kNoiseDegrees more sessions' worth of
// that scale, which a few sessions tell badly (the moderated t of G. K. Smyth, "Linear models and empirical Bayes
// methods", SAGMB 3, 2004): with five sessions that differ by 2 %, 10 % more is found in 93 % of the cases and not 68
// %.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace flarestack {

// How often one metric of an unchanged program is above the bound, where the model holds. The gate then measures again
// before it calls it changed.
inline constexpr double kAboveBoundRate = 0.01;
// From so many sessions on what they differ by is told from them.
inline constexpr size_t kLeastSessions = 5;
// Until then: the standard deviation of sessions, as a part of the value. Where a metric's runs are all the same, it is
// exact, and this is not added.
inline constexpr double kSessionNoise = 0.01;
inline constexpr double kNoiseDegrees = 4;

struct Expectation {
  double value = 0;     // the most likely one
  double upper = 0;     // the bound
  size_t sessions = 0;  // that it rests on; 0: nothing is known
  double drift = 0;     // a session, in the metric's unit; 0: none was found
};

// What the least of `runs`, those to be judged, is expected to be. `sessions`: the runs of each, oldest first.
Expectation expect(std::span<const std::vector<double>> sessions, std::span<const double> runs,
                   double above_bound_rate = kAboveBoundRate);

double least_of(std::span<const double> values);  // 0 of none

// Of Student's distribution: what is not exceeded with this probability, 0.5 to 1 exclusive.
double student_quantile(double probability, double degrees);

}  // namespace flarestack
