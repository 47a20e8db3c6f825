/** How networks can compute: for programs, and for the command's help, which does not load the addon. */

/** Names of the runtimes. */
export const runtimeNames = ["cpu", "onnx", "torch"] as const;

/** Types that networks can compute in; which of them, the runtime says. */
export const precisionNames = ["float32", "bfloat16", "float16"] as const;

/** Where and how precisely networks compute where nothing else is asked for. */
export const computeDefaults = { device: "auto", precision: "float32" } as const;
