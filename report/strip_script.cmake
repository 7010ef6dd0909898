# SPDX-License-Identifier: Apache-2.0
# strip_script(TEXT OUTPUT): a script without comments that have lines of their own or begin one, blank lines and indentation: a
# page is often sent around. Only what begins a line is touched, so that no string is; a template literal that spans lines would be,
# and is refused.
function(strip_script TEXT OUTPUT)
  set(text "\n${TEXT}")
  string(REGEX REPLACE "\n */\\*[^*]*\\*+([^/*][^*]*\\*+)*/" "\n" text "${text}")
  string(REGEX REPLACE "\n *//[^\n]*" "" text "${text}")
  string(REGEX REPLACE "\n[\n ]+" "\n" text "${text}")
  string(REPLACE "'`'" "" without_quoted "${text}")
  if(without_quoted MATCHES "\n([^`\n]*`([^`\n]*`[^`\n]*`)*[^`\n]*)\n")
    message(FATAL_ERROR "report/web/: a template literal ends on the line that it begins on: ${CMAKE_MATCH_1}")
  endif()
  set(${OUTPUT} "${text}" PARENT_SCOPE)
endfunction()

