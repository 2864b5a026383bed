"""Taller 5 on real chest X-rays with five seeds, and how quickly such pictures are read.

    python benchmarks/chest_xray.py                      the X-rays fetched from Kaggle
    python benchmarks/chest_xray.py --source FOLDER      a folder that holds train and test
    python benchmarks/chest_xray.py --loader             only how quickly pictures are read

Every run is the lesson itself, started as a student starts it; the scores are those of its report,
on the official test, with the threshold that the lesson chose on patients held out of training. The
held-out patients' own AUC is computed here from the finished network. With `--classes 3` the same
lesson tells bacteria from virus. The lesson's part on digits is cut short: it touches no score.
"""

import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np
from conditions import conditions

RUNS = pathlib.Path("runs/chest_xray")
TWO = ["auc", "balanced_accuracy", "sensitivity", "specificity", "accuracy"]
THREE = ["balanced_accuracy", "accuracy"]
PUBLISHED = """\
Published, beside it. On the official test of 624 pictures:
  Kermany et al., Cell 172, 2018 (InceptionV3 of ImageNet): AUC 0.968, accuracy 92.8 %, sensitivity
    93.2 %, specificity 90.1 %
  Yang et al., MedMNIST v2, Scientific Data 10, 2023 (PneumoniaMNIST, validation not by patient):
    ResNet-18 at 28x28 AUC 0.944, accuracy 85.4 %; at 224x224 0.956, 86.4 %; Google's AutoML Vision
    0.991, 94.6 %
On test pictures of which the abstract says no more:
  Ayan et al., Arabian Journal for Science and Engineering 47, 2022 (ensemble of three networks of
    ImageNet): AUC 0.952, sensitivity 97.8 %; in three classes accuracy 90.7 %
On splits of their own, so of the distribution they trained on:
  Choudhury, arXiv 2601.00837, 2026 (ResNet50 of ImageNet): AUC 0.999, accuracy 99.4 %
Kermany's and MedMNIST's figures are quoted from the papers as remembered; they were not looked up
again."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--source", default="kaggle")
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2, 3, 4])
    parser.add_argument("--classes", type=int, default=2, choices=(2, 3))
    parser.add_argument("--loader", action="store_true")
    options = parser.parse_args()
    print(conditions("tensorflow", "keras"), end="\n\n")
    if options.loader:
        return loader()
    done = [run(seed, options) for seed in options.seeds]
    print(f"\nTaller 5, {options.classes} classes, seeds {options.seeds}, {done[0]['title']}\n")
    print(f"{'score':28}  {'mean':>6}  {'min':>6}  {'max':>6}")
    for name in ["held-out patients' AUC", *(TWO if options.classes == 2 else THREE)]:
        values = [each["scores"][name] for each in done]
        print(f"{name:28}  {statistics.mean(values):6.3f}  {min(values):6.3f}  {max(values):6.3f}")
    for key, words in (("training", "training, minutes"), ("cpu", "lesson, CPU minutes")):
        values = [each[key] / 60 for each in done]
        print(f"{words:28}  {statistics.mean(values):6.1f}  {min(values):6.1f}  {max(values):6.1f}")
    print(f"{'parameters':28}  {done[0]['parameters']:6,}\n\n{PUBLISHED}")


def run(seed, options):
    """Run the lesson with one seed, or read the run that is there; its scores and times."""
    home = RUNS / f"{options.classes}-classes-seed{seed}"
    if not (home / "cpu_s").exists():
        command = [sys.executable, "-m", "course", "run", "taller5", "--source", options.source]
        flags = ["--seed", str(seed), "--classes", str(options.classes), "--run-dir", str(home)]
        short = ["--transfer-epochs", "1", "--weights", "none"]
        log = home.with_suffix(".log")
        log.parent.mkdir(parents=True, exist_ok=True)
        before = cpu_of_children()
        with log.open("w") as file:
            subprocess.run([*command, *flags, *short], stdout=file, stderr=file, check=True)
        (home / "cpu_s").write_text(str(cpu_of_children() - before))
    card = json.loads((home / "card.json").read_text(encoding="utf-8"))
    rows = (home / "history.csv").read_text().splitlines()
    column = rows[0].split(",").index("time_s")
    scores = {**card["scores"], "held-out patients' AUC": held_out(home, seed, options)}
    told = "  ".join(f"{name} {scores[name]:.3f}" for name in scores if name != "log_loss")
    print(f"seed {seed}: {told}", flush=True)
    return {
        "scores": scores,
        "title": card["data"]["title"],
        "parameters": card["parameters"],
        "training": sum(float(row.split(",")[column]) for row in rows[1:]),
        "cpu": float((home / "cpu_s").read_text()),
    }


def held_out(home, seed, options):
    """The AUC of the patients that this seed held out of training: ill or not."""
    import keras

    from course.datasets import chest_xray, splits
    from course.evaluation.two_classes import area

    (x, y, who), _ = chest_xray.load_data(options.source, classes=options.classes)
    _, val = splits.grouped(y, who, fraction=0.2, seed=seed)
    healthy = keras.models.load_model(home / "model.keras").predict(x[val][..., None], verbose=0)
    return area(y[val] > 0, 1 - healthy[:, 0])(np.ones(len(val)))


def loader(count=400, made=20):
    """Pictures a second of `load_data`, on JPEGs of 2,000×1,500 in grey; copies are links."""
    import keras  # noqa: F401 (a lesson has it in memory before its first picture)
    from PIL import Image

    rng, before_all = np.random.default_rng(0), peak()
    for size, words in (((2000, 1500), "as from a scanner"), ((224, 224), "as in a reduced copy")):
        with tempfile.TemporaryDirectory() as home:
            folder = pathlib.Path(home) / "made"
            folder.mkdir()
            for number in range(made):
                noise = Image.fromarray(rng.integers(0, 256, (75, 100), "uint8"))
                picture = noise.resize(size, Image.Resampling.BICUBIC)
                picture.save(folder / f"{number}.jpeg", quality=90)
            kilobytes = np.mean([path.stat().st_size for path in folder.iterdir()]) / 1000
            for number in range(count):
                part = "train" if number % 8 else "test"
                kind, name = ("NORMAL", f"IM-{number:04}-0001")
                if number % 3:
                    kind, name = "PNEUMONIA", f"person{number}_virus_1"
                place = pathlib.Path(home) / "chest_xray" / part / kind / f"{name}.jpeg"
                place.parent.mkdir(parents=True, exist_ok=True)
                # load_data refuses a test part that the training part holds: a quarter is its own
                picture = number % made // 4 * 4 + (number % 3 + 1 if number % 8 else 0)
                os.link(folder / f"{picture}.jpeg", place)
            for side in (64, 224):
                begun, before = time.perf_counter(), time.process_time()
                load(pathlib.Path(home) / "chest_xray", side, home)
                seconds, cpu = time.perf_counter() - begun, time.process_time() - before
                print(
                    f"JPEG of {size[0]}×{size[1]}, {kilobytes:.0f} kB, {words}, to {side}×{side}: "
                    f"{count / seconds:.0f} pictures a second; {1000 * cpu / count:.1f} ms of "
                    f"processor each, so {os.cpu_count() * count / cpu:.0f} a second with "
                    f"{os.cpu_count()} cores of its own"
                )
    print(f"peak memory {peak():.0f} MB, {before_all:.0f} of them before the first picture")


def load(folder, side, home):
    from course.datasets import chest_xray

    os.environ["KAGGLEHUB_CACHE"] = home  # where the prepared array goes
    chest_xray.load_data(folder, size=side)


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
