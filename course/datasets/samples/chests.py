"""Drawn chests, half of them with a pale spot in a lung: for the lesson on transfer learning.

They are ellipses, not radiographs: made of formulas, without a patient, and whatever a network
learns of them says nothing about medicine.
"""

import numpy as np
from scipy import ndimage

from course.datasets.catalog import Origin

CLASS_NAMES = ("sin mancha", "con mancha")
ORIGIN = Origin(
    dataset="chests",
    variant=None,
    source="sample",
    handle=None,
    version=None,
    title="muestra: tórax dibujados, no son radiografías",
    made_up=True,
    licence="Apache-2.0",
    citation="hecha por el propio curso",
)


def load_data(n_train=400, n_test=200, size=64, seed=0):
    """Draw chests, every other one with a spot.

    Args:
        n_train, n_test: Integers, how many pictures of each part, 2 or more.
        size: Integer, the side of the pictures in pixels, 32 or more.
        seed: The same seed draws the same pictures.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 `(n, size, size)` and uint8 `(n,)`, where 1 is
        a chest with a spot.

    Example:

    >>> (x_train, y_train), _ = load_data(n_train=6, n_test=2)
    >>> x_train.shape, sorted(y_train.tolist())
    ((6, 64, 64), [0, 0, 0, 1, 1, 1])
    """
    if min(n_train, n_test) < 2 or size < 32:
        raise ValueError(
            "Expected 2 or more pictures of each part, of 32 pixels a side or more. "
            f"Received: n_train={n_train}, n_test={n_test}, size={size}"
        )
    rng = np.random.default_rng(seed)
    return tuple(_part(n, size, rng) for n in (n_train, n_test))


def _part(n, size, rng):
    labels = rng.permutation(np.arange(n) % 2).astype("uint8")
    return np.stack([_chest(bool(label), size, rng) for label in labels]), labels


def _chest(spot, size, rng):
    """One picture, uint8 `(size, size)`: body, lungs, ribs, spine, heart, perhaps a spot."""
    grid = np.linspace(-1, 1, size, dtype="float32")
    x, y = np.meshgrid(grid - rng.normal(0, 0.03), grid - rng.normal(0, 0.03))
    width, height = rng.uniform(0.9, 1.1, 2)
    body = _ellipse(x, y, (0, 0.3), (0.92 * width, 1.3), 0.05)
    lungs, centres = 0, []
    for side in (-1, 1):
        centre = (side * 0.42 * width + rng.normal(0, 0.02), -0.02 + rng.normal(0, 0.03))
        radii = (0.29 * width, 0.6 * height)
        lungs = lungs + _ellipse(x, y, centre, radii, 0.06)
        centres.append((centre, radii))
    ribs = 0.5 + 0.5 * np.cos(2 * np.pi * (rng.uniform(4.5, 6) * (y + 0.35 * x**2) + rng.random()))
    picture = 0.68 * body - 0.42 * lungs + 0.07 * ribs**4 * body
    picture += 0.16 * np.exp(-((x / 0.09) ** 2)) * body  # the spine
    heart = _ellipse(x, y, (0.12, 0.22), rng.uniform(0.24, 0.32, 2), 0.08)
    picture += 0.22 * heart * lungs.clip(0, 1)
    # no two chests have the same tissue
    cloud = ndimage.gaussian_filter(rng.normal(size=x.shape), size / 10)
    picture += 0.05 * cloud / cloud.std()
    if spot:
        centre, radii = centres[rng.integers(2)]
        angle, far = rng.uniform(0, 2 * np.pi), 0.65 * np.sqrt(rng.random())
        dx = x - centre[0] - far * radii[0] * np.cos(angle)
        dy = y - centre[1] - far * radii[1] * np.sin(angle)
        wide = rng.uniform(0.08, 0.14)
        picture += rng.uniform(0.2, 0.32) * np.exp(-(dx**2 + dy**2) / (2 * wide**2))
    picture = picture * rng.uniform(0.85, 1.1) + rng.normal(0, 0.03)  # the exposure
    picture += rng.normal(0, 0.025, picture.shape)
    return np.clip(np.rint(255 * picture), 0, 255).astype("uint8")


def _ellipse(x, y, centre, radii, softness):
    """1 inside, 0 outside, with an edge as soft as asked for."""
    r = np.sqrt(((x - centre[0]) / radii[0]) ** 2 + ((y - centre[1]) / radii[1]) ** 2)
    return 1 / (1 + np.exp(np.clip((r - 1) / softness, -30, 30)))
