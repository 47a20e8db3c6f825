# One folder under native/ is one static library, medlsam_<folder>, whose sources its CMakeLists.txt lists: the only
# list of them. DEPENDS names the folders it may include and link; scripts/check-architecture.mjs holds the includes
# against ARCHITECTURE.md. TESTS, which lie beside the sources, become one program, run by ctest as <folder>.
function(medlsam_library folder)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS;LIBRARIES;TESTS;TEST_DEPENDS" ${ARGN})
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
    medlsam_tests(${name} SOURCES ${arg_TESTS} DEPENDS ${name} ${arg_TEST_DEPENDS})
  endif()
endfunction()

# A program of doctest's tests, medlsam_<name>_tests.
function(medlsam_tests name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPENDS" ${ARGN})
  add_executable(medlsam_${name}_tests ${CMAKE_SOURCE_DIR}/native/testing/main.cpp ${arg_SOURCES})
  target_link_libraries(medlsam_${name}_tests PRIVATE doctest)
  foreach(dependency IN LISTS arg_DEPENDS)
    target_link_libraries(medlsam_${name}_tests PRIVATE medlsam_${dependency})
  endforeach()
  target_compile_definitions(medlsam_${name}_tests PRIVATE
    CONFORMANCE_DIR="${CMAKE_SOURCE_DIR}/test/conformance/data")
  add_test(NAME ${name} COMMAND medlsam_${name}_tests)
endfunction()
