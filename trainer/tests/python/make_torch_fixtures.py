"""Writes the PyTorch files that `scanlight import` is tested with, and what PyTorch computes with them.

    pip install torch numpy
    python make_torch_fixtures.py ../fixtures

torch_reference.pt: a plain nn.Sequential like the reference architecture, with PyTorch's own names.
torch_compact.pt: the compact residual network under Scanlight's names, in a checkpoint with other things.
"""

import json
import sys
from pathlib import Path

import torch
from torch import nn

folder = Path(sys.argv[1])
torch.manual_seed(20)
SIDE = 32


def reference():
    layers = []
    channels = (1, 4, 6, 8)
    for inputs, outputs in zip(channels, channels[1:]):
        # The convolution's bias, which Scanlight's has not, must be carried over.
        layers += [nn.Conv2d(inputs, outputs, 3, padding=1), nn.BatchNorm2d(outputs), nn.ReLU(), nn.MaxPool2d(2)]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 4)]
    return nn.Sequential(*layers)


class ConvNorm(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm = nn.BatchNorm2d(outputs)

    def forward(self, x):
        return self.norm(self.conv(x))


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, squeezed):
        super().__init__()
        self.first = ConvNorm(inputs, outputs, 3, stride)
        self.second = ConvNorm(outputs, outputs, 3, 1)
        self.attention = nn.ModuleDict(
            {"squeeze": nn.Linear(outputs, squeezed), "excite": nn.Linear(squeezed, outputs)}
        )
        if stride != 1 or inputs != outputs:
            self.shortcut = ConvNorm(inputs, outputs, 1, stride)
        else:
            self.shortcut = None

    def forward(self, x):
        y = self.second(torch.relu(self.first(x)))
        gates = self.attention["excite"](torch.relu(self.attention["squeeze"](y.mean((2, 3)))))
        y = y * torch.sigmoid(gates)[:, :, None, None]
        return torch.relu(y + (self.shortcut(x) if self.shortcut else x))


class Compact(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = ConvNorm(1, 4, 3, 2)
        self.blocks = nn.Sequential(Block(4, 6, 2, 4), Block(6, 12, 2, 6), Block(12, 12, 1, 6))
        self.head = nn.ModuleDict({"output": nn.Linear(12, 4)})

    def forward(self, x):
        return self.head["output"](self.blocks(torch.relu(self.stem(x))).mean((2, 3)))


def randomise(model):
    with torch.no_grad():
        for name, tensor in model.state_dict().items():
            if name.endswith("running_var"):
                tensor.uniform_(0.3, 2.0)
            elif tensor.is_floating_point():
                tensor.normal_(0, 0.5)
    return model.eval()


def expected(name, model):
    # Of different contrast, so that the answers differ.
    inputs = torch.randn(2, 1, SIDE, SIDE) * torch.tensor([0.5, 5.0]).reshape(2, 1, 1, 1)
    inputs = (inputs * 1000).round() / 1000
    with torch.no_grad():
        probabilities = torch.softmax(model(inputs), 1)
    print(name, probabilities)
    (folder / f"{name}.json").write_text(
        json.dumps(
            {
                "side": SIDE,
                "inputs": [[round(v, 3) for v in plane.flatten().tolist()] for plane in inputs],
                "probabilities": probabilities.tolist(),
            }
        )
        + "\n"
    )


model = randomise(reference())
torch.save(model.state_dict(), folder / "torch_reference.pt")
expected("torch_reference", model)

model = randomise(Compact())
torch.save({"epoch": 3, "model_state_dict": model.half().state_dict(), "best": 0.5}, folder / "torch_compact.pt")
expected("torch_compact", model.float())
