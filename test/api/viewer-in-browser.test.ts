/** The page of results, opened from its file in Chromium as a person would. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Browser, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { evaluate, makePhantom } from "../../lib/index.js";
import { writePage } from "../../lib/viewer/page.js";

const executable = [
  process.env.CHROMIUM,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => path && existsSync(path));
if (executable === undefined) {
  console.warn("No Chromium (CHROMIUM, or Debian's chromium): the page of results is not opened.");
}

/** Software WebGL 2, and no connection of the browser's own. */
const flags = [
  ...["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
  ...["--disable-quic", "--no-first-run"],
];

describe.runIf(executable !== undefined)("the page of results in Chromium", () => {
  const folder = mkdtempSync(join(tmpdir(), "medlsam-viewer-"));
  const file = join(folder, "page.html");
  const complaints: string[] = [];
  const requests: string[] = [];
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    const { image, labels, names } = await makePhantom({
      seed: 3,
      region: "abdomen",
      spacing: [8, 6, 6],
    });
    const [scan, masks] = [join(folder, "scan.nii.gz"), join(folder, "masks.nii.gz")];
    await Promise.all([image.write(scan), labels.write(masks)]);
    const truth = (await evaluate({ prediction: labels, truth: labels })).organs;
    const shown = [...names].flatMap(([label, name]) => {
      const box = truth[label]?.truth.box;
      return box ? [{ name, label, present: true, box, truth: box, cells: ["1.00"] }] : [];
    });
    await writePage(
      file,
      {
        ...{ title: "A phantom", note: "Synthetic.", about: [], columns: ["Dice"] },
        ...{ organs: shown, image: scan, masks, shape: image.shape, affine: image.affine },
      },
      {},
    );
    browser = await chromium.launch({ executablePath: executable as string, args: flags });
    page = await browser.newPage({ viewport: { width: 700, height: 500 } });
    page.setDefaultTimeout(600_000);
    page.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) complaints.push(message.text());
    });
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("request", (request) => requests.push(request.url()));
    await page.goto(pathToFileURL(file).href);
    await page.waitForSelector("body[data-ready=yes]", { state: "attached", timeout: 600_000 });
  });
  afterAll(async () => {
    await browser?.close();
    rmSync(folder, { recursive: true });
  });

  const picture = (id: string) => page.locator(`#${id}`).screenshot();

  /** How many colors a picture has, which another page decodes. */
  async function colorsOf(png: Buffer): Promise<number> {
    const decoder = await browser.newPage();
    const count = await decoder.evaluate<number>(`(async () => {
      const image = new Image();
      image.src = "data:image/png;base64,${png.toString("base64")}";
      await image.decode();
      const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
      const context = canvas.getContext("2d");
      context.drawImage(image, 0, 0);
      return new Set(new Uint32Array(context.getImageData(0, 0, image.width, image.height).data.buffer)).size;
    })()`);
    await decoder.close();
    return count;
  }

  it("paints slices and body, loads nothing and complains of nothing", async () => {
    expect(await page.isVisible("#failure")).toBe(false);
    expect(await page.isVisible("#no-webgl")).toBe(false);
    for (const id of ["planes", "body"]) {
      expect(await colorsOf(await picture(id)), id).toBeGreaterThan(100);
    }
    expect(complaints).toEqual([]);
    // Its own file, and what niivue has within it.
    expect(requests.filter((url) => !/^(data|blob):/.test(url))).toEqual([
      pathToFileURL(file).href,
    ]);
  });

  it("goes to an organ that is clicked, and shows its boxes alone", async () => {
    const before = await picture("planes");
    const organ = page.locator('tr[data-organ="urinary_bladder"]');
    await organ.click();
    expect(await organ.getAttribute("class")).toContain("selected");
    expect((await picture("planes")).equals(before)).toBe(false);
    expect(await page.textContent("#location")).toMatch(/HU at .*mm \(RAS\), urinary_bladder$/);
    await organ.click();
    expect((await organ.getAttribute("class")) ?? "").not.toContain("selected");
  });

  it("hides boxes and masks, and changes the window", async () => {
    let before = await picture("planes");
    const changes = async () => {
      const now = await picture("planes");
      const changed = !now.equals(before);
      before = now;
      return changed;
    };
    await page.uncheck("#boxes-shown");
    expect(await changes()).toBe(true);
    await page.fill("#opacity", "0");
    expect(await changes()).toBe(true);
    await page.selectOption("#window", "bone");
    expect(await changes()).toBe(true);
    expect(complaints).toEqual([]);
  });

  it.each([1280, 400])("nothing overlaps or sticks out at %i pixels", async (width) => {
    await page.setViewportSize({ width, height: 900 });
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(width);
    const boxes = await Promise.all(
      ["#planes", "#body", "table"].map((each) => page.locator(each).boundingBox()),
    );
    for (const [i, a] of boxes.entries()) {
      for (const b of boxes.slice(i + 1)) {
        if (a === null || b === null) throw new Error("a part of the page is not shown");
        const apart =
          a.x + a.width <= b.x + 1 ||
          b.x + b.width <= a.x + 1 ||
          a.y + a.height <= b.y + 1 ||
          b.y + b.height <= a.y + 1;
        expect(apart, JSON.stringify([a, b])).toBe(true);
      }
    }
  });
});
