# SPDX-License-Identifier: Apache-2.0
find_package(Threads REQUIRED)
target_link_libraries(unit_wire PRIVATE Threads::Threads)
