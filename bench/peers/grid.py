"""SciPy on the localization grid: grid.py IMAGE.nii LABELS.nii ZOOM_Z ZOOM_Y ZOOM_X."""

import struct
import sys

from serving import require, serve

numpy = require("numpy")
ndimage = require("scipy.ndimage")
scipy = require("scipy")

TYPES = {2: numpy.uint8, 4: numpy.int16}


def read(path):
    """An uncompressed NIfTI-1 file of one volume, (z, y, x)."""
    with open(path, "rb") as file:
        header = file.read(348)
    shape = struct.unpack_from("<3h", header, 42)[::-1]
    dtype = TYPES[struct.unpack_from("<h", header, 70)[0]]
    offset = int(struct.unpack_from("<f", header, 108)[0])
    return numpy.fromfile(path, dtype, offset=offset).reshape(shape)


image = read(sys.argv[1]).astype(numpy.float64)
labels = read(sys.argv[2])
zoom = [float(text) for text in sys.argv[3:6]]


def one_hot_labels():
    """As published, trilinear on a mask of every class; one class at a time, to spare the gigabytes."""
    winner = None
    for label in numpy.unique(labels):
        weight = ndimage.zoom((labels == label).astype(numpy.float32), zoom, order=1, grid_mode=True, mode="nearest")
        if winner is None:
            winner, most = numpy.full(weight.shape, label), weight
            continue
        better = weight > most
        winner[better], most[better] = label, weight[better]


def spline_image():
    ndimage.zoom(image, zoom)


def nearest_labels():
    ndimage.zoom(labels, zoom, order=0)


serve(
    {"image": spline_image, "one-hot labels": one_hot_labels, "nearest labels": nearest_labels},
    version=f"SciPy {scipy.__version__}",
)
