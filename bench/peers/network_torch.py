"""MedLAM in PyTorch, float32: network_torch.py CHECKPOINT.safetensors PATCH.f32 THREADS."""

import sys

from serving import require, serve

numpy = require("numpy")
torch = require("torch")
from weights import read_weights

functional = torch.nn.functional
torch.set_num_threads(int(sys.argv[3]))
weights = {name: torch.from_numpy(numpy.array(values)) for name, values in read_weights(sys.argv[1]).items()}
values = numpy.fromfile(sys.argv[2], numpy.float32)
edge = round(values.size ** (1 / 3))
patch = torch.from_numpy(values.reshape(1, 1, edge, edge, edge))


def level(x, k):
    for j in (1, 2):
        name = f"conv{k}_{j}.model.conv1_1.Conv"
        x = functional.conv3d(x, weights[name + ".weight"], weights[name + ".bias"], padding=1)
        x = functional.relu_(functional.instance_norm(x, eps=1e-5))
    return x


def run(position_only):
    with torch.inference_mode():
        x, skips = patch, []
        for k in range(5):
            x = level(functional.max_pool3d(x, 2) if k > 0 else x, k)
            skips.append(x)
        position = x.flatten(1)
        for i in (1, 2, 3):
            position = functional.linear(position, weights[f"fc{i}.weight"], weights[f"fc{i}.bias"])
        for k in () if position_only else (5, 6, 7, 8):
            up = functional.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False)
            x = level(torch.cat([up, skips[8 - k]], 1), k)
        return position.ravel().tolist()


serve(
    {"features": lambda: run(False), "position": lambda: run(True)},
    version=f"PyTorch {torch.__version__} ({torch.backends.cpu.get_cpu_capability()})",
)
