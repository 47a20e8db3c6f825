/** Where the organs of a label map are: whole boxes, and parts along head–foot as Sub-Patch Localization cuts them. */

/**
 * @param labels a label map of whole numbers up to 255.
 * @returns by label { box, parts(count), cut }: boxes are inclusive stored voxels (z, y, x), parts go from the lowest
 * up, `cut` says that the organ reaches the edge of the scan.
 */
export async function truthBoxes(labels) {
  const axis = 2 - [...labels.axes].findIndex((letter) => letter === "S" || letter === "I");
  const upward = labels.axes[2 - axis] === "S";
  const found = sliceBounds(await labels.stored(), labels.shape, axis);
  return new Map(
    [...found].map(([label, slices]) => {
      const box = union(slices.values());
      const cut = [0, 1, 2].some((a) => box.min[a] === 0 || box.max[a] === labels.shape[a] - 1);
      return [label, { box, cut, parts: (count) => cutParts(slices, box, count, axis, upward) }];
    }),
  );
}

/** By label, the box of its voxels on every slice of `axis` that has some. */
function sliceBounds(values, [nz, ny, nx], axis) {
  const found = new Map();
  let i = 0;
  for (let z = 0; z < nz; z++) {
    for (let y = 0; y < ny; y++) {
      for (let x = 0; x < nx; x++, i++) {
        const label = values[i];
        if (label === 0) continue;
        const slices = found.get(label) ?? new Map();
        if (slices.size === 0) found.set(label, slices);
        const slice = axis === 0 ? z : axis === 1 ? y : x;
        const box = slices.get(slice);
        if (box === undefined) slices.set(slice, { min: [z, y, x], max: [z, y, x] });
        else grow(box, z, y, x);
      }
    }
  }
  return found;
}

function grow({ min, max }, z, y, x) {
  if (z < min[0]) min[0] = z;
  if (y < min[1]) min[1] = y;
  if (x < min[2]) min[2] = x;
  if (z > max[0]) max[0] = z;
  if (y > max[1]) max[1] = y;
  if (x > max[2]) max[2] = x;
}

function union(boxes) {
  const [first, ...others] = boxes;
  const whole = { min: [...first.min], max: [...first.max] };
  for (const { min, max } of others) {
    grow(whole, ...min);
    grow(whole, ...max);
  }
  return whole;
}

/** Algorithm.md part 3 on stored slices. A part without a voxel takes the bounds of the one before it. */
function cutParts(slices, box, count, axis, upward) {
  const [low, high] = [box.min[axis], box.max[axis]];
  const parts = Math.max(1, Math.min(count, high - low));
  const step = Math.floor((high - low) / parts);
  const at = (height) => (upward ? low + height : high - height);
  let bounds = box;
  return Array.from({ length: parts }, (_, i) => {
    const ends = [at(i * step), i + 1 === parts ? at(high - low) : at((i + 1) * step)];
    const [from, to] = [Math.min(...ends), Math.max(...ends)];
    const within = [...slices].filter(([slice]) => slice >= from && slice <= to);
    if (within.length > 0) bounds = union(within.map(([, each]) => each));
    const part = { min: [...bounds.min], max: [...bounds.max] };
    [part.min[axis], part.max[axis]] = [from, to];
    return part;
  });
}
