/** Handles: type-tagged references to objects in native memory. */

declare const kind: unique symbol;
/** A type-tagged reference to an object in native memory; `release` frees it early, garbage collection late. */
export type Handle<Kind extends string> = object & { readonly [kind]: Kind };
export type VolumeHandle = Handle<"volume">;
export type GridHandle = Handle<"grid">;
export type LabelGridHandle = Handle<"labelGrid">;
export type CheckpointHandle = Handle<"checkpoint">;
export type MedLamHandle = Handle<"medlam">;
export type TemplatesHandle = Handle<"templates">;
export type SamHandle = Handle<"sam">;
export type MasksHandle = Handle<"masks">;
export type SlicePlanHandle = Handle<"slicePlan">;
export type TrainerHandle = Handle<"trainer">;
export type CancelHandle = Handle<"cancel">;
