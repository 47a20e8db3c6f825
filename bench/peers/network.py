"""MedLAM through ONNX Runtime's Python API: network.py CHECKPOINT.safetensors PATCH.f32 THREADS.

The graph is built as PyTorch's exporter writes it: convolution, instance normalization and ReLU are ONNX's own operators.
"""

import sys

from serving import require, serve

numpy = require("numpy")
onnx = require("onnx")
onnxruntime = require("onnxruntime")
from onnx import TensorProto, helper, numpy_helper
from weights import read_weights


class Graph:
    def __init__(self, weights):
        self.weights = weights
        self.nodes, self.initializers = [], {}

    def constant(self, name, values):
        self.initializers[name] = numpy_helper.from_array(numpy.ascontiguousarray(values, numpy.float32), name)
        return name

    def weight(self, name):
        return self.constant(name, self.weights[name])

    def node(self, operator, inputs, **attributes):
        name = f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def instance_norm_relu(self, x, channels):
        ones, zeros = (self.constant(f"{value}_{channels}", [value] * channels) for value in (1, 0))
        return self.node("Relu", [self.node("InstanceNormalization", [x, ones, zeros], epsilon=1e-5)])

    def level(self, x, k):
        for j in (1, 2):
            name = f"conv{k}_{j}.model.conv1_1.Conv"
            x = self.node("Conv", [x, self.weight(name + ".weight"), self.weight(name + ".bias")], pads=[1] * 6)
            x = self.instance_norm_relu(x, len(self.weights[name + ".bias"]))
        return x

    def medlam(self, position_only):
        x, skips = "patch", []
        for k in range(5):
            if k > 0:
                x = self.node("MaxPool", [x], kernel_shape=[2] * 3, strides=[2] * 3)
            x = self.level(x, k)
            skips.append(x)
        position = self.node("Flatten", [x])
        for i in (1, 2, 3):
            inputs = [position, self.weight(f"fc{i}.weight"), self.weight(f"fc{i}.bias")]
            position = self.node("Gemm", inputs, transB=1)
        outputs = [position]
        for k in () if position_only else (5, 6, 7, 8):
            scales = self.constant("upsample_2", [1, 1, 2, 2, 2])
            up = self.node(
                "Resize", [x, "", scales], mode="linear", coordinate_transformation_mode="half_pixel"
            )
            x = self.level(self.node("Concat", [up, skips[8 - k]], axis=1), k)
            outputs.append(x)
        return [outputs[0], *outputs[2:]]

    def session(self, outputs, edge, threads):
        def value(name, shape):
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

        graph = helper.make_graph(
            self.nodes,
            "medlam",
            [value("patch", ["n", 1, edge, edge, edge])],
            [value(name, [None] * (2 if i == 0 else 5)) for i, name in enumerate(outputs)],
            list(self.initializers.values()),
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )


weights = read_weights(sys.argv[1])
values = numpy.fromfile(sys.argv[2], numpy.float32)
edge = round(values.size ** (1 / 3))
patch = onnxruntime.OrtValue.ortvalue_from_numpy(values.reshape(1, 1, edge, edge, edge))


def runner(position_only):
    graph = Graph(weights)
    outputs = graph.medlam(position_only)
    session = graph.session(outputs, edge, int(sys.argv[3]))

    def run():
        # OrtValues: no output is copied into a NumPy array.
        results = session.run_with_ort_values(outputs, {"patch": patch})
        return results[0].numpy().ravel().tolist()

    return run


serve(
    {"features": runner(False), "position": runner(True)},
    version=f"ONNX Runtime {onnxruntime.__version__} (Python)",
)
