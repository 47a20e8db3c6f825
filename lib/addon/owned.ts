/** Native objects with an owner in JavaScript, which frees them. */
import { UsageError } from "../base/errors.js";
import type { Handle } from "./contract/index.js";
import { native } from "./loader.js";

/** A native object that its owner frees once and that cannot be used afterwards. */
export class Owned<Kind extends Handle<string>> {
  /** The object's name in messages: "The volume q.nii.gz". */
  name: string;
  #handle: Kind | undefined;

  constructor(handle: Kind, name: string) {
    this.#handle = handle;
    this.name = name;
  }

  /** @throws UsageError if it was closed. */
  get handle(): Kind {
    if (this.#handle !== undefined) return this.#handle;
    throw new UsageError(`${this.name} is closed. Close it after its last use, or open it again.`);
  }

  /** Frees the native object as soon as no call uses it; doing so again has no effect. */
  close(): void {
    const handle = this.#handle;
    this.#handle = undefined;
    if (handle !== undefined) native.release(handle);
  }
}
