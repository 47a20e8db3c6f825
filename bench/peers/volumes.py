"""Reading what the benchmarks write."""

import struct

from serving import require

numpy = require("numpy")

TYPES = {2: numpy.uint8, 4: numpy.int16}


def read(path):
    """An uncompressed NIfTI-1 file of one volume, (z, y, x)."""
    with open(path, "rb") as file:
        header = file.read(348)
    shape = struct.unpack_from("<3h", header, 42)[::-1]
    dtype = TYPES[struct.unpack_from("<h", header, 70)[0]]
    offset = int(struct.unpack_from("<f", header, 108)[0])
    return numpy.fromfile(path, dtype, offset=offset).reshape(shape)
