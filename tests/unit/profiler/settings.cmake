# SPDX-License-Identifier: Apache-2.0
# The tables write a trace, which their tests read.
target_sources(unit_profiler PRIVATE ${CMAKE_CURRENT_SOURCE_DIR}/unit/trace/trace_files.cc)
# What the agent does with a plan is tried on a child of the test.
target_sources(unit_profiler PRIVATE ${PROJECT_SOURCE_DIR}/preload/patches.cc ${PROJECT_SOURCE_DIR}/preload/connection.cc
  ${PROJECT_SOURCE_DIR}/preload/next_symbol.cc ${PROJECT_SOURCE_DIR}/preload/system.cc)
# Programs that are entered from outside, in each kind there is.
find_program(MUSL_GCC musl-gcc)
function(remote_target NAME)
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${NAME})
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/unit/profiler/remote_target.cc)
  add_custom_command(OUTPUT ${output} COMMAND ${ARGN} -O1 -mavx2 -o ${output} -x c ${source} DEPENDS ${source} VERBATIM)
  target_sources(unit_profiler PRIVATE ${output})
endfunction()
remote_target(remote_target ${CMAKE_CXX_COMPILER} -fPIE -pie)
remote_target(remote_target_static ${CMAKE_CXX_COMPILER} -static)
if(MUSL_GCC)
  remote_target(remote_target_musl ${MUSL_GCC})
  remote_target(remote_target_musl_static ${MUSL_GCC} -static)
endif()
add_library(remote_image_fixture SHARED ${CMAKE_CURRENT_SOURCE_DIR}/unit/profiler/remote_image_fixture.cc)
set_target_properties(remote_image_fixture PROPERTIES FLARESTACK_AGENT ON)
target_compile_options(remote_image_fixture PRIVATE -O1 -fPIC -ffreestanding -fvisibility=hidden -fno-stack-protector
  -fcf-protection=none)
target_link_options(remote_image_fixture PRIVATE -nostdlib -Wl,-z,now -Wl,-z,relro -Wl,-Bsymbolic -Wl,-e,fixture_entry)
add_dependencies(unit_profiler remote_image_fixture)
