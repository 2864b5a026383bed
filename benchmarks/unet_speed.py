"""Time the attention U-Net beside MONAI's, in turns in one run; print the table of unet_speed.txt.

    pip install -e ".[bench]"
    python benchmarks/unet_speed.py

Two processes, one a framework, wait for each other: while one works, the other sleeps, so that
whatever else the machine does disturbs both alike. Same widths, input, loss, optimiser, float32 and
two threads. An operation is one multiplication with its addition in a convolution, counted from the
shapes in one forward pass; a training step is taken as three of them (forward, and the gradients of
maps and weights).
"""

import argparse
import datetime
import importlib.metadata
import json
import math
import os
import resource
import statistics
import subprocess
import sys
import time

import numpy as np
from conditions import processor

THREADS = 2
REGIONS = 3  # WT, TC, ET: three sigmoids
CASES = {  # the input, batch first, and the widths of the levels
    "3D": ((1, 64, 64, 64, 4), (16, 32, 64, 128)),
    "2D": ((8, 128, 128, 4), (16, 32, 64, 128)),
}
NETS = {"keras": "course.models.attention_unet", "torch": "MONAI AttentionUnet"}


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=30, help="times that each net has its turn")
    parser.add_argument("--worker", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        return work(*options.worker)
    sys.stdout.reconfigure(line_buffering=True)  # a file shows at once what is finished
    names = ("tensorflow", "keras", "torch", "monai")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)
    print(f"{datetime.date.today()} · {processor()}, {THREADS} threads · {versions}")
    print(f"{options.rounds} turns each · Dice + cross-entropy of three sigmoid regions, Adam, "
          "float32, oneDNN on\nmedian (quartiles) quickest; ratios: of each turn, then of the two "
          "quickest, which other programs disturbed least\nmemory: the process's peak less what it "
          "had before its net was built")  # fmt: skip
    for case, (shape, widths) in CASES.items():
        print(f"\n{case}: input {' × '.join(map(str, shape))}, widths {'-'.join(map(str, widths))}"
              f"; load of the machine before: {os.getloadavg()[0]:.1f}")  # fmt: skip
        compare(case, options.rounds)


def compare(case, rounds):
    workers = {framework: Worker(framework, case) for framework in NETS}
    facts = {framework: worker.ask("facts") for framework, worker in workers.items()}
    losses = [fact["loss"] for fact in facts.values()]
    assert abs(losses[0] - losses[1]) < 1e-5, f"not the same loss: {losses}"
    times = {}
    for task in ("train", "predict"):
        turns = [{f: workers[f].ask(task)["time_s"] for f in NETS} for _ in range(rounds)]
        times[task] = {framework: [turn[framework] for turn in turns] for framework in NETS}
    for framework, worker in workers.items():
        facts[framework] |= worker.ask("memory")
        worker.end()

    print(f"{'':30}{'parameters':>11}{'10⁹ operations':>16}{'training step, s':>29}"
          f"{'prediction, s':>29}{'peak memory, MB':>17}")  # fmt: skip
    for framework, title in NETS.items():
        fact = facts[framework]
        train, predict = (spread(times[task][framework]) for task in times)
        print(f"{title:30}{fact['parameters']:>11,}{fact['operations'] / 1e9:>16.2f}{train:>29}"
              f"{predict:>29}{fact['memory_mb']:>17,.0f}")  # fmt: skip
    work_ratio = facts["keras"]["operations"] / facts["torch"]["operations"]
    for title, divisor in (("ratio of times", 1), ("ratio of times per operation", work_ratio)):
        train, predict = (ratios(*times[task].values(), divisor) for task in times)
        print(f"{title:57}{train:>29}{predict:>29}")


def spread(values, quickest=None):
    low, middle, high = statistics.quantiles(values, n=4)
    quickest = min(values) if quickest is None else quickest
    return f"{middle:.3f} ({low:.3f}–{high:.3f}) {quickest:.3f}"


def ratios(ours, theirs, divisor):
    pairs = [a / b / divisor for a, b in zip(ours, theirs, strict=True)]
    return spread(pairs, min(ours) / min(theirs) / divisor)


# ---- the two processes


class Worker:
    """A process with one of what is compared; it does what it is asked and answers in JSON."""

    def __init__(self, *words, script=__file__):
        command = [sys.executable, script, "--worker", *words]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, **pipes)

    def ask(self, task):
        print(task, file=self.process.stdin, flush=True)
        return json.loads(self.process.stdout.readline())

    def end(self):
        self.process.communicate()


def work(framework, case):
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:THREADS])
    answers, sys.stdout = sys.stdout, sys.stderr  # what a framework prints is no answer
    net = {"keras": Keras, "torch": Torch}[framework](*CASES[case])
    tasks = {"train": net.train, "predict": net.predict}
    for task in tasks.values():
        task(), task()  # the first steps trace and plan
    for line in sys.stdin:
        name = line.strip()
        if name == "facts":
            reply = {"parameters": net.parameters, "operations": net.operations(),
                     "loss": net.loss_of_example()}  # fmt: skip
        elif name == "memory":
            reply = {"memory_mb": peak_mb() - net.before_mb}
        else:
            begun = time.perf_counter()
            tasks[name]()
            reply = {"time_s": time.perf_counter() - begun}
        print(json.dumps(reply), file=answers, flush=True)


def peak_mb():
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10  # bytes there, KiB here


def batch(shape):
    """Images, and three regions that lie in one another."""
    rng = np.random.default_rng(0)
    images = rng.normal(size=shape).astype("float32")
    regions = images[..., :1] > np.array([0.5, 1.0, 1.5])
    return images, regions.astype("float32")


class Keras:
    def __init__(self, shape, widths):
        os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"
        os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
        import keras
        import tensorflow as tf

        from course.losses import DiceCrossentropy
        from course.models import attention_unet

        tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        tf.config.threading.set_inter_op_parallelism_threads(THREADS)
        self.images, self.regions = batch(shape)
        self.before_mb = peak_mb()
        self.loss = DiceCrossentropy(multilabel=True)
        self.net = attention_unet(shape[1:], REGIONS, widths, output_activation="sigmoid")
        self.net.compile(keras.optimizers.Adam(1e-3), self.loss)
        self.parameters = sum(math.prod(v.shape) for v in self.net.trainable_variables)

    def train(self):
        self.net.train_on_batch(self.images, self.regions)

    def predict(self):
        self.net.predict_on_batch(self.images)

    def operations(self):
        return keras_operations(self.net) * len(self.images)

    def loss_of_example(self):
        probabilities = 1 / (1 + np.exp(-self.images[..., :REGIONS]))
        return float(self.loss(self.regions, probabilities))


class Torch:
    def __init__(self, shape, widths):
        import torch
        from monai.networks.nets import AttentionUnet

        torch.set_num_threads(THREADS)
        self.torch = torch
        images, regions = batch(shape)
        self.images, self.regions = (  # channels first
            torch.from_numpy(array).movedim(-1, 1).contiguous() for array in (images, regions)
        )
        self.before_mb = peak_mb()
        self.net = AttentionUnet(
            len(shape) - 2, shape[-1], REGIONS, widths, strides=(2,) * (len(widths) - 1)
        )
        self.optimizer = torch.optim.Adam(self.net.parameters(), 1e-3)
        self.parameters = sum(values.numel() for values in self.net.parameters())

    def train(self):
        self.net.train()
        self.optimizer.zero_grad()
        self.loss(self.net(self.images)).backward()
        self.optimizer.step()

    def predict(self):
        self.net.eval()
        with self.torch.inference_mode():
            return self.torch.sigmoid(self.net(self.images)).numpy()

    def loss(self, logits):
        return dice_crossentropy(logits, self.regions)

    def operations(self):
        return torch_operations(self.net, self.predict) * len(self.images)

    def loss_of_example(self):
        return float(self.loss(self.images[:, :REGIONS]))


def dice_crossentropy(logits, regions):
    """`DiceCrossentropy(multilabel=True)` in PyTorch: Dice by sample and region, smoothed by 1."""
    import torch

    p, t = torch.sigmoid(logits), regions
    sizes = tuple(range(2, p.ndim))
    dice = (2 * (p * t).sum(sizes) + 1) / (p.sum(sizes) + t.sum(sizes) + 1)
    entropy = torch.nn.functional.binary_cross_entropy_with_logits(logits, t)
    return 0.5 * (1 - dice).mean() + 0.5 * entropy


def keras_operations(net):
    """For one sample, in all convolutions."""
    total = 0
    for layer in net.layers:
        kind = type(layer).__name__
        if kind.startswith("Conv") and not kind.startswith("Concat"):
            inputs, outputs = layer.input.shape[1:], layer.output.shape[1:]
            total += convolution(layer.kernel.shape, inputs, outputs, "Transpose" in kind)
    return total


def torch_operations(net, predict):
    """For one sample, in the convolutions through which `predict` goes."""
    total = 0

    def count(layer, inputs, output):
        nonlocal total
        if hasattr(layer, "transposed"):  # weights are (out, in, *sides), (in, out, *sides)
            sides = (*layer.weight.shape[2:], *layer.weight.shape[:2])
            before, after = inputs[0].shape[2:], output.shape[2:]
            total += convolution(sides, (*before, 0), (*after, 0), layer.transposed)

    hooks = [layer.register_forward_hook(count) for layer in net.modules()]
    predict()
    for hook in hooks:
        hook.remove()
    return total


def convolution(kernel, inputs, outputs, transposed):
    """Operations for one sample: the kernel's weights times the places where it is laid."""
    places = (inputs if transposed else outputs)[:-1]  # the last is the channels
    return math.prod(kernel) * math.prod(places)


if __name__ == "__main__":
    main()
