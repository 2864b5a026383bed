"""How good a segmentation is, case by case and region by region: a model and volumes in, a Report.

Conventions where something is missing are those of `course.metrics`: a region that neither the
truth nor the network has scores Dice 1 and HD95 0; one that only one of them has, Dice 0 and HD95
the volume's diagonal. Without truth there is no sensitivity, without an answer no precision: both
are None, and their means are over the other cases.
"""

import functools
import tempfile
from pathlib import Path

import numpy as np

from course import figures, files, metrics
from course.errors import CourseError
from course.evaluation import fingerprint
from course.evaluation.intervals import bootstrap
from course.evaluation.page.volume import packed
from course.evaluation.report import Report
from course.inference import predict_volume, to_mask
from course.regions import REGIONS, to_regions
from course.spanish import number


def evaluate_segmenter(model, volumes, *, origin, predict=predict_volume, least_et_ml=0.0):
    """Judge a network on whole cases in their original geometry, one in memory at a time.

    What is scored is what would be written to a file: the answer becomes labels first, with the
    regions one inside the other and nothing outside the brain (`course.inference.to_mask`).

    Args:
        model: As `predict` takes it; its answers are the three regions or a class for each label.
        volumes: Iterable of cases with `name`, `image` `(D, H, W, C)` normalised, `labels`
            `(D, H, W)`, `spacing_mm` `(D, H, W)`, `edition` and, if known, `modalities`, names
            of the channels, as `brats.volumes` yields them. It is gone through once.
        origin: `catalog.Origin` of the data.
        predict: Function of model and image that answers with probabilities `(D, H, W, K)`.
        least_et_ml: Volume in millilitres: less enhancing tumour than this is written as core. What
            `course.inference.choose_least_et_ml` finds in cases that are not scored here.

    Returns:
        A `Report`. Scores: dice_WT, dice_TC, dice_ET, hd95_mm_WT … (millimetres), means over the
        cases, each with the middle 95 % of a bootstrap over the cases (None for one case).
        per_class: each region's means and medians of Dice, HD95, sensitivity, precision and
        volumes (ml). per_case: the same of each case, the worst first.

    Raises:
        CourseError: For no cases, a case without a mask, labels of another edition, or answers
            that do not fit.

    Example:

    >>> from types import SimpleNamespace
    >>> labels = np.zeros((4, 8, 8), "uint8")
    >>> labels[1:3, 2:6, 2:6] = 4
    >>> case = SimpleNamespace(name="1", image=np.ones((4, 8, 8, 1)), labels=labels,
    ...                        spacing_mm=(1, 1, 1), edition="2020")
    >>> def perfect(model, image):
    ...     return to_regions(labels, "2020")
    >>> origin = SimpleNamespace(title="un cubo")
    >>> evaluate_segmenter(None, [case], origin=origin, predict=perfect).scores["dice_WT"]
    1.0
    """
    with tempfile.TemporaryDirectory() as folder:
        # map, because a loop's variable would keep a case while the next one is read
        cases = list(map(functools.partial(_judge, model, predict, least_et_ml, folder), volumes))
        cases.sort(key=lambda case: case["mean_dice"])
        # which case is the middle one shows at the end; packed, each has 2 MB
        file = cases[len(cases) // 2]["packed"] if cases else None
        middle = file.read_text(encoding="utf-8") if file else ""
    if not cases:
        raise CourseError("No hay nada que evaluar: se esperaba al menos un caso. Llegó: ninguno.")
    rows = [{key: case[key] for key in ("case", "mean_dice", "regions")} for case in cases]
    per_class = [_region_row(region, rows) for region in REGIONS]
    dice = {region: [row["regions"][region]["dice"] for row in rows] for region in REGIONS}
    ends = [f"{name} de {number(min(v))} a {number(max(v))}" for name, v in dice.items()]
    means = {f"{k}_{row['region']}": row[k] for k in ("dice", "hd95_mm") for row in per_class}
    shown = _best_middle_worst(cases)
    return Report(
        task="segmentation",
        origin=origin,
        n=len(rows),
        scores={name: summary["mean"] for name, summary in means.items()},
        intervals={name: summary["mean_interval"] for name, summary in means.items()},
        per_class=per_class,
        per_case=rows,
        case=middle,
        test_data=fingerprint.of_cases({case["case"]: case["truth"] for case in cases}),
        tables={
            "cases": [
                {"case": row["case"], "region": region, **row["regions"][region]}
                for row in rows
                for region in REGIONS
            ]
        },
        figures={
            "dice_by_case": figures.dice_by_case(
                dice, title=f"El Dice de cada caso — {origin.title}"
            ),
            "cases": figures.overlay(
                *([case["slice"][key] for _, case in shown] for key in ("image", "true", "answer")),
                [_line(which, case) for which, case in shown],
                title=f"Lo que ve la red — {origin.title}",
            ),
        },
        alt={
            "dice_by_case": f"El Dice de cada caso: {'; '.join(ends)}.",
            "cases": "Imagen, verdad y respuesta de la red, un corte de cada caso. "
            + ". ".join(_line(which, case) for which, case in shown),
        },
    )


def _judge(model, predict, least_et_ml, folder, volume):
    """The scores of one case, the slice that a figure may show, the file that the page may."""
    if not hasattr(volume, "labels"):
        raise CourseError(
            f"volumes: se esperaban casos leídos. Llegó: {type(volume).__name__}.\n"
            "Qué hacer: da brats.volumes(cases), con los casos de brats.find_cases."
        )
    if volume.labels is None:
        raise CourseError(
            f"{volume.name} no tiene máscara, y sin ella no se puede medir nada en él.\n"
            "Qué hacer: evalúa casos con máscara; uno sin ella, con: "
            "python -m course predict CORRIDA CARPETA"
        )
    true = to_regions(volume.labels, volume.edition).astype(bool)
    probabilities = np.asarray(predict(model, volume.image))
    if probabilities.shape[:-1] != true.shape[:-1]:
        raise ValueError(
            f"Expected an answer for each voxel of {volume.name}, {true.shape[:-1]}. "
            f"Received: {probabilities.shape}"
        )
    labels = to_mask(probabilities, volume.image, volume.edition, volume.spacing_mm, least_et_ml)
    answer = to_regions(labels, volume.edition).astype(bool)
    regions = {
        region: _scores(true[..., i], answer[..., i], volume.spacing_mm)
        for i, region in enumerate(REGIONS)
    }
    at = metrics.largest_slice(true[..., 0], answer[..., 0])
    return {
        "case": str(volume.name),
        "mean_dice": float(np.mean([scores["dice"] for scores in regions.values()])),
        "regions": regions,
        "truth": fingerprint.of_labels(volume.labels),
        "packed": _pack(volume, true, answer, folder),
        "slice": {
            "at": at,
            # copies: a view would keep the whole volume
            "image": np.array(volume.image[at, ..., 0]),
            "true": true[at].copy(),
            "answer": answer[at].copy(),
        },
    }


def _pack(volume, true, answer, folder):
    """A case as the page's viewer takes it, in a file of its own; None if the disk is full."""
    channels = range(1, volume.image.shape[-1] + 1)
    text = packed(
        volume.image,
        {"truth": true, "prediction": answer},
        name=volume.name,
        modalities=getattr(volume, "modalities", None) or [f"canal {n}" for n in channels],
        spacing_mm=volume.spacing_mm,
    )
    path = Path(folder, f"{len(list(Path(folder).iterdir()))}.json")
    try:
        files.write(path, text)
    except CourseError:
        return None  # the score is worth more than the viewer
    return path


def _scores(true, answer, spacing_mm):
    """One region of one case; what is not defined is None."""
    true, answer = np.ascontiguousarray(true), np.ascontiguousarray(answer)  # gone through often
    scores = {
        "dice": metrics.dice_score(true, answer),
        "hd95_mm": metrics.hausdorff95(true, answer, spacing_mm),
        "sensitivity": metrics.sensitivity(true, answer),
        "precision": metrics.precision(true, answer),
        "volume_true_ml": metrics.volume_ml(true, spacing_mm),
        "volume_predicted_ml": metrics.volume_ml(answer, spacing_mm),
    }
    return {
        key: None if value is None or np.isnan(value) else float(value)
        for key, value in scores.items()
    }


def _region_row(region, rows):
    """Means and medians of one region over the cases, with their intervals."""
    summary = {"region": region, "n": len(rows)}
    for key in rows[0]["regions"][region]:
        values = [row["regions"][region][key] for row in rows]
        known = [value for value in values if value is not None]
        summary[key] = {
            "n": len(known),
            "mean": float(np.mean(known)) if known else None,
            "median": float(np.median(known)) if known else None,
            "mean_interval": bootstrap(known),
            "median_interval": bootstrap(known, np.median),
        }
    return summary


def _best_middle_worst(cases):
    """Cases, sorted from the worst, with what they are called; fewer of them if there are fewer."""
    if len(cases) == 1:
        return [("El caso", cases[0])]
    chosen = [("El mejor", cases[-1]), ("El peor", cases[0])]
    if len(cases) > 2:
        chosen.insert(1, ("El intermedio", cases[len(cases) // 2]))
    return chosen


def _line(which, case):
    dice = " · ".join(f"{r} {number(scores['dice'])}" for r, scores in case["regions"].items())
    return f"{which}: {case['case']}, corte {case['slice']['at'] + 1}. Dice {dice}"
