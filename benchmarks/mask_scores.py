"""Scores of masks: `hausdorff95` and a case judged, beside MONAI, medpy and surface-distance.

    pip install -e ".[bench]"
    python benchmarks/mask_scores.py > benchmarks/mask_scores.txt    ten minutes
    python benchmarks/mask_scores.py --quick                         one turn, an eighth of a volume

Made-up masks in a volume of BraTS' size; the programs take turns, and MONAI has its tensors ready
made. What is defined alike must come out alike, or it stops: of the distances MONAI's and those of
the definition, which is written plainly here and goes through the whole volume; of a judged case
all other scores. Then come masks made to be slow for ours, without the others, of which some would
take many minutes.
"""

import argparse
import importlib.util
import math
import statistics
import time

import numpy as np
from conditions import conditions, spread
from scipy import ndimage

from course.evaluation.segmentation import _scores
from course.metrics import hausdorff95

PEERS = {"monai": "monai", "medpy": "medpy", "surface_distance": "surface-distance"}
SHAPE = (240, 240, 155)
ONE_MM, THICK_MM = (1.0, 1.0, 1.0), (0.9, 0.9, 3.0)
TUMOURS = [  # middle and radii, as shares of the volume's sides
    ((0.50, 0.40, 0.50), (0.17, 0.14, 0.20)),
    ((0.51, 0.42, 0.48), (0.18, 0.13, 0.21)),
]
HD95 = 1  # its place among the scores of a region
PATIENCE_S = 30  # then a case has no further turn
WHY = """
MONAI's HD95 is ours: surfaces by 6-connected erosion, the larger of the two directions' percentiles
medpy's: the same surfaces, one percentile of both directions' distances together
surface-distance's: between corners of voxels, each with its area as weight, nothing interpolated
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    if missing := [name for module, name in PEERS.items() if not importlib.util.find_spec(module)]:
        raise SystemExit(f"What it compares with is missing: pip install {' '.join(missing)}")
    shape, turns = ([n // 2 for n in SHAPE], 1) if options.quick else (SHAPE, options.turns)
    compare(Case("", ONE_MM, *specks((9, 9, 9))), 1)  # imports what there is to import
    print(conditions("numpy", "scipy", "torch", *PEERS.values()))
    print(f"volume {shape}, at most {turns} turns; ms: median (least–most)\n{WHY}")

    names = "".join(f"{name:>22}" for name in PROGRAMS)
    print(f"{'':36}{names}{'quickest, slowest / ours':>26}  HD95, mm")
    ratios = {}
    for case in cases(shape):
        times, values = compare(case, turns)
        ours, *others = (statistics.median(one) for one in times)
        low, high = ratios[case.name] = min(others) / ours, max(others) / ours
        cells = "".join(f"{spread(one, 0):>22}" for one in times)
        print(f"{case.name:36}{cells}{low:>17.1f}{high:>9.1f}  {values}", flush=True)

    print(f"\n{'':36}{'ours':>22}{'plain':>22}  HD95, mm")
    longest = {}
    for name, true, pred in slow_for_ours(shape):
        tries = [timed(hausdorff95, true, pred, ONE_MM) for _ in range(turns)]
        times, found = zip(*tries, strict=True)
        plain_ms, plain = timed(plain_hd95, true, pred, ONE_MM)
        assert np.allclose(found, plain, 0, 1e-9), f"{name}: {found}, not {plain}"
        longest[name] = statistics.median(times) / 1000
        print(f"{name:36}{spread(times, 0):>22}{plain_ms:>22.0f}  {plain:.3f}", flush=True)

    print()
    for place, title, goal in ((0, "quickest", 1), (1, "slowest", 10)):
        short = [name for name, each in ratios.items() if each[place] < goal]
        print(f"{goal} × as quick as the {title} of the others: {len(ratios) - len(short)} of "
              f"{len(ratios)} cases; not: {'; '.join(short) or 'none'}")  # fmt: skip
    worst = max(longest, key=longest.get)
    print(f"the longest of ours: {longest[worst]:.2f} s, {worst} (aimed at: less than 2 s)")


class Case:
    """Masks `(regions, D, H, W)` of one region, whose HD95 is asked, or of three, to be judged."""

    def __init__(self, name, spacing_mm, true, pred):
        import torch

        true, pred = (mask if mask.ndim == 4 else mask[None] for mask in (true, pred))
        self.name, self.spacing_mm, self.voxel_ml = name, spacing_mm, math.prod(spacing_mm) / 1000
        self.pairs = list(zip(true, pred, strict=True))
        # MONAI wants each region as a sample of one channel; the report has the regions last
        self.tensors = [torch.from_numpy(mask[:, None].astype("float32")) for mask in (pred, true)]
        last = (np.moveaxis(np.stack(list(mask), axis=-1), -1, 0) for mask in (true, pred))
        self.views = list(zip(*last, strict=True))


def compare(case, turns):
    """Milliseconds of each program's turns, and the first region's distances as they find them."""
    judged, begun = len(case.pairs) > 1, time.perf_counter()
    times = [[] for _ in PROGRAMS]
    while len(times[0]) < turns and (not times[0] or time.perf_counter() - begun < PATIENCE_S):
        scores = []
        for taken, program in zip(times, PROGRAMS.values(), strict=True):
            ms, found = timed(program, case, judged)
            taken.append(ms)
            scores.append(np.array(found, float).reshape(len(case.pairs), -1))
    scores = np.stack(scores)
    if judged:
        rest = np.delete(scores, HD95, axis=2)
        assert np.allclose(rest, rest[0], 1e-5), f"{case.name}: not the same scores, {rest}"
        scores = scores[..., HD95]
    plain = [plain_hd95(*pair, case.spacing_mm) for pair in case.pairs]
    scores = scores.reshape(len(PROGRAMS), -1)
    # MONAI computes in float32
    assert np.allclose(scores[0], plain, 0, 1e-9), f"{case.name}: {scores[0]}, not {plain}"
    assert np.allclose(scores[1], plain, 1e-5), f"{case.name}: MONAI finds {scores[1]}, not {plain}"
    return times, "  ".join(f"{each:.3f}" for each in scores[:, 0])


def timed(function, *arguments):
    begun = time.perf_counter()
    found = function(*arguments)
    return 1000 * (time.perf_counter() - begun), found


# ---- the programs: HD95 of each region, or all of its scores in the order of `_scores`


def ours(case, judged):
    if judged:
        return [list(_scores(*pair, case.spacing_mm).values()) for pair in case.views]
    return [hausdorff95(*pair, case.spacing_mm) for pair in case.views]


def of_monai(case, judged):
    import torch
    from monai.metrics import (
        compute_confusion_matrix_metric,
        compute_dice,
        compute_hausdorff_distance,
        get_confusion_matrix,
    )

    options = {"include_background": True, "percentile": 95, "spacing": case.spacing_mm}
    hd95 = compute_hausdorff_distance(*case.tensors, **options)
    if not judged:
        return hd95.numpy()
    pred, true = case.tensors
    counts = get_confusion_matrix(pred, true)
    shares = [compute_confusion_matrix_metric(n, counts) for n in ("sensitivity", "precision")]
    volumes = [mask.sum((2, 3, 4)) * case.voxel_ml for mask in (true, pred)]
    scores = [compute_dice(pred, true), hd95, *shares, *volumes]
    return torch.cat(scores, dim=1).numpy()


def of_medpy(case, judged):
    from medpy.metric import binary

    return each_region(case, judged and binary.dc, binary.hd95)


def of_surface_distance(case, judged):
    import surface_distance as its

    def hd95(pred, true, spacing_mm):
        distances = its.compute_surface_distances(true, pred, spacing_mm)
        return its.compute_robust_hausdorff(distances, 95)

    return each_region(case, judged and its.compute_dice_coefficient, hd95)


def each_region(case, dice, hd95):
    """What surface-distance has not, sensitivity and precision, NumPy counts for both."""
    rows = []
    for true, pred in case.pairs:
        row = [hd95(pred, true, case.spacing_mm)]
        if dice:
            both, sizes = (true & pred).sum(), np.array([true.sum(), pred.sum()])
            row = [dice(pred, true), *row, *both / sizes, *sizes * case.voxel_ml]
        rows.append(row)
    return rows


PROGRAMS = {
    "ours": ours,
    "MONAI": of_monai,
    "medpy": of_medpy,
    "surface-distance": of_surface_distance,
}


def plain_hd95(true, pred, spacing_mm):
    """The definition, without looking for anything quicker."""
    surfaces = [mask & ~ndimage.binary_erosion(mask) for mask in (true, pred)]
    far_mm = [ndimage.distance_transform_edt(~one, sampling=spacing_mm) for one in surfaces]
    return max(np.percentile(far_mm[1 - i][surfaces[i]], 95) for i in (0, 1))


# ---- the masks


def cases(shape):
    noise, full = np.random.default_rng(0), np.ones(shape, bool)
    true, pred = (ellipsoid(shape, *tumour) for tumour in TUMOURS)
    yield Case("two tumours", ONE_MM, true, pred)
    yield Case("two tumours, 0.9 × 0.9 × 3 mm", THICK_MM, true, pred)
    yield Case("the same, and voxels in two corners", ONE_MM, true, pred | specks(shape, 1).any(0))
    elsewhere = ellipsoid(shape, (0.30, 0.70, 0.40), (0.12, 0.12, 0.20))
    yield Case("two tumours, far apart", ONE_MM, true, elsewhere)
    yield Case("two far pieces", ONE_MM, *specks(shape))
    yield Case("noise, 96 × 96 × 96", ONE_MM, *(noise.random((2, *np.minimum(shape, 96))) < 0.5))
    yield Case("full, and full but for a tumour", ONE_MM, full, full & ~true)
    yield Case("full, and full but for 1 %", ONE_MM, full, noise.random(shape) < 0.99)
    middle = np.zeros(shape, bool)
    middle[tuple(n // 2 for n in shape)] = True
    yield Case("full, and a single voxel", ONE_MM, full, middle)
    parts = (1, 0.7, 0.4)
    regions = (np.stack([ellipsoid(shape, *tumour, part) for part in parts]) for tumour in TUMOURS)
    yield Case("a case judged: WT, TC, ET", ONE_MM, *regions)


def slow_for_ours(shape):
    """Large surfaces, too far apart for the looks around each voxel and too many for a tree."""
    z, y, x = np.ogrid[tuple(map(slice, shape))]
    noise = np.random.default_rng(0)
    first, even = np.broadcast_to(z < shape[0] // 2, shape), (z + y + x) % 2 == 0
    half, sparse = noise.random((2, *shape)) < [[[[0.5]]], [[[0.01]]]]
    yield "noise: half of the voxels", half, noise.random(shape) < 0.5
    yield "noise: half, and one in a hundred", half, sparse
    yield "noise: each in a half of the volume", half & first, half & ~first
    mixed = [np.where(part, half, sparse) for part in (first, ~first)]
    yield "noise: half and a hundredth, crosswise", *mixed
    yield "chequered: each in a half", even & first, even & ~first
    plates = np.broadcast_to(z % 2 == 0, shape)
    yield "plates: each in a half", plates & first, plates & ~first
    yield "plates, 6 mm apart", *(np.broadcast_to(z % 12 == n, shape).copy() for n in (0, 6))
    yield "an ellipsoid in another", *(ellipsoid(shape, [0.5] * 3, [r] * 3) for r in (0.5, 0.35))


def ellipsoid(shape, middle, radii, part=1):
    grid = np.ogrid[tuple(map(slice, shape))]
    sides = zip(grid, shape, middle, radii, strict=True)
    return sum(((at - side * m) / (side * r)) ** 2 for at, side, m, r in sides) < part**2


def specks(shape, side=3):
    """Two masks with a small cube each, in opposite corners."""
    masks = np.zeros((2, *shape), bool)
    masks[(0, *[slice(0, side)] * len(shape))] = True
    masks[(1, *[slice(-side, None)] * len(shape))] = True
    return masks


if __name__ == "__main__":
    main()
