"""Reading a safetensors checkpoint of float32."""

import json
import struct

import numpy


def read_weights(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    data = numpy.memmap(path, numpy.uint8, "r", offset=8 + length)
    return {
        name: data[slice(*entry["data_offsets"])].view(numpy.float32).reshape(entry["shape"])
        for name, entry in header.items()
    }
