/**
 * `node dcmqi-seg.mjs MODULES SEG.dcm`: a segmentation as dcmqi's reader in ITK's wasm has it, as JSON: its size (x, y, z), the LPS
 * mm of its first voxel and of the next ones along x, y and z, and the segments' names with the voxels that each has.
 */
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, path] = process.argv.slice(2);
const entry = join(modules, "node_modules/@itk-wasm/dicom/dist/index-node.js");
const { readOverlappingSegmentationNode } = await import(pathToFileURL(entry).href);
const { segImage, metaInfo } = await readOverlappingSegmentationNode(path, {});
const { size, spacing, origin, direction, data, imageType } = segImage;
const point = (...index) =>
  [0, 1, 2].map((row) =>
    index.reduce(
      (sum, each, axis) => sum + direction[3 * row + axis] * spacing[axis] * each,
      origin[row],
    ),
  );
const count = imageType.components;
const segments = metaInfo.segmentAttributes.map(([{ SegmentLabel }], segment) => {
  const voxels = [];
  for (let i = 0; i * count < data.length; i++) if (data[i * count + segment] > 0) voxels.push(i);
  return [SegmentLabel, voxels];
});
const corners = [point(0, 0, 0), point(1, 0, 0), point(0, 1, 0), point(0, 0, 1)];
console.log(JSON.stringify({ size, corners, segments }));
process.exit(0);
