# SPDX-License-Identifier: Apache-2.0
# The documents, what programs use that know of us (docs/regions.md), and the Debian package (cpack). The program, the agent, man pages and completions are installed by the
# folders that make them.
install(FILES README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright)
install(FILES include/flarestack.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES python/flarestack.py DESTINATION ${CMAKE_INSTALL_DATADIR}/flarestack/python)
install(DIRECTORY docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR}
  FILES_MATCHING PATTERN "*.md" PATTERN "*.svg" PATTERN man EXCLUDE)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME flarestack)
set(CPACK_PACKAGE_CONTACT "the flarestack developers <flarestack@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "sampling profiler for Linux programs")
set(CPACK_PACKAGE_DESCRIPTION "Records where any dynamically linked program spends its time, without recompiling it and\n without root, and shows it as a report, a call tree or a flame graph.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES OFF)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION devel)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
include(CPack)
