"""Surface distances with SciPy, as the usual Python packages compute them: metrics.py A.nii B.nii DZ DY DX.

Label 1 of both files, or every label. Each operation answers with [dice, hd95, assd] of each.
"""

import sys

from serving import require, serve
from volumes import read

numpy = require("numpy")
ndimage = require("scipy.ndimage")
scipy = require("scipy")

spacing = [float(text) for text in sys.argv[3:6]]
label_maps = [read(path) for path in sys.argv[1:3]]


def surface(mask):
    return mask ^ ndimage.binary_erosion(mask, ndimage.generate_binary_structure(3, 1))


def distances(of, to):
    return ndimage.distance_transform_edt(~to, sampling=spacing)[of]


def figures(a, b):
    dice = 2 * numpy.count_nonzero(a & b) / (numpy.count_nonzero(a) + numpy.count_nonzero(b))
    a, b = surface(a), surface(b)
    there, back = distances(a, b), distances(b, a)
    hd95 = numpy.percentile(numpy.hstack([there, back]), 95)
    return [float(dice), float(hd95), float((there.mean() + back.mean()) / 2)]


def whole():
    return [figures(*(labels == 1 for labels in label_maps))]


def cropped(label=1):
    """In the box around both masks, which some of the packages find first."""
    a, b = (labels == label for labels in label_maps)
    box = ndimage.find_objects((a | b).view(numpy.uint8))[0]
    margin = [(1, 1)] * 3
    return figures(numpy.pad(a[box], margin), numpy.pad(b[box], margin))


def every():
    return [cropped(label) for label in range(1, label_maps[1].max() + 1)]


serve(
    {"whole": whole, "cropped": lambda: [cropped()], "every": every},
    version=f"SciPy {scipy.__version__}",
)
