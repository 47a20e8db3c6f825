/**
 * The words for a phantom, each list in the order of its enumeration in native/phantom, which crosses the boundary as a
 * number. The file does not load the addon: the command's help lists the regions, too.
 */

/** Parts of the body that a phantom's scan can show. */
export const phantomRegions = ["whole", "trunk", "abdomen", "thorax", "head"] as const;
export const phantomArms = ["up", "down", "absent"] as const;
/** Phases of contrast medium. */
export const phantomPhases = ["none", "arterial", "portal-venous"] as const;

/** Parts of how phantoms resemble patients: pose and field of view, tissues, the scanner and what lies in it. */
export const phantomRealism = ["pose", "tissue", "scanner"] as const;

export type PhantomRealism = (typeof phantomRealism)[number];
export type PhantomRegion = (typeof phantomRegions)[number];
