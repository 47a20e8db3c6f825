# The torch plugin, medlsam_torch.so: what needs libtorch. The addon loads it at run time, so nothing else depends on it.
# `npm run build:torch` finds libtorch and passes LIBTORCH, a folder with include/ and lib/.

set(LIBTORCH "" CACHE PATH "Folder of libtorch: include/ and lib/")
set(MEDLSAM_MIN_TORCH 2.6)
file(GLOB torch_version_header "${LIBTORCH}/include/torch/headeronly/version.h" "${LIBTORCH}/include/torch/version.h"
                               "${LIBTORCH}/include/torch/csrc/api/include/torch/version.h")
set(torch_version "")
foreach(header IN LISTS torch_version_header)
  file(STRINGS "${header}" lines REGEX "^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
  if(NOT torch_version AND lines MATCHES "MAJOR ([0-9]+).*MINOR ([0-9]+).*PATCH ([0-9]+)")
    set(torch_version "${CMAKE_MATCH_1}.${CMAKE_MATCH_2}.${CMAKE_MATCH_3}")
  endif()
endforeach()
if(NOT torch_version OR torch_version VERSION_LESS MEDLSAM_MIN_TORCH)
  message(FATAL_ERROR "No libtorch ${MEDLSAM_MIN_TORCH} or later in LIBTORCH='${LIBTORCH}' (found: '${torch_version}').\n"
    "Run `npm run build:torch`, which finds one, or set LIBTORCH to a folder with its include/ and lib/.")
endif()
message(STATUS "libtorch: ${torch_version}, ${LIBTORCH}")

add_library(libtorch INTERFACE)
target_include_directories(libtorch SYSTEM INTERFACE "${LIBTORCH}/include")
foreach(name c10 torch_cpu torch c10_cuda torch_cuda)
  set(file "${LIBTORCH}/lib/${CMAKE_SHARED_LIBRARY_PREFIX}${name}${CMAKE_SHARED_LIBRARY_SUFFIX}")
  if(EXISTS "${file}")
    target_link_libraries(libtorch INTERFACE "${file}")
    list(APPEND torch_libraries "${file}")
  endif()
endforeach()
if(NOT APPLE)
  # torch_cuda registers its kernels when it is loaded; nothing refers to it by name.
  target_link_options(libtorch INTERFACE -Wl,--no-as-needed)
endif()

add_library(medlsam_torch_objects STATIC
  native/networks/parameters.cpp
  native/networks/medlam_weights.cpp
  native/networks/sam_weights.cpp
  native/networks/sam_prompts.cpp
  native/runtimes/torch/caching_allocator.cpp
  native/runtimes/torch/instance_norm.cpp
  native/runtimes/torch/upsample.cpp
  native/runtimes/torch/aten_ops.cpp
  native/runtimes/torch/aten_attention.cpp
  native/runtimes/torch/aten_network.cpp
  native/training/augment.cpp
  native/training/batch.cpp
  native/training/losses.cpp
  native/training/scale_loss.cpp
  native/training/unit_features.cpp
  native/training/checkpoint_file.cpp
  native/training/folded_weights.cpp
  native/training/initial_weights.cpp
  native/training/optimizer.cpp
  native/training/peers.cpp
  native/training/sam_batch.cpp
  native/training/sam_initial_weights.cpp
  native/training/sam_losses.cpp
  native/training/sam_trainer.cpp
  native/training/sam_trainer_files.cpp
  native/training/trainer.cpp
  native/training/trainer_files.cpp
)
target_link_libraries(medlsam_torch_objects PUBLIC medlsam_core libtorch)

# Processes that train together talk through gloo, where libtorch has it. Its headers need those of gloo itself, which
# PyTorch's wheels leave out.
set(gloo_includes "${LIBTORCH}/include" "${LIBTORCH}/include/torch/csrc/api/include")
if(NOT EXISTS "${LIBTORCH}/include/gloo/context.h")
  list(APPEND gloo_includes "${CMAKE_SOURCE_DIR}/native/runtimes/torch/gloo_names")
endif()
include(CheckCXXSourceCompiles)
function(check_gloo)
  set(CMAKE_REQUIRED_INCLUDES ${gloo_includes})
  set(CMAKE_REQUIRED_LIBRARIES ${torch_libraries})
  check_cxx_source_compiles("
    #define USE_C10D_GLOO
    #include <torch/csrc/distributed/c10d/FileStore.hpp>
    #include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
    #include <torch/csrc/distributed/c10d/TCPStore.hpp>
    int main() {
      c10d::ProcessGroupGloo(c10::make_intrusive<c10d::FileStore>(\"\", 1), 0, 1).getSize();
    }" MEDLSAM_LIBTORCH_HAS_GLOO)
endfunction()
check_gloo()
if(MEDLSAM_LIBTORCH_HAS_GLOO)
  set_source_files_properties(native/training/peers.cpp PROPERTIES COMPILE_DEFINITIONS MEDLSAM_GLOO)
  target_include_directories(medlsam_torch_objects SYSTEM PRIVATE ${gloo_includes})
endif()

add_library(medlsam_torch SHARED
  native/runtimes/torch/plugin.cpp
  native/runtimes/torch/plugin_training.cpp
)
set_target_properties(medlsam_torch PROPERTIES
  PREFIX "" SUFFIX ".so" LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}" VISIBILITY_INLINES_HIDDEN ON
  BUILD_RPATH "${LIBTORCH}/lib")
target_link_libraries(medlsam_torch PRIVATE medlsam_torch_objects)
target_compile_definitions(medlsam_torch PRIVATE MEDLSAM_TORCH_VERSION="${torch_version}")
if(NOT APPLE)
  target_link_options(medlsam_torch PRIVATE -Wl,--exclude-libs,ALL)
endif()

# --- tests --------------------------------------------------------------------------------------------------
if(MEDLSAM_TORCH_TESTS)
  enable_testing()
  add_executable(medlsam_torch_tests
    native/tests/main.cpp
    native/tests/losses_test.cpp
    native/tests/instance_norm_test.cpp
    native/tests/sam_batch_test.cpp
    native/tests/sam_trainer_test.cpp
    native/tests/trainer_test.cpp
    native/tests/peers_test.cpp
    native/tests/sam_test.cpp
    native/tests/sam_runtime_torch.cpp
    native/networks/sam_model.cpp
    native/runtimes/torch/library.cpp
  )
  target_link_libraries(medlsam_torch_tests PRIVATE medlsam_torch_objects doctest ${CMAKE_DL_LIBS})
  target_compile_definitions(medlsam_torch_tests PRIVATE
    CONFORMANCE_DIR="${CMAKE_SOURCE_DIR}/test/conformance/data")
  set_target_properties(medlsam_torch_tests PROPERTIES BUILD_RPATH "${LIBTORCH}/lib")
  add_test(NAME torch COMMAND medlsam_torch_tests)
  set_tests_properties(torch PROPERTIES
    ENVIRONMENT "MEDLSAM_TORCH=$<TARGET_FILE:medlsam_torch>;OMP_WAIT_POLICY=passive")
endif()
