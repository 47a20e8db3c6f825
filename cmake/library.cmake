# One folder under native/ is one static library, medlsam_<folder>, whose sources its CMakeLists.txt lists: the only
# list of them. DEPENDS names the folders it may include and link; scripts/check-architecture.mjs holds the includes
# against ARCHITECTURE.md. TESTS, which lie beside the sources, become one program, run by ctest as <folder>; with
# EVERY_LEVEL, for code that base/simd.hpp dispatches, once for each instruction set as well.
function(medlsam_library folder)
  cmake_parse_arguments(arg "EVERY_LEVEL" "" "SOURCES;DEPENDS;LIBRARIES;TESTS;TEST_DEPENDS" ${ARGN})
  string(REPLACE "/" "_" name ${folder})
  if(arg_SOURCES)
    add_library(medlsam_${name} STATIC ${arg_SOURCES})
    set(scope PUBLIC)
  else()
    add_library(medlsam_${name} INTERFACE)
    set(scope INTERFACE)
  endif()
  target_link_libraries(medlsam_${name} ${scope} medlsam_options ${arg_LIBRARIES})
  foreach(dependency IN LISTS arg_DEPENDS)
    target_link_libraries(medlsam_${name} ${scope} medlsam_${dependency})
  endforeach()
  if(MEDLSAM_TESTS AND arg_TESTS)
    set(levels "")
    if(arg_EVERY_LEVEL)
      set(levels EVERY_LEVEL)
    endif()
    medlsam_tests(${name} SOURCES ${arg_TESTS} DEPENDS ${name} ${arg_TEST_DEPENDS} ${levels})
  endif()
endfunction()

# A program of doctest's tests, medlsam_<name>_tests, run by ctest as <name> and, with EVERY_LEVEL, as <name>-<level>.
function(medlsam_tests name)
  cmake_parse_arguments(arg "EVERY_LEVEL" "" "SOURCES;DEPENDS;ENVIRONMENT" ${ARGN})
  if(NOT TARGET medlsam_test_main)  # once: doctest's own code takes seconds to compile
    add_library(medlsam_test_main OBJECT ${CMAKE_SOURCE_DIR}/native/testing/main.cpp)
    target_link_libraries(medlsam_test_main PRIVATE doctest medlsam_options)
  endif()
  add_executable(medlsam_${name}_tests ${arg_SOURCES})
  target_link_libraries(medlsam_${name}_tests PRIVATE medlsam_test_main doctest medlsam_base)
  foreach(dependency IN LISTS arg_DEPENDS)
    target_link_libraries(medlsam_${name}_tests PRIVATE medlsam_${dependency})
  endforeach()
  target_compile_definitions(medlsam_${name}_tests PRIVATE
    CONFORMANCE_DIR="${CMAKE_SOURCE_DIR}/test/conformance/data")
  add_test(NAME ${name} COMMAND medlsam_${name}_tests)
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "${arg_ENVIRONMENT}")
  # Under sanitizers only the baseline is compiled. A level that the machine lacks is skipped (native/testing/main.cpp).
  if(arg_EVERY_LEVEL AND NOT MEDLSAM_SANITIZE)
    foreach(level baseline avx2 avx512)
      add_test(NAME ${name}-${level} COMMAND medlsam_${name}_tests)
      set_tests_properties(${name}-${level} PROPERTIES
        ENVIRONMENT "${arg_ENVIRONMENT};MEDLSAM_SIMD=${level}" SKIP_RETURN_CODE 77)
    endforeach()
  endif()
endfunction()
