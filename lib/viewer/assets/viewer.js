// The viewer of a page of results (lib/page): three slices and a body of organs, on niivue, from data in the page itself.
// It runs in a browser, opened from a file: no modules, nothing to load.
/* global niivue */
(() => {
  const byId = (id) => document.getElementById(id);
  const { affine, shape, organs } = JSON.parse(byId("data").textContent);

  const gl = document.createElement("canvas").getContext("webgl2");
  if (gl === null || typeof niivue === "undefined") {
    byId("no-webgl").hidden = false;
    byId("view").hidden = true;
    return;
  }
  gl.getExtension("WEBGL_lose_context")?.loseContext();

  const windows = { "soft tissue": [-160, 240], lung: [-1350, 150], bone: [-250, 1250] };
  const white = 255; // in the volume of boxes: the truth's

  /** Colours by value: a table for label volumes. */
  function labelColors(entries) {
    const all = [[0, "", [0, 0, 0], 0], ...entries];
    return {
      I: all.map(([value]) => value),
      labels: all.map(([, name]) => name),
      R: all.map(([, , [red]]) => red),
      G: all.map(([, , [, green]]) => green),
      B: all.map(([, , [, , blue]]) => blue),
      A: all.map(([, , , alpha = 255]) => alpha),
    };
  }
  const ofLabels = labelColors(organs.map(({ label, name, color }) => [label, name, color]));
  const ofBoxes = labelColors([
    ...organs.map(({ color }, i) => [i + 1, "", color]),
    [white, "", [255, 255, 255]],
  ]);

  const volume = (id, options) => {
    const { name, textContent } = {
      name: byId(id).dataset.name,
      textContent: byId(id).textContent,
    };
    return niivue.NVImage.loadFromBase64({ base64: textContent, name, ...options });
  };

  /** Voxel (x, y, z) → RAS mm. */
  const toWorld = ([x, y, z]) =>
    [0, 1, 2].map(
      (row) =>
        affine[4 * row] * x +
        affine[4 * row + 1] * y +
        affine[4 * row + 2] * z +
        affine[4 * row + 3],
    );
  const middle = ({ min, max }) => [2, 1, 0].map((axis) => (min[axis] + max[axis]) / 2);

  /** A stored box's bounds along x, y, z of the drawing, whose axes point right, anterior, superior. */
  function toDrawing({ min, max }, { permRAS, dimsRAS }) {
    return permRAS.slice(0, 3).map((signed, axis) => {
      const stored = 3 - Math.abs(signed); // (z, y, x)
      const last = dimsRAS[axis + 1] - 1;
      const bounds = [min[stored], max[stored]].map((bound) => Math.min(Math.max(bound, 0), last));
      return signed > 0 ? bounds : bounds.map((bound) => last - bound).reverse();
    });
  }

  /** Sets the voxels of a box's faces. */
  function drawShell(voxels, box, value, image) {
    const [, width, height] = image.dimsRAS;
    const [[left, right], [back, front], [low, high]] = toDrawing(box, image);
    for (let z = low; z <= high; z++) {
      for (let y = back; y <= front; y++) {
        const row = (z * height + y) * width;
        if (z === low || z === high || y === back || y === front) {
          voxels.fill(value, row + left, row + right + 1);
        } else {
          voxels[row + left] = value;
          voxels[row + right] = value;
        }
      }
    }
  }

  /** A box's twelve edges as bars, a mesh in RAS mm. */
  function edges({ min, max }, color, thickness) {
    const points = [];
    const triangles = [];
    const bounds = [2, 1, 0].map((axis) => [min[axis] - 0.5, max[axis] + 0.5]);
    for (let along = 0; along < 3; along++) {
      const [a, b] = [0, 1, 2].filter((axis) => axis !== along);
      for (let corner = 0; corner < 4; corner++) {
        const first = points.length / 3;
        for (let i = 0; i < 8; i++) {
          const voxel = [];
          voxel[along] = bounds[along][i & 1];
          voxel[a] = bounds[a][corner & 1] + ((i & 2) - 1) * thickness[a];
          voxel[b] = bounds[b][corner >> 1] + (((i & 4) >> 1) - 1) * thickness[b];
          points.push(...toWorld(voxel));
        }
        const quads = [0, 2, 6, 4, 1, 5, 7, 3, 0, 1, 3, 2, 4, 6, 7, 5, 0, 4, 5, 1, 2, 3, 7, 6];
        for (let q = 0; q < quads.length; q += 4) {
          const [i, j, k, l] = quads.slice(q, q + 4).map((index) => first + index);
          triangles.push(i, j, k, i, k, l);
        }
      }
    }
    const colors = new Uint8Array((points.length / 3) * 4);
    for (let i = 0; i < colors.length; i += 4) colors.set([...color, 255], i);
    return niivue.NVMeshUtilities.createMZ3(
      Float32Array.from(points),
      Uint32Array.from(triangles),
      false,
      colors,
    );
  }

  async function show() {
    const common = {
      backColor: [0.07, 0.08, 0.1, 1],
      dragAndDropEnabled: false,
      isColorbar: false,
      logLevel: "error",
      showLegend: false,
      loadingText: "",
    };
    const planes = new niivue.Niivue({
      ...common,
      isRadiologicalConvention: true,
      sagittalNoseLeft: true,
      multiplanarShowRender: 0,
      multiplanarPadPixels: 4,
      crosshairColor: [1, 1, 1, 0.5],
      crosshairWidth: 0.5,
      isNearestInterpolation: false,
    });
    const body = new niivue.Niivue({ ...common, isOrientCube: true, meshXRay: 0.15 });
    await planes.attachToCanvas(byId("planes"));
    await body.attachToCanvas(byId("body"));
    planes.setSliceType(planes.sliceTypeMultiplanar);
    body.setSliceType(body.sliceTypeRender);

    const [low, high] = windows["soft tissue"];
    const gray = { colormap: "gray", cal_min: low, cal_max: high };
    const ct = await volume("ct", gray);
    const masks = await volume("masks", { opacity: 0.5 });
    masks.setColormapLabel(ofLabels);
    for (const each of [ct, masks]) planes.addVolume(each);
    // Boxes are the drawing: a second label volume would cover the first.
    planes.createEmptyDrawing();
    planes.setDrawColormap(ofBoxes);
    planes.setDrawOpacity(0.9);

    // Bones alone of the CT, and the organs among them.
    const bones = await volume("ct", { colormap: "ct_bones", cal_min: 180, cal_max: 1200 });
    const organsOfBody = await volume("masks", { opacity: 1 });
    organsOfBody.setColormapLabel(ofLabels);
    for (const each of [bones, organsOfBody]) body.addVolume(each);
    body.setRenderAzimuthElevation(160, 12);
    body.setScale(1.5);

    const rows = [...document.querySelectorAll("tr[data-organ]")];
    const shown = { organ: -1, boxes: true };

    async function drawBoxes() {
      const drawing = planes.drawBitmap;
      drawing.fill(0);
      for (const mesh of [...body.meshes]) body.removeMesh(mesh);
      const truth = organs[shown.organ]?.truth;
      const thickness = [2, 1, 0].map((axis) => 0.004 * Math.max(...shape) * spacingOf(2, axis));
      const add = async (box, color) => {
        const mesh = edges(box, color, thickness);
        body.addMesh(await niivue.NVMesh.readMesh(mesh, "box.mz3", body.gl));
      };
      if (shown.boxes) {
        for (const [i, { boxes: parts, box, color, present }] of organs.entries()) {
          const wanted = shown.organ < 0 ? present : i === shown.organ;
          if (!wanted) continue;
          for (const part of parts) drawShell(drawing, part, i + 1, ct);
          if (box) await add(box, color);
        }
        if (truth) {
          drawShell(drawing, truth, white, ct);
          await add(truth, [255, 255, 255]);
        }
      }
      planes.refreshDrawing(true);
      body.drawScene();
    }

    /** How many voxels of an axis make one mm of the first. */
    function spacingOf(of, axis) {
      const length = (column) => Math.hypot(affine[column], affine[4 + column], affine[8 + column]);
      return length(2 - of) / length(2 - axis);
    }

    function select(index) {
      shown.organ = index === shown.organ ? -1 : index;
      for (const [i, row] of rows.entries()) row.classList.toggle("selected", i === shown.organ);
      const organ = organs[shown.organ];
      const target = organ?.truth ?? (organ?.present ? organ.box : undefined);
      if (target) {
        planes.scene.crosshairPos = planes.mm2frac(toWorld(middle(target)));
        planes.createOnLocationChange();
      }
      drawBoxes();
    }
    for (const [i, row] of rows.entries()) {
      row.addEventListener("click", () => select(i));
      row.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") select(i);
      });
    }

    byId("boxes-shown").addEventListener("change", ({ target }) => {
      shown.boxes = target.checked;
      drawBoxes();
    });
    byId("opacity").addEventListener("input", ({ target }) =>
      planes.setOpacity(1, Number(target.value)),
    );
    byId("window").addEventListener("change", ({ target }) => {
      [ct.cal_min, ct.cal_max] = windows[target.value];
      planes.updateGLVolume();
    });
    planes.onLocationChange = ({ values, mm }) => {
      const at = [...mm].slice(0, 3).map((value) => value.toFixed(0));
      const label = Math.round(values[1]?.value ?? 0);
      const organ = organs.find((each) => each.label === label);
      byId("location").textContent =
        `${Math.round(values[0]?.value ?? 0)} HU at ${at.join(", ")} mm (RAS)${organ ? `, ${organ.name}` : ""}`;
    };
    await drawBoxes();
    const first = organs.findIndex(({ present, box }) => present && box);
    const centre = organs[first]?.box
      ? middle(organs[first].box)
      : [...shape].reverse().map((n) => n / 2);
    planes.scene.crosshairPos = planes.mm2frac(toWorld(centre));
    planes.createOnLocationChange();
    planes.drawScene();
    document.body.dataset.ready = "yes";
  }

  show().catch((error) => {
    byId("failure").textContent = `The scan could not be shown: ${error.message ?? error}`;
    byId("failure").hidden = false;
  });
})();
