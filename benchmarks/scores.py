"""Train talleres with some seeds; print their rows of the README's table.

    python benchmarks/scores.py --lessons taller3 --seeds 10 11 12 13 14    data from Kaggle
    python benchmarks/scores.py --source FOLDER         Talleres 1 to 3, from a folder with copies
    python benchmarks/scores.py --source sample --lessons taller4           on the made-up brains

Every run is the lesson itself, started as a student starts it; the scores are those of its report,
the minutes the sum of its epochs in history.csv. What Taller 5b detects is told as in its log.
"""

import argparse
import datetime
import json
import re
import statistics
import subprocess
import sys

from conditions import conditions, runs_of_this_commit

LESSONS = {
    "taller0": ["accuracy"],
    "taller1": ["r2"],
    "taller2": ["accuracy"],
    "taller3": ["accuracy"],
    "taller4": ["dice_WT", "dice_TC", "dice_ET"],
    "taller5": ["auc", "balanced_accuracy"],  # five seeds of it: chest_xray.py
    "taller5b": ["accuracy"],
    "taller6": ["accuracy"],
}
DETECTED = re.compile(r"^.+, IoU desde .+\n +precisión .+$", re.MULTILINE)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--source", default="kaggle")
    parser.add_argument("--lessons", nargs="*", default=list(LESSONS)[1:4], choices=LESSONS)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    options = parser.parse_args()
    print(f"{conditions('tensorflow', 'keras')} · seeds {options.seeds}\n")
    print(f"{'lesson':8}  {'score':9}  {'mean':>7}  {'min':>7}  {'max':>7}  "
          f"{'parameters':>10}  {'training, minutes':>17}  {'lesson, minutes':>15}")  # fmt: skip
    for lesson in options.lessons:
        runs = runs_of_this_commit("scores")
        done = [train(lesson, seed, options.source, runs=runs) for seed in options.seeds]
        training, whole = (span([run[key] / 60 for run in done]) for key in ("training_s", "all_s"))
        for name in LESSONS[lesson]:
            scores = [run["scores"][name] for run in done]
            print(f"{lesson:8}  {name:9}  {statistics.mean(scores):7.4f}  {min(scores):7.4f}  "
                  f"{max(scores):7.4f}  {done[0]['parameters']:10,}  {training:>17}  {whole:>15}",
                  flush=True)  # fmt: skip
        if lesson == "taller5b":
            for seed, run in zip(options.seeds, done, strict=True):
                log = run["run"].with_name(f"{run['run'].name}.log").read_text(encoding="utf-8")
                print(f"seed {seed}:", *DETECTED.findall(log), sep="\n", flush=True)


def train(lesson, seed, source, *others, runs):
    """Run one lesson with one seed, or read the run that is there; its scores and times."""
    run = runs / "".join([lesson, *others, f"-seed{seed}"])
    if not (run / "report.json").exists():
        begun = datetime.datetime.now()
        command = [sys.executable, "-m", "course", "run", lesson, "--source", source]
        flags = ["--seed", str(seed), "--run-dir", str(run), *others]
        log = runs / f"{run.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w") as file:
            subprocess.run([*command, *flags], stdout=file, stderr=file, check=True)
        (run / "all_s").write_text(str((datetime.datetime.now() - begun).total_seconds()))
    card = json.loads((run / "card.json").read_text(encoding="utf-8"))
    rows = (run / "history.csv").read_text().splitlines()
    column = rows[0].split(",").index("time_s")
    return {
        "run": run,
        "scores": card["scores"],
        "parameters": card["parameters"],
        "training_s": sum(float(row.split(",")[column]) for row in rows[1:]),
        "all_s": float((run / "all_s").read_text()),
    }


def span(values):
    return f"{min(values):.1f}–{max(values):.1f}"


if __name__ == "__main__":
    main()
