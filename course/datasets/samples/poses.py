"""The 24 static letters of American Sign Language as joint angles, and the bones they make.

The hand is a right one, its palm to the viewer: x runs towards the thumb, y to the fingertips, z to
the viewer. The unit is the length of the palm.
"""

import numpy as np

FINGERS = ("index", "middle", "ring", "pinky")
#          knuckle (x, y)   bones: near, middle, tip     thickness
_FINGER = {
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
FLAT = (80, 15, 10)  # bent at the knuckle only

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
    """One hand in a pose, every measure a little its own.

    Args:
        pose: an entry of `POSES`.
        rng: a `numpy.random.Generator`.

    Returns:
        `(start, end, radius)`: `(n, 3)`, `(n, 3)` and `(n, 2)`, in a picture that spans -1 to 1.
    """
    fingers, spread, thumb, turn = pose
    thick = rng.uniform(0.9, 1.12)
    parts = []  # (start, end, radius at start, radius at end)
    wrist = np.array([0.0, 0.0, 0.0])
    for name, bends, side in zip(FINGERS, fingers, spread, strict=True):
        (x, y), lengths, radius = _FINGER[name]
        knuckle = np.array([x, y + rng.normal(0, 0.015), 0])
        parts.append((wrist + [x * 0.7, 0.12, 0], knuckle - [0, 0.08, 0.02], 0.17, 0.145))
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
