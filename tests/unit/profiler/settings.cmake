# SPDX-License-Identifier: Apache-2.0
# The tables write a trace, which their tests read.
target_sources(unit_profiler PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/unit/trace/trace_files.cc)
# What the agent does with a plan is tried on a child of the test.
target_sources(unit_profiler PRIVATE ${PROJECT_SOURCE_DIR}/preload/patches.cc ${PROJECT_SOURCE_DIR}/preload/connection.cc
  ${PROJECT_SOURCE_DIR}/preload/next_symbol.cc ${PROJECT_SOURCE_DIR}/preload/system.cc)
