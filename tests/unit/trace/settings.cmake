# SPDX-License-Identifier: Apache-2.0
target_sources(unit_trace PRIVATE ${CMAKE_CURRENT_LIST_DIR}/trace_files.cc)
