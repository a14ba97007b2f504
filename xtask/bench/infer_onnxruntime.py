"""Seconds that ONNX Runtime takes for one input plane, as one line of JSON.

Usage: infer_onnxruntime.py MODEL.onnx PLANE.npy THREADS RUNS [PROVIDER]
"""

import json
import sys
import time

import numpy as np
import onnxruntime as ort

WARM_UP = 3


def main():
    model, plane, threads, runs = sys.argv[1], np.load(sys.argv[2]), *map(int, sys.argv[3:5])
    provider = sys.argv[5] if len(sys.argv) > 5 else "CPUExecutionProvider"
    if provider not in ort.get_available_providers():
        sys.exit(f"this ONNX Runtime has no {provider}, only {', '.join(ort.get_available_providers())}")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = ort.InferenceSession(model, options, providers=[provider])
    seconds = []
    for index in range(WARM_UP + runs):
        start = time.perf_counter()
        (probabilities,) = session.run(["probabilities"], {"image": plane})
        if index >= WARM_UP:
            seconds.append(time.perf_counter() - start)
    print(
        json.dumps(
            {
                "engine": f"onnxruntime {ort.__version__}, {session.get_providers()[0]}",
                "probabilities": probabilities[0].tolist(),
                "network": seconds,
            }
        )
    )


main()
