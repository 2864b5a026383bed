"""Drawn hands that stand in for Sign Language MNIST: no photographs, no download.

A hand is a skeleton of bones in three dimensions, in one of the 24 static letters of American Sign
Language. Each bone is a capsule (a ball swept from one end to the other), the nearest surface wins
each pixel, and one lamp lights it.
"""

import numpy as np
from scipy import ndimage

LETTERS = tuple("ABCDEFGHIKLMNOPQRSTUVWXY")  # J and Z move: no picture shows them
TRAIN_HANDS, TEST_HANDS, LOOKS = 40, 20, 3  # hands per letter, and photographs of each train hand
_SIZE = 28


def load_data(seed=0):
    """Draw hands in the shape of Sign Language MNIST, its trap included.

    As in the real one, each training hand comes several times, in other light and slightly turned,
    and the test hands are other hands.

    Args:
        seed: the same seed draws the same pictures.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 `(n, 28, 28)` and uint8 `(n,)`, where label 0
        is A, 8 is I, 9 is K and 23 is Y; 2,880 and 480 pictures.
    """
    rng = np.random.default_rng(seed)
    x_train, y_train, _ = draw(TRAIN_HANDS, LOOKS, rng)
    x_test, y_test, _ = draw(TEST_HANDS, 1, rng)
    return (x_train, y_train), (x_test, y_test)


def draw(hands, looks, rng, letters=LETTERS, size=_SIZE):
    """Draw `hands` hands of every letter, `looks` pictures of each, in shuffled order.

    Returns `(images, labels, hand)`: uint8 `(n, size, size)`, uint8 `(n,)` and int `(n,)`, the
    number of the hand that each picture shows. Pictures of a hand differ in contrast, brightness,
    noise and up to 3° of rotation.
    """
    labels = np.repeat(np.arange(len(letters), dtype="uint8"), hands)
    images = []
    for label in labels:
        # drawn once, at twice the size that it is averaged to: the camera varies
        scene = _scene(*bones(POSES[letters[label]], rng), rng, 2 * size)
        images += [_photograph(scene, rng) for _ in range(looks)]
    order = rng.permutation(len(labels) * looks)
    hand = np.repeat(np.arange(len(labels)), looks)
    return np.stack(images)[order], np.repeat(labels, looks)[order], hand[order]


def _scene(start, end, radius, rng, size):
    """The hand, its lamp and its background, float `(size, size)`, 0 black to 1 white."""
    grid = np.linspace(-1.25, 1.25, size, dtype="float32")
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
    half = len(picture) // 2
    picture = picture.reshape(half, 2, half, 2).mean((1, 3))
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


# ---- the letters as joint angles, and the bones they make

# The hand is a right one, its palm to the viewer: x runs towards the thumb, y to the fingertips, z
# to the viewer. The unit is the length of the palm.

#          knuckle (x, y)   bones: near, middle, tip     thickness
_FINGERS = {
    "index": ((0.27, 0.98), (0.42, 0.26, 0.19), 0.125),
    "middle": ((0.09, 1.02), (0.46, 0.30, 0.20), 0.13),
    "ring": ((-0.10, 0.99), (0.42, 0.28, 0.20), 0.125),
    "pinky": ((-0.28, 0.90), (0.33, 0.20, 0.17), 0.105),
}
# how far each joint bends, in degrees: 0 is straight, positive towards the palm
UP = (5, 5, 5)
CURVED = (45, 50, 30)
ROUND = (62, 58, 35)  # the tips meet the thumb
CLAW = (35, 105, 60)
CLOSED = (85, 100, 50)
HOOK = (15, 85, 45)

# fingers: four triples; spread: degrees sideways of each finger, positive towards the thumb;
# thumb: where its knuckle and its tip lie; turn: degrees about x, then y, then z
POSES = {}


def _pose(letter, fingers, thumb, spread=(4, 1, -2, -5), turn=(0, 0, 0)):
    POSES[letter] = (fingers, spread, thumb, turn)


_BESIDE = ((0.47, 0.62, 0.10), (0.46, 1.06, 0.16))
_ACROSS = ((0.44, 0.56, 0.34), (-0.02, 0.72, 0.56))
_PALM = ((0.40, 0.52, 0.22), (-0.04, 0.64, 0.30))
_OUT = ((0.62, 0.55, 0.05), (0.98, 0.66, 0.05))
_LEVEL = ((0.50, 0.70, 0.30), (0.56, 1.22, 0.34))
_DRAPED = (72, 95, 12)

_pose("A", (CLOSED,) * 4, _BESIDE)
_pose("B", (UP,) * 4, _PALM, spread=(1, 0, -1, -2))
_pose("C", (CURVED,) * 4, ((0.5, 0.42, 0.42), (0.55, 0.62, 0.8)), turn=(0, 65, 0))
_pose("D", (UP, ROUND, ROUND, ROUND), ((0.42, 0.55, 0.4), (0.16, 0.85, 0.66)), turn=(0, 30, 0))
_pose("E", (CLAW,) * 4, ((0.42, 0.42, 0.3), (-0.12, 0.46, 0.42)), spread=(1, 0, -1, -2))
_pose("F", (ROUND, UP, UP, UP), ((0.46, 0.62, 0.35), (0.36, 0.95, 0.62)), spread=(6, 6, -6, -18))
_pose("G", (UP, CLOSED, CLOSED, CLOSED), _LEVEL, turn=(0, 25, 80))
_pose("H", (UP, UP, CLOSED, CLOSED), _ACROSS, spread=(1, 1, -2, -5), turn=(0, 10, 80))
_pose("I", (CLOSED, CLOSED, CLOSED, UP), _ACROSS, spread=(4, 1, -2, -8))
_pose("K", (UP, UP, CLOSED, CLOSED), ((0.44, 0.7, 0.3), (0.19, 1.16, 0.3)), spread=(14, -9, -2, -5))
_pose("L", (UP, CLOSED, CLOSED, CLOSED), _OUT)
_pose("M", (_DRAPED,) * 3 + (CLOSED,), ((0.16, 0.58, 0.12), (-0.25, 0.8, 0.62)))
_pose("N", (_DRAPED,) * 2 + (CLOSED,) * 2, ((0.32, 0.56, 0.12), (-0.03, 0.82, 0.66)))
_pose("O", (ROUND,) * 4, ((0.46, 0.5, 0.4), (0.3, 0.82, 0.66)), turn=(0, 55, 0))
_pose("P", (UP, UP, CLOSED, CLOSED), POSES["K"][2], spread=(16, -14, -2, -5), turn=(0, 0, -125))
_pose("Q", (UP, CLOSED, CLOSED, CLOSED), _LEVEL, turn=(0, 25, -160))
_pose("R", (UP, UP, CLOSED, CLOSED), _ACROSS, spread=(-9, 8, -2, -5))
_pose("S", (CLOSED,) * 4, ((0.46, 0.5, 0.36), (-0.14, 0.68, 0.66)))
_pose("T", (CLOSED,) * 4, ((0.42, 0.66, 0.36), (0.15, 1.12, 0.66)))
_pose("U", (UP, UP, CLOSED, CLOSED), _ACROSS, spread=(1, 1, -2, -5))
_pose("V", (UP, UP, CLOSED, CLOSED), _ACROSS, spread=(14, -10, -2, -5))
_pose("W", (UP, UP, UP, CLOSED), _ACROSS, spread=(16, 0, -15, -5))
_pose("X", (HOOK, CLOSED, CLOSED, CLOSED), _ACROSS, turn=(0, 30, 0))
_pose("Y", (CLOSED, CLOSED, CLOSED, UP), _OUT, spread=(4, 1, -2, -20))


def bones(pose, rng):
    """One hand in a pose of `POSES`, every measure a little its own, in a picture from -1 to 1.

    Returns `(start, end, radius)`: `(n, 3)`, `(n, 3)` and `(n, 2)`.
    """
    fingers, spread, thumb, turn = pose
    thick = rng.uniform(0.9, 1.12)
    parts = []  # (start, end, radius at start, radius at end)
    for finger, bends, side in zip(_FINGERS.values(), fingers, spread, strict=True):
        (x, y), lengths, radius = finger
        knuckle = np.array([x, y + rng.normal(0, 0.015), 0])
        parts.append((np.array([x * 0.7, 0.12, 0]), knuckle - [0, 0.08, 0.02], 0.17, 0.145))
        parts += _finger(knuckle, lengths, bends, side, radius * thick, rng)
    parts += _thumb(thumb, thick, rng)
    parts.append((np.array([0, -1.2, -0.02]), np.array([0, 0.1, -0.02]), 0.25, 0.24))
    start, end = (np.array([part[i] for part in parts], float) for i in (0, 1))
    radius = np.array([part[2:] for part in parts])
    return _frame(start, end, radius, turn, rng)


def _finger(knuckle, lengths, bends, side, radius, rng):
    parts, bend, start = [], 0.0, knuckle
    side = np.radians(side + rng.normal(0, 1.5))
    for i, (length, joint) in enumerate(zip(lengths, bends, strict=True)):
        bend += np.radians(joint + rng.normal(0, 4))
        step = np.array([np.sin(side) * np.cos(bend), np.cos(side) * np.cos(bend), np.sin(bend)])
        end = start + step * length * rng.uniform(0.94, 1.06)
        parts.append((start, end, radius * (1 - 0.08 * i), radius * (0.92 - 0.08 * i)))
        start = end
    return parts


def _thumb(thumb, thick, rng):
    root = np.array([0.26, 0.18, 0.1])
    knuckle, tip = (np.array(point) + rng.normal(0, 0.025, 3) for point in thumb)
    return [(root, knuckle, 0.17, 0.12 * thick), (knuckle, tip, 0.12 * thick, 0.095 * thick)]


def _frame(start, end, radius, turn, rng):
    """Turn the hand as the letter asks, a little more by chance, and centre it in the picture."""
    matrix = _rotation(np.add(turn, rng.normal(0, (7, 7, 6))))
    middle = np.array([0, 0.8, 0.2])
    start, end = (start - middle) @ matrix.T, (end - middle) @ matrix.T
    hand = np.concatenate([start[1:-1, :2], end[:-1, :2]])  # the forearm may leave the picture
    low, high = hand.min(0), hand.max(0)
    scale = rng.uniform(1.5, 1.8) / max(high - low)
    shift = np.array([*(low + high) / 2 + rng.normal(0, 0.04, 2), 0])
    return (start - shift) * scale, (end - shift) * scale, radius * scale


def _rotation(degrees):
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x
