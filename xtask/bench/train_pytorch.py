"""Images a second that PyTorch trains: forward pass, backward pass and optimiser on random planes.

The networks are those of `shared/src/arch`, layer by layer. Prints one line of JSON for each memory
format. Usage: train_pytorch.py ARCHITECTURE BATCH THREADS STEPS [DEVICE]
"""

import json
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


def conv_norm(inputs, outputs, kernel, stride=1):
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
    )


class Reference(nn.Module):
    """Three convolution blocks and a dense head."""

    def __init__(self, classes):
        super().__init__()
        layers, inputs = [], 1
        for channels in (32, 64, 128):
            layers += [conv_norm(inputs, channels, 3), nn.ReLU(), nn.MaxPool2d(2)]
            inputs = channels
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, classes))

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))


class Block(nn.Module):
    """A residual block with channel attention."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = conv_norm(inputs, outputs, 3, stride)
        self.second = conv_norm(outputs, outputs, 3)
        self.squeeze = nn.Linear(outputs, max(outputs // 8, 4))
        self.excite = nn.Linear(max(outputs // 8, 4), outputs)
        changes = inputs != outputs or stride != 1
        self.shortcut = conv_norm(inputs, outputs, 1, stride) if changes else nn.Identity()

    def forward(self, x):
        y = self.second(F.relu(self.first(x)))
        gates = torch.sigmoid(self.excite(F.relu(self.squeeze(y.mean((2, 3))))))
        return F.relu(y * gates[:, :, None, None] + self.shortcut(x))


class Compact(nn.Module):
    """The compact residual network with its last two stages merged."""

    def __init__(self, classes):
        super().__init__()
        self.fine = nn.Sequential(
            conv_norm(1, 24, 3, 2), nn.ReLU(), Block(24, 32, 2), Block(32, 64, 2), Block(64, 64, 1)
        )
        self.coarse = nn.Sequential(Block(64, 128, 2), Block(128, 128, 1))
        self.merge_fine = conv_norm(64, 96, 1)
        self.merge_coarse = conv_norm(128, 96, 1)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(96, classes)

    def forward(self, x):
        fine = self.fine(x)
        coarse = self.merge_coarse(self.coarse(fine))
        y = F.relu(self.merge_fine(fine) + F.interpolate(coarse, size=fine.shape[2:]))
        return self.head(self.dropout(y.mean((2, 3))))


NETWORKS = {"reference-cnn": Reference, "compact": Compact}


def measure(architecture, batch, steps, device, memory_format):
    torch.manual_seed(42)
    network = NETWORKS[architecture](4).to(device, memory_format=memory_format)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3, weight_decay=0.05)
    x = torch.rand(batch, 1, 128, 128).to(device, memory_format=memory_format)
    y = torch.arange(batch, device=device) % 4
    seconds = []
    for index in range(3 + steps):
        start = time.perf_counter()
        optimizer.zero_grad()
        loss = F.cross_entropy(network(x), y, label_smoothing=0.05)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()
        loss.item()  # waits for the device
        if index >= 3:
            seconds.append(time.perf_counter() - start)
    return {
        "backend": f"PyTorch {torch.__version__}",
        "memory_format": "channels_last" if memory_format == torch.channels_last else "contiguous",
        "architecture": architecture,
        "parameters": sum(p.numel() for p in network.parameters()),
        "batch_size": batch,
        "seconds": seconds,
        "images_per_second": batch / statistics.median(seconds),
    }


def main():
    architecture, batch, threads, steps = sys.argv[1], *map(int, sys.argv[2:5])
    device = sys.argv[5] if len(sys.argv) > 5 else "cpu"
    torch.set_num_threads(threads)
    for memory_format in (torch.contiguous_format, torch.channels_last):
        print(json.dumps(measure(architecture, batch, steps, device, memory_format)), flush=True)


main()
