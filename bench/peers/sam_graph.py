"""SAM's image encoder as an ONNX file: sam_graph.py CHECKPOINT.safetensors OUT.onnx HEADS WINDOW GLOBAL_BLOCK …

Spelled as PyTorch's exporter writes the published encoder: windows are padded, cut out and put together again, relative
positions are einsums over gathered tables, and all scores exist at once.
"""

import sys

from serving import require, serve
from weights import read_weights

numpy = require("numpy")
onnx = require("onnx")
from onnx import TensorProto, helper, numpy_helper

weights = read_weights(sys.argv[1])
heads, window = int(sys.argv[3]), int(sys.argv[4])
global_blocks = {int(text) for text in sys.argv[5:]}
root = "image_encoder."
_, grid, _, width = weights[root + "pos_embed"].shape
patch = weights[root + "patch_embed.proj.weight"].shape[2]
dim = width // heads

nodes, initializers = [], {}


def constant(values, kind=numpy.float32):
    name = f"constant_{len(initializers)}"
    initializers[name] = numpy_helper.from_array(numpy.array(values, kind, order="C"), name)
    return name


def node(operator, *inputs, **attributes):
    name = f"{operator}_{len(nodes)}"
    nodes.append(helper.make_node(operator, list(inputs), [name], name, **attributes))
    return name


def reshape(x, *shape):
    return node("Reshape", x, constant(shape, numpy.int64))


def transpose(x, *axes):
    return node("Transpose", x, perm=axes)


def linear(x, name):
    product = node("MatMul", x, constant(weights[name + ".weight"].T))
    return node("Add", product, constant(weights[name + ".bias"]))


def norm(x, name):
    scale, shift = (constant(weights[name + end]) for end in (".weight", ".bias"))
    return node("LayerNormalization", x, scale, shift, axis=-1, epsilon=1e-6)


def norm_channels(x, name):
    scale, shift = (constant(weights[name + end][:, None, None]) for end in (".weight", ".bias"))
    centred = node("Sub", x, node("ReduceMean", x, axes=[1], keepdims=1))
    variance = node("ReduceMean", node("Mul", centred, centred), axes=[1], keepdims=1)
    deviation = node("Sqrt", node("Add", variance, constant(1e-6)))
    return node("Add", node("Mul", node("Div", centred, deviation), scale), shift)


def gelu(x):
    erf = node("Erf", node("Div", x, constant(numpy.sqrt(2))))
    return node("Mul", node("Mul", x, node("Add", erf, constant(1))), constant(0.5))


def attention(x, name, edge, count):
    """x: (count, edge, edge, width)."""
    tokens, batch = edge * edge, count * heads
    qkv = reshape(linear(x, name + "qkv"), count, tokens, 3, heads, dim)
    qkv = reshape(transpose(qkv, 2, 0, 3, 1, 4), 3, batch, tokens, dim)
    q, k, v = (node("Gather", qkv, constant(i, numpy.int64), axis=0) for i in range(3))
    scores = node("MatMul", node("Mul", q, constant(dim**-0.5)), transpose(k, 0, 2, 1))
    offsets = numpy.arange(edge)[:, None] - numpy.arange(edge)[None] + edge - 1
    vertical, horizontal = (constant(weights[name + f"rel_pos_{axis}"][offsets]) for axis in "hw")
    places = reshape(q, batch, edge, edge, dim)
    rows = node("Einsum", places, vertical, equation="bhwc,hkc->bhwk")
    columns = node("Einsum", places, horizontal, equation="bhwc,wkc->bhwk")
    scores = reshape(scores, batch, edge, edge, edge, edge)
    scores = node("Add", scores, reshape(rows, batch, edge, edge, edge, 1))
    scores = node("Add", scores, reshape(columns, batch, edge, edge, 1, edge))
    shares = node("Softmax", reshape(scores, batch, tokens, tokens), axis=-1)
    seen = reshape(node("MatMul", shares, v), count, heads, edge, edge, dim)
    return linear(reshape(transpose(seen, 0, 2, 3, 1, 4), count, edge, edge, width), name + "proj")


def block(x, index):
    name = f"{root}blocks.{index}."
    seen = norm(x, name + "norm1")
    if index in global_blocks:
        seen = attention(seen, name + "attn.", grid, 1)
    else:
        across = -(-grid // window)
        padded = across * window
        pads = constant([0, 0, 0, 0, 0, padded - grid, padded - grid, 0], numpy.int64)
        seen = reshape(node("Pad", seen, pads), 1, across, window, across, window, width)
        seen = reshape(transpose(seen, 0, 1, 3, 2, 4, 5), across**2, window, window, width)
        seen = attention(seen, name + "attn.", window, across**2)
        seen = reshape(seen, 1, across, across, window, window, width)
        seen = reshape(transpose(seen, 0, 1, 3, 2, 4, 5), 1, padded, padded, width)
        ends = [constant(values, numpy.int64) for values in ([0, 0], [grid, grid], [1, 2])]
        seen = node("Slice", seen, *ends)
    x = node("Add", x, seen)
    hidden = gelu(linear(norm(x, name + "norm2"), name + "mlp.lin1"))
    return node("Add", x, linear(hidden, name + "mlp.lin2"))


def neck(x):
    x = node("Conv", transpose(x, 0, 3, 1, 2), constant(weights[root + "neck.0.weight"]))
    x = norm_channels(x, root + "neck.1")
    x = node("Conv", x, constant(weights[root + "neck.2.weight"]), pads=[1] * 4)
    return norm_channels(x, root + "neck.3")


mean, deviation = (
    constant(numpy.reshape(values, (3, 1, 1)))
    for values in ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
)
x = node("Div", node("Sub", "slice", mean), deviation)
kernel, bias = (constant(weights[root + "patch_embed.proj." + name]) for name in ("weight", "bias"))
x = transpose(node("Conv", x, kernel, bias, strides=[patch] * 2), 0, 2, 3, 1)
x = node("Add", x, constant(weights[root + "pos_embed"]))
for index in range(12):
    x = block(x, index)
embedding = neck(x)


def value(name, shape):
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)


edge = grid * patch
graph = helper.make_graph(
    nodes,
    "encoder",
    [value("slice", [1, 3, edge, edge])],
    [value(embedding, None)],
    list(initializers.values()),
)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), sys.argv[2])
serve({}, output=embedding)
