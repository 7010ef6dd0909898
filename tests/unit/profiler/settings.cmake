# SPDX-License-Identifier: Apache-2.0
# The tables write a trace, which their tests read.
target_sources(unit_profiler PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/unit/trace/trace_files.cc)
