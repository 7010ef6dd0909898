# SPDX-License-Identifier: Apache-2.0
# What is exported is imported again.
target_link_libraries(unit_importer PRIVATE flarestack_report)
