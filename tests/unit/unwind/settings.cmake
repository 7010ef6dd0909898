# SPDX-License-Identifier: Apache-2.0
# libunwind is what the unwinder is compared with.
pkg_check_modules(UNWIND REQUIRED IMPORTED_TARGET libunwind)
target_link_libraries(unit_unwind PRIVATE PkgConfig::UNWIND)
# One file without frame pointers, so that rbp is a register like any other in some frames and not in others.
set_source_files_properties(${CMAKE_CURRENT_LIST_DIR}/unwinder_test.cc PROPERTIES COMPILE_OPTIONS -fomit-frame-pointer)
