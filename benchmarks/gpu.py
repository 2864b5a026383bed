"""The attention U-Net in 16 bits on a GPU: Keras on JAX and on PyTorch beside MONAI's.

    python benchmarks/gpu.py > benchmarks/gpu.txt     at most eight minutes
    python benchmarks/gpu.py --quick                  tiny, on the CPU too: only that it runs

It needs keras, jax, torch, monai and scipy, and no TensorFlow. Each row is a process of its own,
one after another; what does not work says why and the others go on. Same widths, input and loss
(Dice and cross-entropy of three sigmoid regions, in float32), Adam. Keras has its policy
`mixed_bfloat16` or `mixed_float16`, whose loss scaling it brings along; MONAI has PyTorch's
`autocast`, in float16 with `GradScaler`, as it stands and through `torch.compile`. The batch lies
on the card before the clock starts, and each step waits for its loss. A training step counts as
three times the multiplications and additions of the convolutions, forward; the limit is what a
product of two large square matrices reaches there in the same precision. Memory is the peak that
the framework's allocator reports.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import time

import numpy as np
from conditions import conditions
from unet_speed import REGIONS, batch, dice_crossentropy, keras_operations, torch_operations

CASES = {  # the input, batch first, and the widths of the levels
    "3D": ((2, 128, 128, 128, 4), (16, 32, 64, 128)),
    "2D": ((32, 192, 192, 4), (16, 32, 64, 128)),
}
TINY = {"3D": ((1, 8, 8, 8, 4), (4, 8)), "2D": ((2, 16, 16, 4), (4, 8))}
NETS = {  # the class below, and the backend that Keras is told
    "Keras on JAX": ("Keras", "jax"),
    "Keras on PyTorch": ("Keras", "torch"),
    "MONAI": ("Monai", ""),
    "MONAI, torch.compile": ("Compiled", ""),
}
PRECISIONS = ("bfloat16", "float16")
MATRIX = 8192
WARM_UP, STEPS = 3, 20


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=8, help="when nothing new is begun")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--worker", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(*options.worker, options.quick)
    sys.stdout.reconfigure(line_buffering=True)  # a file shows at once what is finished
    end = time.monotonic() + 60 * options.minutes
    print(conditions("keras", "jax", "torch", "monai"))
    limits = {}
    for precision in PRECISIONS:
        limit = ask(("limit", "", precision), "", options.quick, end)
        limits[precision] = limit.get("operations_s", float("nan"))
        words = limit.get("failed") or (
            f"{limits[precision] / 1e12:.3g} · 10¹² multiplications with additions a second"
        )
        print(f"{limit.get('device', '')} {precision}: {words}")
    for case, (shape, widths) in (TINY if options.quick else CASES).items():
        print(f"\n{case}: input {' × '.join(map(str, shape))}, widths {'-'.join(map(str, widths))}")
        print(f"{'':22}{'':10}{'parameters':>11}{'samples a second (least–most)':>31}"
              f"{'peak memory, MB':>17}{'of the limit':>14}{'loss':>8}")  # fmt: skip
        for precision in PRECISIONS:
            for name, (kind, backend) in NETS.items():
                row = ask((kind, case, precision), backend, options.quick, end)
                print(f"{name:22}{precision:10}{written(row, limits[precision])}")


def ask(work, backend, quick, end):
    """What a process of its own answers; why not, under "failed"."""
    left = end - time.monotonic()
    if left <= 0:
        return {"failed": "not run: the time was over"}
    command = [sys.executable, __file__, "--worker", *work, *["--quick"] * quick]
    # JAX takes memory as it is needed, so that its peak says something
    environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    if backend:
        environment["KERAS_BACKEND"] = backend
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=left
        )
    except subprocess.TimeoutExpired:
        return {"failed": "not finished in time"}
    if done.returncode:
        words = re.sub(r"\x1b\[\d+m", "", done.stderr).partition("Arguments received by")[0]
        said = [line.strip() for line in words.splitlines() if line.strip()]
        return {"failed": said[-1][:150] if said else f"ended with {done.returncode}"}
    return json.loads(done.stdout.splitlines()[-1])


def written(row, limit):
    if "failed" in row:
        return f"  {row['failed']}"
    speeds = [row["samples"] / seconds for seconds in row["seconds"]]
    speed = f"{statistics.median(speeds):.1f} ({min(speeds):.1f}–{max(speeds):.1f})"
    share = 3 * row["operations"] * statistics.median(speeds) / limit
    memory = f"{row['memory_mb']:,.0f}" if row["memory_mb"] else "–"
    return f"{row['parameters']:>11,}{speed:>31}{memory:>17}{share:>14.1%}{row['loss']:>8.3f}"


# ---- one process


def work(kind, case, precision, quick):
    if kind == "limit":
        return print(json.dumps(matrix_product(precision, 256 if quick else MATRIX)))
    shape, widths = (TINY if quick else CASES)[case]
    net = {"Keras": Keras, "Monai": Monai, "Compiled": Compiled}[kind](shape, widths, precision)
    for _ in range(WARM_UP):
        net.step()
    seconds = []
    for _ in range(3 if quick else STEPS):
        begun = time.perf_counter()
        loss = net.step()
        seconds.append(time.perf_counter() - begun)
    answer = {"samples": shape[0], "seconds": seconds, "loss": loss, "memory_mb": net.memory_mb()}
    # counted last: it goes through the net once more
    answer |= {"parameters": net.parameters(), "operations": net.operations()}
    print(json.dumps(answer))


def matrix_product(precision, side):
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    matrix = torch.randn(side, side, device=device, dtype=getattr(torch, precision))
    seconds = []
    for _ in range(10):
        begun = time.perf_counter()
        (matrix @ matrix)[0, 0].item()
        seconds.append(time.perf_counter() - begun)
    name = torch.cuda.get_device_name() if device == "cuda" else "CPU"
    return {"device": name, "operations_s": side**3 / min(seconds)}


class Keras:
    """With the backend that KERAS_BACKEND names."""

    def __init__(self, shape, widths, precision):
        import keras

        from course.losses import DiceCrossentropy
        from course.models import attention_unet

        keras.config.set_dtype_policy(f"mixed_{precision}")
        self.backend = keras.backend.backend()
        self.images, self.regions = map(keras.ops.convert_to_tensor, batch(shape))
        self.net = attention_unet(shape[1:], REGIONS, widths, output_activation="sigmoid")
        self.net.compile(keras.optimizers.Adam(1e-3), DiceCrossentropy(multilabel=True))

    def step(self):
        return float(self.net.train_on_batch(self.images, self.regions))

    def parameters(self):
        return sum(int(np.prod(v.shape)) for v in self.net.trainable_variables)

    def operations(self):
        return keras_operations(self.net)

    def memory_mb(self):
        if self.backend == "torch":
            return torch_memory_mb()
        import jax

        stats = jax.local_devices()[0].memory_stats()  # None on a CPU
        return stats["peak_bytes_in_use"] / 1e6 if stats else 0


class Monai:
    def __init__(self, shape, widths, precision):
        import torch
        from monai.networks.nets import AttentionUnet

        self.torch, self.dtype = torch, getattr(torch, precision)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        self.images, self.regions = (  # channels first
            torch.from_numpy(array).movedim(-1, 1).contiguous().to(self.device)
            for array in batch(shape)
        )
        strides = (2,) * (len(widths) - 1)
        net = AttentionUnet(len(shape) - 2, shape[-1], REGIONS, widths, strides)
        self.net = self.called = net.to(self.device)
        self.optimizer = torch.optim.Adam(self.net.parameters(), 1e-3)
        self.scaler = torch.amp.GradScaler(self.device, enabled=precision == "float16")

    def step(self):
        self.optimizer.zero_grad()
        with self.torch.autocast(self.device, dtype=self.dtype):
            logits = self.called(self.images)
        loss = dice_crossentropy(logits.float(), self.regions)
        self.scaler.scale(loss).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        return loss.item()

    def parameters(self):
        return sum(values.numel() for values in self.net.parameters())

    def operations(self):
        def once():
            with self.torch.no_grad():
                self.net(self.images[:1])

        return torch_operations(self.net, once)

    def memory_mb(self):
        return torch_memory_mb()


class Compiled(Monai):
    def __init__(self, shape, widths, precision):
        super().__init__(shape, widths, precision)
        self.called = self.torch.compile(self.net)


def torch_memory_mb():
    import torch

    return torch.cuda.max_memory_allocated() / 1e6 if torch.cuda.is_available() else 0


if __name__ == "__main__":
    main()
