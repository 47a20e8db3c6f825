"""SciPy on the localization grid: grid.py IMAGE.nii LABELS.nii ZOOM_Z ZOOM_Y ZOOM_X."""

import sys

from serving import require, serve
from volumes import read

numpy = require("numpy")
ndimage = require("scipy.ndimage")
scipy = require("scipy")

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
