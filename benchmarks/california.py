"""California housing, five seeds: the network of Taller 1 beside gradient boosting and a line.

    python benchmarks/california.py > benchmarks/california.txt    ten minutes; data from Kaggle
    python benchmarks/california.py --source FOLDER                a folder that holds housing.csv
    python benchmarks/california.py --quick                        the made-up table, one epoch

The lesson is run as a student starts it and trains all of them on the same rows, scikit-learn's
`HistGradientBoostingRegressor` and `LinearRegression` with their defaults, on the raw columns; the
trees once more on the columns that the network gets, with logarithms, ratios and waves. The score
is always that of the same fifth of the rows; a seed draws the validation rows, the network's first
weights and the order of the batches.
"""

import argparse
import json
import pathlib
import statistics
import tempfile

from conditions import conditions, mean_of_seeds, runs_of_this_commit
from scores import span, train

SEEDS = [10, 11, 12, 13, 14]


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--source", default="kaggle")
    parser.add_argument("--seeds", type=int, nargs="*", default=SEEDS)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    flags = []
    if options.quick:
        options.source, options.seeds = "sample", [0]
        flags = ["--epochs", "1", "--curve-epochs", "1"]
    print(f"{conditions('tensorflow', 'keras', 'scikit-learn')}\nseeds {options.seeds}\n")
    with tempfile.TemporaryDirectory() as passing:
        runs = pathlib.Path(passing) if options.quick else runs_of_this_commit("california")
        done, minutes = {}, []
        for seed in options.seeds:
            one = train("taller1", seed, options.source, *flags, runs=runs)
            minutes.append(one["training_s"] / 60)
            report = json.loads((one["run"] / "report.json").read_text(encoding="utf-8"))
            for name, of in {"Taller 1": report, **report["baselines"]}.items():
                done.setdefault(name, []).append(of["scores"])
    print(f"{'':28}  {'R²: mean ± 95 % (least–most)':>34}  {'RMSE':>6}  {'MAE':>6}")
    for name, scores in done.items():
        r2 = mean_of_seeds([one["r2"] for one in scores], 4)
        rmse, mae = (statistics.mean(one[key] for one in scores) for key in ("rmse", "mae"))
        print(f"{name:28}  {r2:>34}  {rmse:6.3f}  {mae:6.3f}")
    print(f"\nthe network: {one['parameters']:,} parameters, {span(minutes)} minutes of training")


if __name__ == "__main__":
    main()
