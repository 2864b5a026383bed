"""A head without its skull: folded grey matter, white matter, ventricles, cerebellum, brainstem.

The folds are the zero sheets of a noise that depends on the direction only, so that they enter the
brain at right angles to its surface; the cortex is what lies within a few millimetres of a fold or
of the surface, on whichever side.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from course.datasets.samples.brains.space import ellipsoid, join, tube

_CENTER, _RADII = (12.0, 0.0, 0.0), (53.0, 83.0, 67.0)  # of the cerebrum, in mm
# one lateral ventricle: front horn, body, atrium, lower horn; then its back horn
_HORNS = (
    ((7, -33, 9, 2.5), (14, -22, 9, 5), (20, 0, 10, 4.5), (18, 18, 15, 5), (8, 30, 22, 6.5),
     (-8, 22, 30, 3), (-17, 0, 32, 2)),
    ((8, 30, 22, 6), (7, 52, 20, 2)),
)  # fmt: skip
_THALAMUS, _CAUDATE = ((6, 10, 11), (8, 14, 8.5)), ((15, -18, 15), (8, 10, 4))
_LENTIFORM = ((3, -4, 25), (9, 16, 6.5))


@dataclass(frozen=True)
class Head:
    """What differs from one healthy head to the next."""

    turn: np.ndarray  # rotation, (3, 3)
    size: np.ndarray  # of the three axes, about 1
    age: float  # 0 to 1: wider folds and ventricles

    @classmethod
    def draw(cls, rng):
        a, b, c = np.radians(rng.normal(0, 2.5, 3))
        turn = np.eye(3) + np.array([[0, -a, -b], [a, 0, -c], [b, c, 0]])
        turn = np.linalg.qr(turn)[0]
        turn *= np.sign(np.diag(turn))
        return cls(turn, rng.normal(1, 0.03, 3).clip(0.93, 1.05), rng.beta(1.5, 1.5))

    def points(self, space):
        """The coordinates in the head of each voxel, in mm: three float32 `(D, H, W)`."""
        points = space.points()
        return [
            sum(np.float32(w) * p for w, p in zip(row, points, strict=True)) / np.float32(size)
            for row, size in zip(self.turn, self.size, strict=True)
        ]


@dataclass(frozen=True)
class Anatomy:
    """Shares of each voxel, float32 `(D, H, W)`, and where its surface is, in mm."""

    inside: np.ndarray  # bool: what remains when the skull is stripped
    csf: np.ndarray
    grey: np.ndarray
    white: np.ndarray
    depth_mm: np.ndarray  # below the brain's surface
    ventricle_mm: np.ndarray  # signed distance to the lateral ventricles
    vessels: np.ndarray  # share of voxel


def cerebrum(points):
    """Signed distance in mm to the hull of both hemispheres."""
    z, y, x = points
    egg = x / (1 + 0.0008 * y + 0.00002 * y * y)  # blunter than an ellipse, wider behind
    hull = ellipsoid((z, y, egg), _CENTER, _RADII)
    base = z + 16 + 0.002 * x * x - 0.02 * y  # the floor of the skull is lower at the sides
    hull = -join(-hull, base, 8)
    lobe = ellipsoid((z, y, np.abs(x)), (-19, -8, 41), (20, 37, 21))
    return join(hull, lobe, 6)


def draw(space, points, age, push, rng):
    """Draw a healthy brain, its tissue pushed aside, as `Plan.push` says, where a tumour grows."""
    lumps = 1.5 * space.noise(rng, 22) + 0.7 * space.noise(rng, 9)
    top = cerebrum(points) + lumps
    z, y, x = push(points, -top)
    points = [z, y, x + 1.2 * space.noise(rng, 45)]  # the midline is never quite straight
    notch = 6 * np.exp(-((points[2] / 5) ** 2)) * np.clip((points[1] - 50) / 10, 0, 1)
    below = ellipsoid(points, (-33, 45, 0), (24, 32, 51)) + 0.5 * lumps + notch
    stem = tube(points, ((2, 8, 0, 14), (-28, 12, 0, 14), (-40, 16, 0, 10), (-75, 22, 0, 8)))
    folds = _folds(space, points, rng)
    tissue = _cortex(space, *_pial(space, points, top, below, folds, age, rng), rng)
    ventricles = _ventricles(points, age, rng)
    _deep(space, tissue, points)
    _hindbrain(space, tissue, points, top, below, stem, rng)
    surface = join(join(top, below, 10), stem, 3)
    _overlay(tissue, space.covered(ventricles), "csf")
    return Anatomy(
        surface < 0,
        *(tissue[k] for k in ("csf", "grey", "white")),
        -surface,
        ventricles,
        _vessels(space, points, -surface, folds, rng),
    )


def _folds(space, points, rng):
    """Distance in mm to the nearest sulcus, were they all infinitely deep."""
    field = space.noise(rng, 6.3, band=True)
    winding = [p + 3.2 * space.noise(rng, 11) for p in points]
    direction = [(p - c) / r for p, c, r in zip(winding, _CENTER, _RADII, strict=True)]
    norm = np.sqrt(sum(d * d for d in direction)) + 1e-3
    target = [
        0.8 * (c + 0.93 * d / norm * r) + 0.2 * p
        for d, c, r, p in zip(direction, _CENTER, _RADII, winding, strict=True)
    ]
    index = np.stack(
        [t / space.voxel_mm + (n - 1) / 2 for t, n in zip(target, space.shape, strict=True)]
    )
    field = ndimage.map_coordinates(field, index, order=1, mode="nearest")
    return space.distance_to_zero(field)


def _pial(space, points, top, below, folds, age, rng):
    """Distance in mm to the nearest outer surface of the cortex, and half the width of a fold."""
    z, y, x = points
    deepest = np.clip(19 + 7 * space.noise(rng, 15), 5, 32)
    sulcus = np.hypot(folds, np.maximum(-top - deepest, 0))
    arch = ellipsoid((z, y, 0), (4, 4, 0), (26, 45, 1))  # below it the callosum joins both
    fissure = np.hypot(x, np.maximum(-arch, 0))
    # the Sylvian fissure: a sheet that rises to the back, between the temporal lobe and the rest
    wave = 4 * space.noise(rng, 13)
    sheet = (z + 6 - 0.45 * (y + 10) - 0.25 * (np.abs(x) - 45) + wave) / 1.15
    ends = np.maximum(np.maximum(-38 - y, y - 30), 0) + np.maximum(33 - np.abs(x), 0)
    sylvian = np.hypot(sheet, ends) - 0.7 * age
    wide = 0.15 + (0.35 + 0.8 * age) * (0.4 + np.exp(np.minimum(top, 0) / 5))
    pial = np.minimum(np.minimum(sulcus, fissure), np.minimum(sylvian, -top - 0.5 - 0.8 * age))
    return np.minimum(pial, below - 1), wide


def _cortex(space, pial, wide, rng):
    thick = 3.3 + 0.35 * space.noise(rng, 12)
    csf = space.covered(pial - wide)
    white = space.covered(wide + thick - pial)
    return {"csf": csf, "grey": 1 - csf - white, "white": white}


def _ventricles(points, age, rng):
    """Signed distance in mm; the two sides differ a little."""
    z, y, x = points
    grow = 0.7 + 0.55 * age + rng.normal(0, 0.06, 2).clip(-0.12, 0.12)
    grow = np.where(x > 0, grow[0], grow[1]).astype("float32")
    side = (z, y, np.abs(x))
    lateral = np.minimum(*(tube(side, path) for path in _HORNS)) - 4.5 * (grow - 1)
    third = np.maximum(np.abs(x) - 1.2 - age, np.hypot(z - 4, (y - 6) / 1.7) - 10)
    return np.minimum(np.maximum(lateral, 0.8 - np.abs(x)), third)


def _deep(space, tissue, points):
    """Thalamus, caudate and lentiform nucleus; white matter wraps the ventricles."""
    z, y, x = points
    side = (z, y, np.abs(x))
    middle = space.covered(ellipsoid(side, (9, 0, 17), (21, 44, 22))) * (np.abs(x) > 4)
    _overlay(tissue, middle, "white")  # no fold reaches so deep
    for (center, radii), share in ((_THALAMUS, 0.75), (_CAUDATE, 1), (_LENTIFORM, 0.9)):
        _overlay(tissue, share * space.covered(ellipsoid(side, center, radii)), "grey")


def _hindbrain(space, tissue, points, top, below, stem, rng):
    """Brainstem, and a cerebellum with its leaves; a little water around both."""
    z, y, x = points
    _overlay(tissue, space.covered(-top), "csf")  # outside the cerebrum
    leaf = np.cos(2 * np.pi * (np.hypot(z + 30, y - 22) / 6.5) + 0.8 * space.noise(rng, 14))
    white = space.covered(9 + 5 * leaf + below)
    inside = space.covered(below + 1)
    _overlay(tissue, inside, "grey")
    _overlay(tissue, inside * white, "white")
    _overlay(tissue, inside * (1 - white) * np.clip(-leaf - 0.6, 0, 1), "csf")
    _overlay(tissue, space.covered(tube(points, ((-22, 27, 0, 3), (-38, 31, 0, 3)))), "csf")
    _overlay(tissue, space.covered(stem + 0.8), "white")
    _overlay(tissue, 0.35 * space.covered(stem + 3), "grey")


def _vessels(space, points, depth, folds, rng):
    """Vessels in the folds, and the great sinus above the midline."""
    z, y, x = points
    other = space.distance_to_zero(space.noise(rng, 16))
    radius = rng.uniform(0.5, 1.0)
    small = space.covered(np.hypot(folds, other) - radius) * (depth < 14)
    sinus = np.hypot(x, (depth - 2) * 0.8) - rng.uniform(1.0, 3.0)
    return np.maximum(small, space.covered(sinus) * (z > 0)) * (depth > 0)


def _overlay(tissue, share, name):
    """Let `share` of each voxel be of one tissue, the rest what it was."""
    for values in tissue.values():
        values *= 1 - share
    tissue[name] += share
