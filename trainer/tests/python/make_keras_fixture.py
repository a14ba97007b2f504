"""Writes the Keras file that `scanlight import` is tested with, and what Keras computes with it.

    pip install keras jax h5py
    KERAS_BACKEND=jax python make_keras_fixture.py ../fixtures

The network is the reference architecture, small; its weights are random, batch norm's statistics too.
"""

import json
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
from keras import layers

folder = Path(sys.argv[1])
random = np.random.default_rng(20)
SIDE = 32

model = keras.Sequential([layers.Input((SIDE, SIDE, 1))])
for channels in (4, 6, 8):
    # With its bias, and batch norm's own epsilon (0.001): the import has to carry both over.
    model.add(layers.Conv2D(channels, 3, padding="same"))
    model.add(layers.BatchNormalization())
    model.add(layers.ReLU())
    model.add(layers.MaxPooling2D())
model.add(layers.GlobalAveragePooling2D())
model.add(layers.Dense(8, activation="relu"))
model.add(layers.Dropout(0.3))
model.add(layers.Dense(4, activation="softmax"))

for layer in model.layers:
    values = []
    for weight in layer.weights:
        shape = weight.shape
        value = random.normal(0, 0.5, shape)
        if weight.path.endswith(("gamma", "moving_variance")):
            value = random.uniform(0.3, 2.0, shape)
        values.append(value.astype("float32"))
    layer.set_weights(values)

inputs = random.normal(size=(3, SIDE, SIDE, 1)).astype("float32")
# Of different contrast, so that the answers differ.
inputs *= np.array([0.5, 2, 6], "float32").reshape(3, 1, 1, 1)
model.save(folder / "keras_reference.h5")
planes = [[round(float(v), 4) for v in plane.ravel()] for plane in inputs]
# Computed from the rounded inputs, which are what the test reads.
outputs = np.asarray(model(np.array(planes, "float32").reshape(inputs.shape), training=False))
probabilities = [[float(v) for v in row] for row in outputs]
(folder / "keras_reference.json").write_text(
    json.dumps({"side": SIDE, "inputs": planes, "probabilities": probabilities}) + "\n"
)
print(probabilities)

# The same kind of file in HDF5's newer layout, which h5py writes when told to.
small = keras.Sequential(
    [
        layers.Input((SIDE, SIDE, 1)),
        layers.Conv2D(3, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(),
        layers.GlobalAveragePooling2D(),
        layers.Dense(4),
    ]
)
path = folder / "small.h5"
small.save(path)
with h5py.File(path) as old, h5py.File(folder / "keras_newer_layout.h5", "w", libver="v110") as new:
    for key, value in old.attrs.items():
        new.attrs[key] = value
    old.copy("model_weights", new)
path.unlink()
