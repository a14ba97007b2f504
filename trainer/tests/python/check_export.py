"""Loads an exported model with the tool that people use and compares its answers.

    python check_export.py FORMAT FILE CASES.json

FORMAT is onnx (ONNX Runtime), safetensors (its own Python package and NumPy), keras-h5 (h5py and NumPy, and Keras
itself where it is installed). CASES.json holds inputs and the probabilities that Scanlight computed. Prints the
largest difference; fails above 1e-4.
"""

import json
import sys

import numpy as np

TOLERANCE = 1e-4
EPSILON = 1e-5


def conv(x, kernel, stride=1, same=False, depthwise=False):
    """Zero-padded convolution: x [N, C, H, W], kernel [O, C, k, k].

    same: TensorFlow's padding, whose odd pixel is right and bottom; else as much on all sides.
    depthwise: each channel by itself, kernel [C, 1, k, k].
    """
    size = kernel.shape[2]
    pads = [(0, 0), (0, 0)]
    for side in x.shape[2:]:
        total = max((-(-side // stride) - 1) * stride + size - side, 0)
        pads.append((total // 2, total - total // 2) if same else (size // 2, size // 2))
    x = np.pad(x, pads)
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (2, 3))[:, :, ::stride, ::stride]
    if depthwise:
        return np.einsum("nchwij,cij->nchw", windows, kernel[:, 0], optimize=True)
    return np.einsum("nchwij,ocij->nohw", windows, kernel, optimize=True)


def norm(x, scale, shift, mean, variance, epsilon):
    column = lambda values: values.reshape(1, -1, 1, 1)
    return (x - column(mean)) / np.sqrt(column(variance) + epsilon) * column(scale) + column(shift)


def relu(x):
    return np.maximum(x, 0)


def halve(x):
    n, c, h, w = x.shape
    return x[:, :, : h // 2 * 2, : w // 2 * 2].reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))


def softmax(x):
    powers = np.exp(x - x.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def safetensors(path, cases):
    from safetensors import safe_open
    from safetensors.numpy import load_file

    t = {name: values.astype(np.float64) for name, values in load_file(path).items()}
    with safe_open(path, framework="np") as file:
        manifest = json.loads(file.metadata()["scanlight_manifest"])
    temperature = (manifest.get("calibration") or {}).get("temperature", 1.0)

    def conv_norm(x, name, stride=1, **more):
        parts = [t[f"{name}.norm.{part}"] for part in ("weight", "bias", "running_mean", "running_var")]
        return norm(conv(x, t[f"{name}.conv.weight"], stride, **more), *parts, EPSILON)

    def dense(x, name):
        return x @ t[f"{name}.weight"].T + t[f"{name}.bias"]

    x = np.array(cases["inputs"]).reshape(cases["shape"])
    kind = manifest["architecture"]["kind"]
    block = 0
    if kind == "reference_cnn":
        while f"blocks.{block}.conv.weight" in t:
            x = halve(relu(conv_norm(x, f"blocks.{block}")))
            block += 1
    elif kind == "compact_resnet":
        x = relu(conv_norm(x, "stem", 2))
        before_last = sum(stage["blocks"] for stage in manifest["architecture"]["stages"][:-1])
        while f"blocks.{block}.first.conv.weight" in t:
            name = f"blocks.{block}"
            if block == before_last:
                fine = x
            shortcut = f"{name}.shortcut.conv.weight" in t
            carried = conv_norm(x, f"{name}.shortcut", 2) if shortcut else x
            y = conv_norm(relu(conv_norm(x, f"{name}.first", 2 if shortcut else 1)), f"{name}.second")
            gates = dense(relu(dense(y.mean((2, 3)), f"{name}.attention.squeeze")), f"{name}.attention.excite")
            x = relu(y / (1 + np.exp(-gates))[:, :, None, None] + carried)
            block += 1
        if "merge.fine.conv.weight" in t:
            fine, coarse = conv_norm(fine, "merge.fine"), conv_norm(x, "merge.coarse")
            # Each output takes the cell that its upper left corner lies in.
            rows, columns = (
                np.arange(after) * before // after for before, after in zip(coarse.shape[2:], fine.shape[2:])
            )
            x = relu(fine + coarse[:, :, rows][:, :, :, columns])
    elif kind == "mobilenet_v2":
        relu6 = lambda x: np.clip(x, 0, 6)
        x = relu6(conv_norm(x, "stem", 2, same=True))
        for stage in manifest["architecture"]["stages"]:
            for index in range(stage["blocks"]):
                name = f"blocks.{block}"
                stride = stage["stride"] if index == 0 else 1
                y = relu6(conv_norm(x, f"{name}.expand")) if f"{name}.expand.conv.weight" in t else x
                y = relu6(conv_norm(y, f"{name}.depthwise", stride, same=True, depthwise=True))
                y = conv_norm(y, f"{name}.project")
                x = x + y if x.shape == y.shape and stride == 1 else y
                block += 1
        x = relu6(conv_norm(x, "head_conv"))
    else:
        sys.exit(f"no check for {kind}")
    x = x.mean((2, 3))
    if "head.hidden.weight" in t:
        x = relu(dense(x, "head.hidden"))
    return softmax(dense(x, "head.output") / temperature)


def onnx(path, cases):
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    remarks = session.get_modelmeta().custom_metadata_map
    classes = json.loads(remarks["classes"])
    assert len(classes) == len(cases["probabilities"][0]), classes
    assert json.loads(remarks["input"])["width"] == cases["shape"][3], remarks["input"]
    image = np.array(cases["inputs"], np.float32).reshape(cases["shape"])
    assert [item.name for item in session.get_inputs()] == ["image"]
    logits, probabilities = session.run(["logits", "probabilities"], {"image": image})
    temperature = float(remarks["temperature"])
    assert np.abs(softmax(logits / temperature) - probabilities).max() < 1e-5
    # Any number of images at once.
    for index in range(len(image)):
        (single,) = session.run(["probabilities"], {"image": image[index : index + 1]})
        assert np.abs(single - probabilities[index]).max() < 1e-5
    return probabilities


def keras_h5(path, cases):
    import h5py

    x = np.array(cases["inputs"]).reshape(cases["shape"])
    with h5py.File(path) as file:
        group = file["model_weights"]
        text = lambda value: value.decode() if isinstance(value, bytes) else value
        layers = [text(name) for name in group.attrs["layer_names"]]
        config = json.loads(text(file.attrs["model_config"]))
        epsilon = {
            layer["config"]["name"]: layer["config"].get("epsilon") for layer in config["config"]["layers"]
        }
        assert layers[:4] == ["conv2d", "batch_normalization", "activation", "max_pooling2d"], layers
        for name in layers:
            weights = [np.array(group[name][text(path)], np.float64) for path in group[name].attrs["weight_names"]]
            if name.startswith("conv2d"):
                x = conv(x, weights[0].transpose(3, 2, 0, 1))
            elif name.startswith("batch_normalization"):
                x = norm(x, *weights, epsilon[name])
            elif name.startswith("activation"):
                x = relu(x)
            elif name.startswith("max_pooling2d"):
                x = halve(x)
            elif name == "global_average_pooling2d":
                x = x.mean((2, 3))
            elif name.startswith("dense"):
                x = x @ weights[0] + weights[1]
                x = softmax(x) if name == layers[-1] else relu(x)
    compare_with_keras(path, cases, x)
    return x


def compare_with_keras(path, cases, expected):
    try:
        import keras
    except Exception as error:  # Without a backend it fails in its own ways.
        print(f"keras is not installed or has no backend ({error!r:.80}): the file was read with h5py alone")
        return
    model = keras.models.load_model(path, compile=False)
    image = np.array(cases["inputs"], np.float32).reshape(cases["shape"]).transpose(0, 2, 3, 1)
    found = np.asarray(model(image, training=False))
    print(f"keras {keras.__version__}: largest difference {np.abs(found - expected).max():.2e}")
    assert np.abs(found - expected).max() < TOLERANCE


def main():
    kind, path, cases = sys.argv[1:]
    with open(cases) as file:
        cases = json.load(file)
    found = {"onnx": onnx, "safetensors": safetensors, "keras-h5": keras_h5}[kind](path, cases)
    difference = np.abs(np.asarray(found) - np.array(cases["probabilities"])).max()
    print(f"{kind}: largest difference {difference:.2e}")
    if not difference <= TOLERANCE:
        sys.exit(f"{kind}: probabilities differ by {difference:.2e}, more than {TOLERANCE}")


main()
