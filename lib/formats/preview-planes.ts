/** Planes of a preview's slices, in the addon's numbering. */
export const previewPlanes = ["axial", "coronal", "sagittal"] as const;

/** The plane of a slice, by the name that radiology gives it. */
export type PreviewPlane = (typeof previewPlanes)[number];
