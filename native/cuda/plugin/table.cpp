// Exceptions become codes here, C arrays spans.
#include "cuda/plugin/table.hpp"

#include <algorithm>
#include <new>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "cuda/plugin/devices.hpp"
#include "cuda/plugin/session.hpp"

namespace medlsam::cuda {
namespace {

thread_local std::string last_error;

std::int32_t fail(ErrorCode code, const std::string& message) {
  last_error = message;
  return 1 + static_cast<std::int32_t>(code);
}

std::string describe_memory(const Session& session) {
  const auto megabytes = [](std::int64_t bytes) { return std::to_string(bytes >> 20) + " MB"; };
  return "The scan holds " + megabytes(session.memory()) + " of cuda:" + std::to_string(session.device()) +
         ", where " + megabytes(free_memory()) + " are free.";
}

template <class Body>
std::int32_t guarded(Body&& body) {
  try {
    body();
    return 0;
  } catch (const Error& error) {
    return fail(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(ErrorCode::kInternal, "Out of memory.");
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInternal, error.what());
  }
}

// Calls body, and once more where memory did not suffice and volumes that nobody uses could give way.
template <class Body>
void with_room(int device, Body&& body) {
  try {
    body();
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kOutOfMemory || !shared_volumes().give_way(device)) throw;
    body();
  }
}

// Calls body(session) with the session's device as the thread's. Where memory did not suffice, what nobody
// uses is given back, so that less at once has all the room that there is.
template <class Body>
std::int32_t in_session(void* session, Body&& body) {
  return guarded([&] {
    Session& open = *static_cast<Session*>(session);
    const DeviceScope scope(open.device());
    try {
      with_room(open.device(), [&] { body(open); });
    } catch (const Error& error) {
      if (error.code() != ErrorCode::kOutOfMemory) throw;
      open.release_unused();
      throw Error(error.code(), std::string(error.what()) + ' ' + describe_memory(open));
    }
  });
}

std::int32_t list_devices(MedlsamCudaDevice* devices, std::int32_t capacity, std::int32_t* count) {
  return guarded([&] {
    const DeviceCount found = count_devices();
    require_devices(found);
    *count = std::min(found.count, capacity);
    for (std::int32_t i = 0; i < *count; ++i) {
      const DeviceProperties properties = device_properties(i);
      MedlsamCudaDevice& device = devices[i];
      device = {};
      properties.name.copy(device.name, sizeof device.name - 1);
      device.memory = properties.memory;
      device.major = properties.major;
      device.minor = properties.minor;
      device.multiprocessors = properties.multiprocessors;
    }
  });
}

std::int32_t create_templates(std::int32_t device, std::int32_t points, std::int32_t channels,
                              std::int32_t scales, const std::int32_t* sizes, const float* const* kernels,
                              void** templates) {
  return guarded([&] {
    require_device(device);
    const std::size_t count = scales;
    with_room(device, [&] {
      *templates = new TemplateKernels(device, points, channels, {sizes, count}, {kernels, count});
    });
  });
}

void copy_range(const Range& from, MedlsamCudaRange* to) {
  *to = {from.min, from.max, from.finite};
}

std::int32_t find_peaks(void* session, const void* templates, const MedlsamCudaFeatures* scales,
                        std::int32_t scale_count, std::int32_t patch, const MedlsamCudaPoint* points,
                        std::int32_t point_count, MedlsamCudaPeak* peaks) {
  return in_session(session, [&](Session& open) {
    const std::size_t some = scale_count, many = point_count;
    const auto found = open.find_peaks(*static_cast<const TemplateKernels*>(templates), {scales, some}, patch,
                                       {points, many});
    for (std::size_t i = 0; i < many; ++i)
      peaks[i] = {{found[i].voxel[0], found[i].voxel[1], found[i].voxel[2]}, found[i].value};
  });
}

std::int32_t decode_masks(void* session, const MedlsamCudaLogits* logits, MedlsamCudaMask* masks) {
  return in_session(session, [&](Session& open) {
    for (const MaskExtent& found : open.decode_masks(*logits)) {
      const bool empty = found.height() == 0;
      *masks++ = {empty ? 0 : found.top,
                  empty ? 0 : found.left,
                  static_cast<std::int32_t>(found.height()),
                  static_cast<std::int32_t>(found.width()),
                  found.voxels,
                  found.sum};
    }
  });
}

std::int32_t keep_masks(void* session, std::int32_t values, MedlsamCudaKeptMask* masks, std::int64_t* bytes) {
  return in_session(session, [&](Session& open) {
    const auto kept = open.keep_masks(static_cast<MaskValues>(values));
    *bytes = kept ? open.kept_bytes() : -1;
    if (!kept) return;
    for (const KeptMask& mask : *kept) *masks++ = {mask.offset, mask.planes};
  });
}

void fill_sessions(MedlsamCudaTable& table) {
  table.open_session = [](std::int32_t device, void* stream, void** session) {
    return guarded([&] { *session = new Session(device, stream); });
  };
  table.close_session = [](void* session) { delete static_cast<Session*>(session); };
  table.stream = [](void* session) { return static_cast<Session*>(session)->stream(); };
  table.synchronize = [](void* session) {
    return in_session(session, [](Session& open) { synchronize(open.stream()); });
  };
  table.wait_for = [](void* session, void* stream) {
    return in_session(session, [&](Session& open) { wait_for(open.stream(), stream); });
  };
  table.memory = [](void* session) { return static_cast<Session*>(session)->memory(); };
  table.allocate = [](void* session, std::size_t bytes, void** pointer) {
    return in_session(session, [&](Session& open) { *pointer = open.tensors().take(bytes); });
  };
  table.release = [](void* session, void* pointer) {
    return in_session(session, [&](Session& open) { open.tensors().give_back(pointer); });
  };
  table.to_device = [](void* session, const void* host, std::size_t bytes, void* device) {
    return in_session(session, [&](Session& open) {
      open.staging().upload(device, host, bytes, open.stream());
      synchronize(open.stream());
    });
  };
  table.to_host = [](void* session, const void* device, std::size_t bytes, void* host) {
    return in_session(session,
                      [&](Session& open) { open.staging().download(host, device, bytes, open.stream()); });
  };
}

void fill_localization(MedlsamCudaTable& table) {
  table.load_volume = [](void* session, const MedlsamCudaVolume* volume) {
    return in_session(session, [&](Session& open) { open.load_volume(*volume); });
  };
  table.share_volume = [](void* session, void** shared) {
    return in_session(session, [&](Session& open) { *shared = shared_volumes().add(open.share_volume()); });
  };
  table.use_volume = [](void* session, const void* shared, std::int32_t* is_there) {
    return in_session(session, [&](Session& open) {
      auto volume = shared_volumes().find(shared);
      *is_there = volume ? 1 : 0;
      if (volume) open.use_volume(std::move(volume));
    });
  };
  table.release_volume = [](void* shared) { shared_volumes().remove(shared); };
  table.stored_range = [](void* session, MedlsamCudaRange* range) {
    return in_session(session, [&](Session& open) { copy_range(open.stored_range(), range); });
  };
  table.resample = [](void* session, const MedlsamCudaOperator* axes, MedlsamCudaRange* range) {
    return in_session(session, [&](Session& open) {
      copy_range(open.resample(std::span<const MedlsamCudaOperator, 3>(axes, 3)), range);
    });
  };
  table.fill_grid = [](void* session, const MedlsamCudaGridLayout* layout, const float** grid) {
    return in_session(session, [&](Session& open) { *grid = open.fill_grid(*layout); });
  };
  table.keep_grid = [](void* session) { in_session(session, [](Session& open) { open.keep_grid(); }); };
  table.load_grid = [](void* session, const float* values, const std::int64_t* shape) {
    return in_session(session, [&](Session& open) {
      open.load_grid(values, {shape[0], shape[1], shape[2]});
    });
  };
  table.gather_patches = [](void* session, const std::int64_t* centers, std::int32_t count, std::int64_t edge,
                            std::int32_t type, void* out) {
    return in_session(session, [&](Session& open) {
      open.gather_patches({centers, 3 * static_cast<std::size_t>(count)}, edge, static_cast<Element>(type),
                          out);
    });
  };
  table.create_templates = create_templates;
  table.destroy_templates = [](void* templates) { delete static_cast<TemplateKernels*>(templates); };
  table.find_peaks = find_peaks;
  table.support_kernels = [](void* session, const MedlsamCudaFeatures* features, std::int32_t channels,
                             std::int32_t size, std::int32_t patches, float* kernels) {
    return in_session(
        session, [&](Session& open) { open.support_kernels(*features, channels, size, patches, kernels); });
  };
}

void fill_segmentation(MedlsamCudaTable& table) {
  table.set_slices = [](void* session, const MedlsamCudaSlices* slices) {
    return in_session(session, [&](Session& open) { open.set_slices(*slices); });
  };
  table.prepare_slices = [](void* session, const std::int64_t* slices, std::int32_t count, std::int32_t type,
                            void* out) {
    return in_session(session, [&](Session& open) {
      open.prepare_slices({slices, static_cast<std::size_t>(count)}, static_cast<Element>(type), out);
    });
  };
  table.begin_masks = [](void* session, std::int64_t slice) {
    return in_session(session, [&](Session& open) { open.begin_masks(slice); });
  };
  table.decode_masks = decode_masks;
  table.keep_masks = keep_masks;
  table.read_masks = [](void* session, std::uint8_t* planes) {
    return in_session(session, [&](Session& open) { open.read_masks(planes); });
  };
}

MedlsamCudaTable make_table() {
  MedlsamCudaTable table{};
  table.runtime_version = runtime_version();
  table.architectures = MEDLSAM_CUDA_ARCHITECTURES;
  table.pool_bytes = MemoryPool::kMostUnused;
  table.mask_bytes = MaskRoom::kBytes;
  table.last_error = [] { return last_error.c_str(); };
  table.driver_version = [] { return static_cast<std::int32_t>(driver_version()); };
  table.devices = list_devices;
  fill_sessions(table);
  fill_localization(table);
  fill_segmentation(table);
  return table;
}

}  // namespace

const MedlsamCudaTable& plugin_table() {
  static const MedlsamCudaTable table = make_table();
  return table;
}

}  // namespace medlsam::cuda
