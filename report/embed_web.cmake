# SPDX-License-Identifier: Apache-2.0
# Puts the pages, styles and scripts of report/web/ into the library, so that a report needs no file beside the program.
include(${CMAKE_CURRENT_LIST_DIR}/strip_script.cmake)

# The content of FILE without the comment about its licence.
function(read_style FILE OUTPUT)
  file(READ ${FILE} text)
  string(REGEX REPLACE "^/\\* SPDX[^\n]*\n" "" text "${text}")
  set(${OUTPUT} "${text}" PARENT_SCOPE)
endfunction()

# The flame graph's scripts are one program in several files: they share one scope, in the order of their names.
file(GLOB flamegraph_scripts CONFIGURE_DEPENDS web/flamegraph/*.js)
list(SORT flamegraph_scripts)
foreach(script ${flamegraph_scripts})
  file(READ ${script} text)
  string(APPEND flamegraph_script "${text}")
endforeach()
strip_script("${flamegraph_script}" flamegraph_script)
set(FLAMEGRAPH_SCRIPT "(() => {\n'use strict';${flamegraph_script}})();\n")
read_style(web/flamegraph.css FLAMEGRAPH_STYLE)

# Those of the view are modules, which tests load one by one. Here they share a scope as well, in the order of modules.txt: a
# page that is opened as a file may load nothing.
file(STRINGS web/view/modules.txt view_modules REGEX "^[^#]")
file(GLOB view_scripts CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}/web/view web/view/*.js)
foreach(script ${view_scripts})
  if(NOT script IN_LIST view_modules)
    message(FATAL_ERROR "report/web/view/${script} is not in modules.txt")
  endif()
endforeach()
foreach(module ${view_modules})
  file(READ web/view/${module} text)
  string(REGEX REPLACE "\nimport [^\n]*" "" text "\n${text}")
  string(REGEX REPLACE "\nexport " "\n" text "${text}")
  string(APPEND view_script "${text}")
endforeach()
strip_script("${view_script}" view_script)
set(VIEW_SCRIPT "(() => {\n'use strict';${view_script}main();\n})();\n")
file(GLOB view_styles CONFIGURE_DEPENDS web/view/*.css)
list(FILTER view_styles EXCLUDE REGEX "/view.css$")
list(SORT view_styles)
set(view_styles web/view/view.css ${view_styles})  # the others build on it
foreach(file ${view_styles})
  read_style(${file} style)
  string(APPEND VIEW_STYLE "${style}")
endforeach()
file(READ web/view/view.html VIEW_PAGE)

foreach(forbidden "]]>" ")WEB\"" "</script" "</style")
  string(FIND "${FLAMEGRAPH_SCRIPT}${FLAMEGRAPH_STYLE}${VIEW_SCRIPT}${VIEW_STYLE}" "${forbidden}" position)
  if(NOT position EQUAL -1)
    message(FATAL_ERROR "report/web/: no script or style may contain ${forbidden}, which ends an element, a CDATA section or a raw string")
  endif()
endforeach()
list(TRANSFORM view_modules PREPEND web/view/)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${flamegraph_scripts} web/flamegraph.css
  web/view/modules.txt ${view_modules} ${view_styles} web/view/view.html)
configure_file(web_assets.cc.in ${CMAKE_CURRENT_BINARY_DIR}/web_assets.cc @ONLY)
target_sources(flarestack_report PRIVATE ${CMAKE_CURRENT_BINARY_DIR}/web_assets.cc)
