"""Where the brain phantom is drawn: millimetres, signed distances and smooth noise.

Shapes are functions of a point in millimetres, never of a voxel, so that a head is the same at any
resolution. `z, y, x` grow upwards, to the back of the head and to the patient's left.
"""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

HEAD_MM = (140.0, 190.0, 160.0)  # what a volume must hold: height, depth, width
_REACH_MM = (80.0, 105.0, 95.0)  # noise is defined this far from the middle


@dataclass(frozen=True)
class Space:
    """A grid of cubic voxels around a head: the smallest with which it fits into `shape`."""

    shape: tuple  # (D, H, W)

    @property
    def voxel_mm(self):
        return float(np.max(np.divide(HEAD_MM, self.shape)))

    def axes(self):
        """The voxels' centres along each axis, in mm: three float32 arrays."""
        return tuple(
            ((np.arange(n) - (n - 1) / 2) * self.voxel_mm).astype("float32") for n in self.shape
        )

    def points(self):
        """`z, y, x` of each voxel in mm, shaped to be broadcast to `(D, H, W)`."""
        z, y, x = self.axes()
        return z[:, None, None], y[None, :, None], x[None, None, :]

    def noise(self, rng, scale_mm, band=False):
        """Smooth random numbers, normal with mean 0 and variance 1, float32 `(D, H, W)`.

        White noise on a lattice every `scale_mm`, interpolated by Gaussians; the weights along the
        three axes are separable, hence three small products of matrices. `band` takes the coarser
        blobs out, so that ups and downs alternate evenly.
        """
        knots = [np.arange(-reach, reach + scale_mm, scale_mm) for reach in _REACH_MM]
        field = rng.standard_normal([len(k) for k in knots], "float32")
        if band:
            field -= ndimage.gaussian_filter(field, 0.7, mode="nearest")
        across_z, across_y, across_x = (
            _gaussians(axis, knot, scale_mm) for axis, knot in zip(self.axes(), knots, strict=True)
        )
        field = across_y @ (field @ across_x.T)  # (lattice, H, W)
        field = np.tensordot(across_z, field, 1)
        return field / field.std() if band else field

    def covered(self, distance_mm):
        """The share of a voxel that lies inside a surface, from its signed distance there."""
        return np.clip(0.5 - distance_mm / self.voxel_mm, 0, 1)

    def distance_to_zero(self, field):
        """Distance in mm, to first order, to the sheet where a smooth field is 0."""
        slope = sum(g * g for g in np.gradient(field, self.voxel_mm))
        return np.abs(field) / np.sqrt(slope + 1e-3 * slope.mean())


def ellipsoid(points, center, radii):
    """Signed distance in mm, to first order; negative inside."""
    offsets = [p - c for p, c in zip(points, center, strict=True)]
    near = sum((o / r) ** 2 for o, r in zip(offsets, radii, strict=True))
    steep = sum((o / r**2) ** 2 for o, r in zip(offsets, radii, strict=True))
    near = np.sqrt(near + 1e-8)  # at the centre, too, the answer is negative
    return near * (near - 1) / np.sqrt(steep + 1e-11)


def tube(points, path):
    """Signed distance in mm to a tube; `path` holds rows `z, y, x, radius`."""
    nearest = np.float32(np.inf)
    for start, end in zip(path, path[1:], strict=False):
        start, end = np.array(start, "float32"), np.array(end, "float32")
        along = (end - start)[:3]
        offsets = [p - s for p, s in zip(points, start[:3], strict=True)]
        t = sum(o * a for o, a in zip(offsets, along, strict=True)) / (along @ along)
        t = np.clip(t, 0, 1)
        gap = sum((o - t * a) ** 2 for o, a in zip(offsets, along, strict=True))
        nearest = np.minimum(nearest, np.sqrt(gap) - (start[3] + t * (end[3] - start[3])))
    return nearest


def join(first, second, blend_mm):
    """The union of two signed distances, its seam rounded over `blend_mm`."""
    mix = np.clip(0.5 + 0.5 * (second - first) / blend_mm, 0, 1)
    return second + (first - second) * mix - blend_mm * mix * (1 - mix)


def _gaussians(axis, knots, scale_mm):
    """The weight of each knot at each voxel, float32 `(voxels, knots)`."""
    weights = np.exp(-0.5 * ((axis[:, None] - knots) / (0.65 * scale_mm)) ** 2)
    return (weights / np.sqrt((weights**2).sum(1, keepdims=True))).astype("float32")
