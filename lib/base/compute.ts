/** Where and how precisely networks compute by default: for programs, and for the command's help, which does not load the addon. */
export const computeDefaults = { device: "cpu", precision: "float32" } as const;
