/** The largest seed of random numbers: seeds are whole numbers of 32 bits, from 0. */
export const maxSeed = 2 ** 32 - 1;
