# SPDX-License-Identifier: Apache-2.0
# libunwind is what the unwinder is compared with.
pkg_check_modules(UNWIND REQUIRED IMPORTED_TARGET libunwind)
target_link_libraries(unit_unwind PRIVATE PkgConfig::UNWIND)
