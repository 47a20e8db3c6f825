/** A GPU for tests on machines without one: libraries that stand in for NVIDIA's driver and for both plugins. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const folder = fileURLToPath(new URL("../../build-cmake/stand-ins", import.meta.url));

/** An environment with one GPU, which native/testing/stand_in_torch.cpp and stand_in_cuda.cpp compute on; their comments have what else can be set. */
export const standIn = {
  MEDLSAM_CUDA_DRIVER: join(folder, "medlsam_stand_in_driver.so"),
  MEDLSAM_TORCH: join(folder, "medlsam_stand_in_torch.so"),
  MEDLSAM_CUDA: join(folder, "medlsam_stand_in_cuda.so"),
};

/** An environment without a driver. */
export const noDriver = { MEDLSAM_CUDA_DRIVER: "/nowhere/libcuda.so.1" };
