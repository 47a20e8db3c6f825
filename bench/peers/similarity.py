"""One template point's similarity map: similarity.py FEATURES.f32 KERNELS.f32 CHANNELS PATCH THREADS.

Both files hold the scales one after another: features of edge patch/4, patch/2, patch and kernels of 2, 4, 8.
Each operation answers with the map's maximum.
"""

import sys

from serving import available, give_up, require, serve

numpy = require("numpy")
torch = available("torch")
scipy = available("scipy")
if not torch and not scipy:
    give_up("torch or scipy")

channels, patch, threads = map(int, sys.argv[3:6])
SIZES = (2, 4, 8)
EDGES = (patch // 4, patch // 2, patch)


def scales(path, edges):
    values = numpy.fromfile(path, numpy.float32)
    parts = numpy.split(values, numpy.cumsum([channels * edge**3 for edge in edges])[:-1])
    return [part.reshape(channels, edge, edge, edge) for part, edge in zip(parts, edges)]


features, kernels = scales(sys.argv[1], EDGES), scales(sys.argv[2], SIZES)


def with_torch():
    """As published: a convolution grouped by channel at every scale, resized and added."""
    functional = torch.nn.functional
    result = 1
    for feature, kernel, size in zip(features, kernels, SIZES):
        normalized = functional.normalize(torch.from_numpy(feature)[None])
        weight = torch.from_numpy(kernel)[:, None]
        found = functional.conv3d(normalized, weight, padding=size // 2, groups=channels).sum(1, keepdim=True)
        result = result + functional.interpolate(found / size**3, [patch] * 3, mode="trilinear")
    return float(result.max())


def with_scipy():
    """By Fourier transforms, without resizing: the maxima of the scales are added up."""
    signal = require("scipy.signal")
    result = 1
    for feature, kernel, size in zip(features, kernels, SIZES):
        normalized = feature / numpy.maximum(numpy.linalg.norm(feature, axis=0), 1e-12)
        found = signal.fftconvolve(normalized, kernel[:, ::-1, ::-1, ::-1], axes=(1, 2, 3)).sum(0)
        result += found.max() / size**3
    return float(result)


operations = {}
if torch:
    torch.set_num_threads(threads)
    operations["torch"] = with_torch
if scipy:
    operations["scipy"] = with_scipy
serve(operations, versions={"torch": torch and torch.__version__, "scipy": scipy and scipy.__version__})
