"""MedLAM of the published size in eager PyTorch on a GPU, in float16 with random weights: eager_gpu.py [DEVICE].

Rows of the table that medlsam_networks_bench begins.
"""

import statistics
import sys
import time

import torch

functional = torch.nn.functional
WIDTH, EDGE, LEVELS = 24, 64, 5
PEAK = 790e12
UNITS = [(0, 2, 2), (2, 2, 2), (2, 2, 4), (4, 4, 8), (8, 8, 16), (24, 8, 8), (12, 4, 4), (6, 4, 4), (6, 4, 4)]

device = torch.device(sys.argv[1] if len(sys.argv) > 1 else "cuda:0")
precision = torch.float16
torch.manual_seed(1)
torch.backends.cudnn.benchmark = True


def random(*shape):
    inputs = torch.Size(shape[1:]).numel() if len(shape) > 1 else 1
    return (torch.rand(*shape) * 2 - 1).mul((3 / inputs) ** 0.5).to(device, precision)


convolutions = [
    [(random(channels[j] * WIDTH, max(1, channels[j - 1] * WIDTH), 3, 3, 3), random(channels[j] * WIDTH)) for j in (1, 2)]
    for channels in UNITS
]
sizes = [(EDGE**3 // 4096) * 16 * WIDTH, 8 * WIDTH, 4 * WIDTH, 3]
linears = [(random(sizes[i + 1], sizes[i]), random(sizes[i + 1])) for i in range(3)]
flops = sum(
    2 * weight.numel() * (EDGE >> (8 - k if k >= LEVELS else k)) ** 3
    for k, pair in enumerate(convolutions)
    for weight, _ in pair
) + sum(2 * weight.numel() for weight, _ in linears)


def level(x, k):
    for weight, bias in convolutions[k]:
        x = functional.relu_(functional.instance_norm(functional.conv3d(x, weight, bias, padding=1), eps=1e-5))
    return x


@torch.inference_mode()
def run(patches):
    x, skips = patches, []
    for k in range(LEVELS):
        x = level(functional.max_pool3d(x, 2) if k > 0 else x, k)
        skips.append(x)
    position = x.flatten(1)
    for weight, bias in linears:
        position = functional.linear(position, weight, bias)
    for k in range(LEVELS, len(UNITS)):
        up = functional.interpolate(x, scale_factor=2, mode="trilinear", align_corners=False)
        x = level(torch.cat([up, skips[8 - k]], 1), k)
    return position, x


def wait():
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(patches, times):
    wait()
    start = time.perf_counter()
    for _ in range(times):
        run(patches)
    wait()
    return (time.perf_counter() - start) / times


for batch in (1, 4, 8, 16):
    for layout in (torch.contiguous_format, torch.channels_last_3d):
        patches = torch.rand(batch, 1, EDGE, EDGE, EDGE).to(device, precision).contiguous(memory_format=layout)
        convolutions[:] = [[(weight.contiguous(memory_format=layout), bias) for weight, bias in pair] for pair in convolutions]
        seconds(patches, 3)
        median = statistics.median(seconds(patches, 5) for _ in range(5)) / batch
        name = str(layout).removeprefix("torch.")
        rate = flops / median
        print(
            f"| MedLAM, all features: eager PyTorch {torch.__version__} | F16 | benchmark, {name} | {batch} "
            f"| {1e3 * median:.3f} | {rate / 1e12:.1f} | {100 * rate / PEAK:.1f} % |",
            flush=True,
        )
