"""Gliomas for the brain phantom: oedema around a core, and what of the core takes up contrast."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from course.datasets.samples.brains.anatomy import cerebrum

# eight cases in a row hold these in some order; the grade is that of BraTS' name_mapping.csv
KINDS = ("ring",) * 4 + ("solid", "patchy", "diffuse", "diffuse")
GRADES = {"ring": "HGG", "solid": "HGG", "patchy": "LGG", "diffuse": "LGG"}
# in mm, from and to: radius of the core, reach of the oedema around it, thickness of the rim
_SIZES = {
    "ring": ((11, 22), (7, 24), (3.2, 6.5)),
    "solid": ((9, 16), (6, 22), (4, 7)),
    "patchy": ((13, 23), (4, 11), (4, 7)),
    "diffuse": ((13, 24), (2, 9), (0, 0)),
}


@dataclass(frozen=True)
class Plan:
    """Where a tumour grows, how large, and how it takes up contrast."""

    kind: str
    center: tuple  # z, y, x in the head, mm
    radius_mm: float
    oedema_mm: float
    rim_mm: float
    stretch: np.ndarray  # of the three axes, about 1

    @classmethod
    def draw(cls, kind, rng):
        """Draw a tumour of one of `KINDS` somewhere deep enough in either hemisphere."""
        radius, oedema, rim = (rng.uniform(*size) for size in _SIZES[kind])
        while True:
            center = rng.uniform((-22, -62, 14), (48, 62, 52)) * (1, 1, rng.choice((-1, 1)))
            if cerebrum(center) < -5 - 0.6 * radius:
                stretch = rng.normal(0, 0.16, 3)
                stretch = np.exp(stretch - stretch.mean())  # the volume stays
                return cls(kind, tuple(center), radius, oedema, rim, stretch)

    def push(self, points, depth_mm):
        """Where the tissue at each point would lie without the tumour, which pushes it outwards."""
        offsets = self._offsets(points)
        force = 0.35 if self.kind == "diffuse" else 0.5
        distance = sum(o * o for o in offsets) / (1.6 * self.radius_mm) ** 2
        shift = force * np.exp(-distance) * np.clip(depth_mm / 12, 0, 1)  # the skull stays
        return [p - shift * o for p, o in zip(points, offsets, strict=True)]

    def distance(self, points):
        """Distance in mm from the centre, stretched."""
        pairs = zip(self._offsets(points), self.stretch, strict=True)
        return np.sqrt(sum((offset / np.float32(stretch)) ** 2 for offset, stretch in pairs))

    def _offsets(self, points):
        return [p - np.float32(c) for p, c in zip(points, self.center, strict=True)]


@dataclass(frozen=True)
class Tumour:
    """Shares of each voxel, float32 `(D, H, W)`; together at most 1."""

    oedema: np.ndarray
    solid: np.ndarray  # core that takes up no contrast
    necrosis: np.ndarray
    enhancing: np.ndarray

    def labels(self):
        """BraTS 2020's labels, uint8: what most of a voxel is. 0, 1 core, 2 oedema, 4 enhancing."""
        core = self.solid + self.necrosis
        parts = np.stack([core, self.oedema, self.enhancing])
        most = np.array([1, 2, 4], "uint8")[parts.argmax(0)]
        return np.where(parts.sum(0) >= 0.5, most, 0).astype("uint8")


def draw(space, plan, points, anatomy, rng):
    """Let the tumour of a `Plan` grow in a brain that it has pushed aside already."""
    far = plan.distance(points)
    diffuse = plan.kind == "diffuse"  # it has no clear edge
    lumps = (0.28 if diffuse else 0.2) * space.noise(rng, plan.radius_mm)
    lumps += 0.09 * space.noise(rng, plan.radius_mm / 2.5)
    core = far - plan.radius_mm * np.clip(1 + lumps, 0.7, 1.7)
    side = np.sign(plan.center[2]) * points[2]
    core = np.maximum(core, 1.5 - np.minimum(anatomy.depth_mm, side))  # signed distance, mm
    enhancing, fluid = _inside(plan, core, space, rng)
    whole = space.covered(core / 2.5 if diffuse else core)
    enhancing = np.minimum(space.covered(enhancing), whole)
    necrosis = fluid * (whole - enhancing)
    oedema = _oedema(plan, far, side, anatomy, space, rng)
    oedema = np.maximum(oedema, cerebrum(points) - 2)  # it does not pass into the cerebellum
    oedema = space.covered(oedema) * (1 - whole)
    parts = (oedema, whole - enhancing - necrosis, necrosis, enhancing)
    return Tumour(*(part * anatomy.inside for part in parts))


def _inside(plan, core, space, rng):
    """Signed distance in mm to what enhances, and how liquid the rest of the core is, 0 to 1."""
    patches = space.noise(rng, 8)
    if plan.kind == "diffuse":
        return np.full_like(core, np.inf), np.clip(2 * patches - 2.6, 0, 1)  # small cysts
    if plan.kind == "patchy":
        return np.maximum(core + 1, 4 * (1.1 - patches)), np.clip(2 * patches - 2, 0, 1)
    if plan.kind == "solid":
        return np.maximum(core, 4 * (patches - 0.9)), np.ones_like(core)
    thick = plan.rim_mm * np.clip(1 + 0.45 * space.noise(rng, 10), 0.35, 2.2)
    rim = np.maximum(core, -core - thick)
    gaps = 5 * (-1.3 - space.noise(rng, 14))  # where the rim is open
    walls = np.maximum(core, 5 * (np.abs(patches) - 0.12))  # strands across the necrosis
    strands = np.maximum(walls, 6 * (0.4 - space.noise(rng, 15)))
    fluid = np.clip(0.75 + 0.45 * space.noise(rng, 9), 0, 1)
    return np.maximum(np.minimum(rim, strands), gaps), fluid


def _oedema(plan, far, side, anatomy, space, rng):
    """Signed distance in mm: it creeps along the white matter and hardly enters the cortex."""
    reach = plan.oedema_mm * np.clip(1 + 0.45 * space.noise(rng, 17), 0.15, 2)
    grey, csf = (ndimage.gaussian_filter(part, 0.5) for part in (anatomy.grey, anatomy.csf))
    barrier = (4 + 0.3 * plan.oedema_mm) * grey + (9 + 0.6 * plan.oedema_mm) * csf
    other_side = 1.2 * np.maximum(4 - side, 0)  # the callosum is a narrow way
    return far - plan.radius_mm - reach + barrier + other_side
