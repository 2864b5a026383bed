"""Drawn hands that stand in for Sign Language MNIST: no photographs, no download.

A hand is a skeleton of bones in three dimensions. Each bone is a capsule (a ball swept from one
end to the other), the nearest surface wins each pixel, and one lamp lights it.
"""

import numpy as np
from scipy import ndimage

from course.datasets.samples.poses import POSES, bones

LETTERS = tuple(POSES)  # A to Y without J
TRAIN_HANDS, TEST_HANDS, LOOKS = 40, 20, 3  # hands per letter, and photographs of each train hand
_SIZE = 56  # drawn at twice the size, then averaged to 28×28


def load_data(seed=0):
    """Draw hands in the shape of Sign Language MNIST, its trap included.

    As in the real one, each training hand comes several times, in other light and slightly turned,
    and the test hands are other hands.

    Args:
        seed: the same seed draws the same pictures.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 `(n, 28, 28)` and uint8 `(n,)`, where label 0
        is A, 8 is I, 9 is K and 23 is Y; 2,880 and 480 pictures.

    Example:

    >>> (x_train, y_train), (x_test, y_test) = load_data()
    >>> x_train.shape, x_test.shape
    ((2880, 28, 28), (480, 28, 28))
    """
    rng = np.random.default_rng(seed)
    x_train, y_train, _ = draw(TRAIN_HANDS, LOOKS, rng)
    x_test, y_test, _ = draw(TEST_HANDS, 1, rng)
    return (x_train, y_train), (x_test, y_test)


def draw(hands, looks, rng):
    """Draw `hands` hands of every letter, `looks` pictures of each, in shuffled order.

    Args:
        hands: hands per letter.
        looks: pictures per hand; they differ in light, contrast, noise and up to 3° of rotation.
        rng: a `numpy.random.Generator`.

    Returns:
        `(images, labels, hand)`: uint8 `(n, 28, 28)`, uint8 `(n,)` and int `(n,)`, the number of
        the hand that each picture shows.
    """
    labels = np.repeat(np.arange(len(LETTERS), dtype="uint8"), hands)
    images = [_photographs(LETTERS[label], looks, rng) for label in labels]
    order = rng.permutation(len(labels) * looks)
    hand = np.repeat(np.arange(len(labels)), looks)
    return np.concatenate(images)[order], np.repeat(labels, looks)[order], hand[order]


def _photographs(letter, looks, rng):
    """One hand, `(looks, 28, 28)` uint8: the scene is drawn once, the camera varies."""
    scene = _scene(*bones(POSES[letter], rng), rng)
    return np.stack([_photograph(scene, rng) for _ in range(looks)])


def _scene(start, end, radius, rng):
    """The hand, its lamp and its background, float `(56, 56)`, 0 black to 1 white."""
    grid = np.linspace(-1.25, 1.25, _SIZE, dtype="float32")
    x, y = np.meshgrid(grid, -grid)
    depth, normal = _surface(x, y, start, end, radius)
    hit = np.isfinite(depth)
    skin = rng.uniform(0.75, 1.1)
    hand, wall = skin * _light(np.where(hit, depth, 0), normal, rng), _wall(x, y, skin, rng)
    return np.where(hit, hand, wall) + rng.normal(0, rng.uniform(0.01, 0.05), x.shape)


def _light(depth, normal, rng):
    """How bright each point of the hand is, 0 to 1."""
    angle, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.3)
    lamp = [np.cos(angle) * np.cos(height), np.sin(angle) * np.cos(height), np.sin(height)]
    glow = np.clip(np.tensordot(np.array(lamp, "float32"), normal, 1), 0, 1)
    shade = rng.uniform(0.35, 0.55)  # the light that reaches what is turned from the lamp
    far = 0.28 * np.clip((0.8 - depth) / 1.2, 0, 1)  # what lies behind is in shade
    contour = 0.45 * (1 - np.sqrt(np.clip(normal[2], 0, 1)))
    return (shade + (1 - shade) * glow) * (1 - far) * (1 - contour)


def _wall(x, y, skin, rng):
    """A wall darker or lighter than the hand, never of its own tone, and now and then a table."""
    tone = rng.uniform(skin, 1.2) if rng.random() < 0.4 else rng.uniform(0.1, skin - 0.4)
    slope, table = rng.normal(0, 0.06, 2), rng.uniform(0.1, 0.9)
    edge = rng.uniform(-1.3, -0.8) if rng.random() < 0.3 else -9
    return np.where(y < edge, table, tone + slope[0] * x + slope[1] * y)


def _photograph(scene, rng):
    """The camera turns a little, halves the resolution, and has its exposure and its noise."""
    degrees, contrast, brightness = rng.uniform((-1.5, 0.75, -0.12), (1.5, 1.2, 0.08))
    picture = ndimage.rotate(scene, degrees, reshape=False, order=1, mode="nearest")
    picture = picture.reshape(_SIZE // 2, 2, _SIZE // 2, 2).mean((1, 3))
    picture = (picture - 0.5) * contrast + 0.5 + brightness
    picture += rng.normal(0, rng.uniform(0.002, 0.008), picture.shape)
    return np.clip(np.rint(255 * picture), 0, 255).astype("uint8")


def _surface(x, y, start, end, radius):
    """What the camera sees of the bones: depth `(h, w)`, -inf for nothing, and unit normal
    `(3, h, w)`."""
    start, end, radius = (part.astype("float32")[..., None, None] for part in (start, end, radius))
    along = end - start
    px, py = x - start[:, 0], y - start[:, 1]  # (bones, h, w)
    t = px * along[:, 0] + py * along[:, 1]
    t = np.clip(t / (along[:, 0] ** 2 + along[:, 1] ** 2 + 1e-6), 0, 1, out=t)
    px -= t * along[:, 0]
    py -= t * along[:, 1]
    r = radius[:, 0] + t * (radius[:, 1] - radius[:, 0])
    bulge = r * r - px * px - py * py
    outside = bulge <= 0
    bulge = np.sqrt(np.maximum(bulge, 0, out=bulge), out=bulge)
    depth = start[:, 2] + t * along[:, 2] + bulge
    depth[outside] = -np.inf
    first = depth.argmax(0)[None]
    depth, px, py, bulge, r = (
        np.take_along_axis(part, first, 0)[0] for part in (depth, px, py, bulge, r)
    )
    return depth, np.stack([px, py, bulge]) / r
