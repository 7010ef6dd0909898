# SPDX-License-Identifier: Apache-2.0
# cmake -P strip_script_test.cmake: what report/strip_script.cmake leaves of a script, and what it refuses.
include(${CMAKE_CURRENT_LIST_DIR}/../../report/strip_script.cmake)
if(DEFINED REFUSED)
  strip_script("${REFUSED}" ignored)
  return()
endif()

set(SCRIPT [=[
// A file; with a list [of] things.
/** @param {number} a  // not the end */
function f(a) {

  /**
   * Two * stars ** and / slashes.
   * @returns {string}
   */
  const text = /** @type {string} */ ('// no comment');  // stays
  text.split('`');
    /* before */ return `/* ${text} */ ;` + "/** neither */" + '\\';
}
]=])
set(EXPECTED [=[

function f(a) {
const text = /** @type {string} */ ('// no comment');  // stays
text.split('`');
return `/* ${text} */ ;` + "/** neither */" + '\\';
}
]=])
strip_script("${SCRIPT}" stripped)
if(NOT stripped STREQUAL EXPECTED)
  message(FATAL_ERROR "stripped to:\n${stripped}")
endif()

foreach(refused "const a = `x\n// y`\n" "a = 1\nb = `${a}` + `\n  z` + `w`\n")
  execute_process(COMMAND ${CMAKE_COMMAND} "-DREFUSED=${refused}" -P ${CMAKE_CURRENT_LIST_FILE} RESULT_VARIABLE status
                  ERROR_VARIABLE said)
  if(status EQUAL 0 OR NOT said MATCHES "ends on the line")
    message(FATAL_ERROR "not refused: ${refused}: ${said}")
  endif()
endforeach()
