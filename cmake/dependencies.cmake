# Finds the build's dependencies. Missing ones are fetched into a cache folder of the user and used from there; nothing
# is installed. A second configure finds them in the cache.

if(NOT "$ENV{XDG_CACHE_HOME}" STREQUAL "")
  set(MEDLSAM_CACHE "$ENV{XDG_CACHE_HOME}/medlsam")
elseif(NOT "$ENV{HOME}" STREQUAL "")
  set(MEDLSAM_CACHE "$ENV{HOME}/.cache/medlsam")
else()
  set(MEDLSAM_CACHE "${CMAKE_BINARY_DIR}/cache")
endif()

# Sets RESULT to the folder into which the Debian package was unpacked or, if that failed, to "" and RESULT_LOG to the
# reason. SUITE "system" is the suite from which this system installs.
function(medlsam_debian_package result package suite)
  set(folder "${MEDLSAM_CACHE}/${package}-${suite}")
  if(NOT EXISTS "${folder}")
    message(STATUS "Fetching Debian's ${package} (${suite}) into ${MEDLSAM_CACHE}")
    execute_process(COMMAND sh "${CMAKE_CURRENT_FUNCTION_LIST_DIR}/fetch-debian-package.sh" ${package} ${suite} "${folder}"
                    RESULT_VARIABLE failed OUTPUT_VARIABLE log ERROR_VARIABLE log TIMEOUT 300)
    if(failed)
      string(STRIP "${log}" log)
      set(folder "")
    endif()
  endif()
  set(${result} "${folder}" PARENT_SCOPE)
  set(${result}_LOG "${log}" PARENT_SCOPE)
endfunction()

# --- zlib ---------------------------------------------------------------------------------------------------
find_package(ZLIB QUIET)
if(NOT ZLIB_FOUND)
  # Every Debian has the library; the header may be missing.
  find_library(MEDLSAM_ZLIB NAMES libz.so.1)
  medlsam_debian_package(zlib zlib1g-dev system)
  if(NOT zlib OR NOT MEDLSAM_ZLIB)
    message(FATAL_ERROR "zlib was not found.\n"
      "  tried: CMake's FindZLIB\n  tried: Debian's zlib1g-dev: ${zlib_LOG}\n  tried: libz.so.1: ${MEDLSAM_ZLIB}\n"
      "Install its development files (Debian: zlib1g-dev, Fedora: zlib-devel) or set ZLIB_ROOT.")
  endif()
  add_library(ZLIB::ZLIB UNKNOWN IMPORTED)
  set_target_properties(ZLIB::ZLIB PROPERTIES
    IMPORTED_LOCATION "${MEDLSAM_ZLIB}" INTERFACE_INCLUDE_DIRECTORIES "${zlib}/usr/include")
endif()

# --- libdeflate: optional, inflates in half of zlib's time ------------------------------------------------------
# The static library alone, so that an addon that is built with it runs where it is not installed.
find_path(MEDLSAM_LIBDEFLATE_INCLUDE_DIR libdeflate.h)
find_library(MEDLSAM_LIBDEFLATE NAMES libdeflate.a)
add_library(medlsam_libdeflate INTERFACE)
if(MEDLSAM_LIBDEFLATE_INCLUDE_DIR AND MEDLSAM_LIBDEFLATE)
  target_include_directories(medlsam_libdeflate SYSTEM INTERFACE "${MEDLSAM_LIBDEFLATE_INCLUDE_DIR}")
  target_link_libraries(medlsam_libdeflate INTERFACE "${MEDLSAM_LIBDEFLATE}")
  target_compile_definitions(medlsam_libdeflate INTERFACE MEDLSAM_LIBDEFLATE)
endif()

# --- doctest: the C++ tests only ------------------------------------------------------------------------------
if(MEDLSAM_TESTS OR MEDLSAM_TORCH_TESTS)
  find_path(DOCTEST_INCLUDE_DIR doctest/doctest.h)
  set(doctest_include "${DOCTEST_INCLUDE_DIR}")
  if(NOT doctest_include)
    medlsam_debian_package(doctest_root doctest-dev system)
    if(NOT doctest_root)
      message(FATAL_ERROR "doctest was not found.\n"
        "  tried: the system's include folders\n  tried: Debian's doctest-dev: ${doctest_root_LOG}\n"
        "Install it (Debian: doctest-dev, Fedora: doctest-devel, Homebrew: doctest) or set DOCTEST_INCLUDE_DIR.")
    endif()
    set(doctest_include "${doctest_root}/usr/include")
  endif()
  add_library(doctest INTERFACE)
  target_include_directories(doctest SYSTEM INTERFACE "${doctest_include}")
endif()

# --- ONNX Runtime's headers: the library itself is loaded at run time ------------------------------------------
# The build of the CUDA plugin has no use for them, and may be on a machine without a network.
if(MEDLSAM_ADDON OR (MEDLSAM_TESTS AND NOT MEDLSAM_CUDA))
  include(onnxruntime_headers)
endif()
