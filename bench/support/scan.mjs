/** A synthetic CT, a noisy body in air with ellipsoids as organs, and its label map. */
import { Volume } from "../../dist/index.js";
import { uniform } from "./random.mjs";

/** Shape, (z, y, x), in the usual stored order: x to the left and y to the back. */
export const scanShape = [200, 512, 512];
export const scanSpacing = [2.5, 0.8, 0.8];

/** @returns int16 HU and uint8 labels 1 … organs, the same every time. */
export async function makeScan(organs, shape = scanShape) {
  const [nz, ny, nx] = shape;
  const labels = new Uint8Array(nz * ny * nx);
  for (let label = 1; label <= organs; label++) paintOrgan(labels, shape, label, organs);
  const image = new Int16Array(labels.length);
  const random = uniform(7);
  for (let z = 0, i = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, i++) {
        const inBody = ((2 * x) / nx - 1) ** 2 / 0.8 + ((2 * y) / ny - 1) ** 2 / 0.5 < 1;
        const label = labels[i];
        const hu = label > 0 ? 60 + ((97 * label) % 300) : inBody ? 0 : -1000;
        image[i] = hu + 40 * (random() - 0.5);
      }
    }
  }
  const [dz, dy, dx] = scanSpacing;
  const affine = [-dx, 0, 0, 200, 0, -dy, 0, 200, 0, 0, dz, 0, 0, 0, 0, 1];
  const geometry = { shape, affine };
  return {
    image: await Volume.fromArray(image, geometry),
    labels: await Volume.fromArray(labels, geometry),
  };
}

/** An ellipsoid on a spiral through the body. */
function paintOrgan(labels, shape, label, organs) {
  const [nz, ny, nx] = shape;
  const center = [
    (nz * label) / (organs + 1),
    ny / 2 + 0.2 * ny * Math.sin(2.4 * label),
    nx / 2 + 0.25 * nx * Math.cos(2.4 * label),
  ];
  const radius = [10 + (label % 3) * 4, 30 + (label % 5) * 6, 30 + (label % 4) * 8];
  const [z0, y0, x0] = center.map((c, a) => Math.max(0, Math.ceil(c - radius[a])));
  const [z1, y1, x1] = center.map((c, a) => Math.min(shape[a] - 1, Math.floor(c + radius[a])));
  for (let z = z0; z <= z1; z++) {
    for (let y = y0; y <= y1; y++) {
      for (let x = x0; x <= x1; x++) {
        const distance = [z, y, x].reduce(
          (sum, v, a) => sum + ((v - center[a]) / radius[a]) ** 2,
          0,
        );
        if (distance <= 1) labels[(z * ny + y) * nx + x] = label;
      }
    }
  }
}
