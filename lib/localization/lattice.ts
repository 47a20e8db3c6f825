import { z } from "zod";

/** Voxels between the centers of search patches that lie on a lattice; 0: they lie where their points do. */
export const aLattice = z.literal([0, 8, 16]);
export type Lattice = z.infer<typeof aLattice>;
