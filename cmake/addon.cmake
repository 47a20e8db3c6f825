# The addon, medlsam.node. cmake-js configures this and says where Node-API's headers are.

if(NOT DEFINED CMAKE_JS_INC)
  message(FATAL_ERROR "The addon is built by `npm run build:native`. For the C++ tests alone pass -DMEDLSAM_ADDON=OFF.")
endif()

set(MEDLSAM_OUTPUT_DIR "${CMAKE_SOURCE_DIR}/build/Release" CACHE PATH "Where medlsam.node goes, and nothing else")

set(MEDLSAM_ADDON_SOURCES
  native/networks/parameters.cpp
  native/networks/medlam_weights.cpp
  native/networks/sam_model.cpp
  native/networks/sam_prompts.cpp
  native/networks/sam_weights.cpp
  native/runtimes/onnxruntime/api.cpp
  native/runtimes/onnxruntime/attention_ops.cpp
  native/runtimes/onnxruntime/instance_norm_op.cpp
  native/runtimes/onnxruntime/operations.cpp
  native/runtimes/onnxruntime/empty_model.cpp
  native/runtimes/onnxruntime/execution.cpp
  native/runtimes/onnxruntime/graph_ops.cpp
  native/runtimes/onnxruntime/session.cpp
  native/runtimes/torch/library.cpp
  native/runtimes/torch/plugin_trainer.cpp
  native/localize/patches.cpp
  native/localize/place.cpp
  native/segment/slices.cpp
  native/addon/addon.cpp
  native/addon/arguments.cpp
  native/addon/handles.cpp
  native/addon/task_runner.cpp
  native/addon/volume_binding.cpp
  native/addon/grid_binding.cpp
  native/addon/checkpoint_binding.cpp
  native/addon/medlam_binding.cpp
  native/addon/metrics_binding.cpp
  native/addon/runtime.cpp
  native/addon/torch_binding.cpp
  native/addon/train_binding.cpp
  native/addon/templates_binding.cpp
  native/addon/sam_binding.cpp
  native/addon/masks_binding.cpp
  native/addon/slice_steps_binding.cpp
  native/addon/steps_binding.cpp
  native/addon/phantom_binding.cpp
)

file(READ package.json package)
string(JSON package_version GET "${package}" version)

add_library(medlsam SHARED ${MEDLSAM_ADDON_SOURCES} ${CMAKE_JS_SRC})
set_target_properties(medlsam PROPERTIES
  OUTPUT_NAME medlsam PREFIX "" SUFFIX ".node" LIBRARY_OUTPUT_DIRECTORY "${MEDLSAM_OUTPUT_DIR}"
  VISIBILITY_INLINES_HIDDEN ON)
target_compile_definitions(medlsam PRIVATE
  NAPI_VERSION=8 NAPI_CPP_EXCEPTIONS NODE_ADDON_API_DISABLE_DEPRECATED ORT_API_MANUAL_INIT
  MEDLSAM_VERSION="${package_version}")
target_include_directories(medlsam SYSTEM PRIVATE ${CMAKE_JS_INC})
target_link_libraries(medlsam PRIVATE medlsam_core onnxruntime_headers ${CMAKE_JS_LIB} ${CMAKE_DL_LIBS})
if(APPLE)
  # Node-API's functions are in the process that loads the addon.
  target_link_options(medlsam PRIVATE -undefined dynamic_lookup $<$<CONFIG:Release>:-Wl,-x>)
else()
  target_link_options(medlsam PRIVATE -Wl,--exclude-libs,ALL $<$<CONFIG:Release>:-s>)
endif()
