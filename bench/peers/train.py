"""A step of MedLAM's training in PyTorch, eager, on a batch that is made once: train.py WIDTH PATCH BATCH THREADS DEVICE."""

import sys

from serving import require, serve

torch = require("torch")
functional = torch.nn.functional

width, patch, batch, threads = (int(argument) for argument in sys.argv[1:5])
device = sys.argv[5]
torch.set_num_threads(threads)
torch.set_default_device(device)
# As ours: the same on every run, and cuDNN may multiply in TF32.
torch.backends.cudnn.allow_tf32 = True
torch.backends.cudnn.deterministic = True
torch.manual_seed(1)
torch.set_flush_denormal(True)

points = 20
channels = [(0, 2), (2, 2), (2, 2), (2, 2), (2, 2), (2, 4), (4, 4), (4, 8), (8, 8), (8, 16)]
channels += [(24, 8), (8, 8), (12, 4), (4, 4), (6, 4), (4, 4), (6, 4), (4, 4)]


class MedLam(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.units = torch.nn.ModuleList(
            torch.nn.Conv3d(max(1, a * width), b * width, 3, padding=1) for a, b in channels
        )
        bottom = (patch // 16) ** 3 * 16 * width
        sizes = [bottom, 8 * width, 4 * width, 3]
        self.heads = torch.nn.ModuleList(torch.nn.Linear(sizes[i], sizes[i + 1]) for i in range(3))

    def level(self, x, k):
        for unit in self.units[2 * k : 2 * k + 2]:
            x = functional.relu(functional.instance_norm(unit(x)))
        return x

    def forward(self, x):
        skips = []
        for k in range(5):
            x = self.level(functional.max_pool3d(x, 2) if k > 0 else x, k)
            skips.append(x)
        x = functional.dropout(x, 0.2)
        position = x.flatten(1)
        for head in self.heads:
            position = head(position)
        features = []
        for k in range(5, 9):
            x = functional.interpolate(x, scale_factor=2, mode="trilinear")
            x = self.level(torch.cat((x, skips[8 - k]), 1), k)
            features.append(x)
        return position, features[1:]


model = MedLam()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-4)
reach = torch.tensor([1500.0, 600.0, 600.0])
patches = torch.rand(4 * batch, 1, patch, patch, patch)
offsets = 100 * torch.randn(batch, 3)
places = torch.randint(0, patch, (2, points, 3))
grid = torch.stack(
    torch.meshgrid(*(3.0 * torch.arange(patch) for _ in range(3)), indexing="ij")
)


def mss(augmented, clean, at):
    # The augmented patch is where the clean one is, which costs as much as anywhere else.
    distances = torch.linalg.vector_norm(grid[None] - 3.0 * at[:, :, None, None, None], dim=1)
    total = 0
    for i, (a, c) in enumerate(zip(augmented, clean)):
        step = 2 ** (2 - i)
        scaled = functional.interpolate(distances[None], size=patch // step, mode="trilinear")[0].flatten(1)
        near, far = scaled <= 3 * step, scaled >= 6 * step
        index = at // step
        vectors = functional.normalize(c[:, :, index[:, 0], index[:, 1], index[:, 2]], dim=1)
        cosines = torch.einsum("nck,ncv->nkv", vectors, functional.normalize(a.flatten(2), dim=1))
        log_p = torch.log_softmax(15 * cosines, 2)
        log_rest = torch.log1p(-log_p.exp().clamp_max(1 - 2**-24))
        total = total - (log_p * near).sum() / (batch * near.sum()) - (log_rest * far).sum() / (batch * far.sum())
    return total / (3 * points)


def step():
    optimizer.zero_grad()
    # As ours, one scan after another on a CPU: the whole batch at once does not fit in memory at width 24.
    size = 1 if device == "cpu" else batch
    for scan in range(0, batch, size):
        position, features = model(patches[4 * scan : 4 * (scan + size)])
        offset = reach * torch.tanh(position[1::4] - position[3::4])
        loss = (offset - offsets[scan : scan + size]).square().sum() / (3 * batch)
        for side in range(2):
            pair = [[f[2 * side + j :: 4] for f in features] for j in range(2)]
            loss = loss + mss(*pair, places[side])
        loss.backward()
    optimizer.step()
    if device != "cpu":
        torch.cuda.synchronize()


serve({"step": step}, version=f"PyTorch {torch.__version__.split('+')[0]}")
