"""Where the ink of one digit is on a page, whatever lies around it: `find_ink` is the whole of it.

1. The paper under each point is the page with all that is narrower than a window taken away (a
   morphological opening). What stands out of the paper is *relief*: shadows are not in it.
2. What hangs together with the picture's border is no digit but a frame, a desk, a ruling. At each
   level, from low to high, the parts that reach the border are taken away, up to that level.
3. What is left above the noise and above half its own mean level falls into connected parts.
   Specks go, and what has a large part inside it; parts near each other belong together.

All this is done for dark ink and for light ink; the digit is what lies on the commoner of the two.
Source of the steps: P. Soille, Morphological Image Analysis, 2nd ed., chapters 4 and 6.
"""

from typing import NamedTuple

import numpy as np
from scipy import ndimage

from course.errors import CourseError
from course.spanish import number

_WINDOW = 0.4  # of the page's shorter side: no stroke is as wide
_FAINTEST = 12  # grey levels between ink and paper
_NOISES = 9  # times the noise: so high no point of 65,536 stands out of it by chance
_STEP = 4  # grey levels from one cut to the next
_SPECK = 4e-4  # of the page's area
_SMALL = 0.15  # of the digit's longer side: the dot of an i, not another digit
_GAP = 0.3  # of the digit's longer side: the bar of a 5 is as near
_BLOT = 0.7  # of the digit's longer side: a pen's stroke is not as wide
_CUT = 0.45  # of the mean level of ink: what is weaker is left out
_EIGHT = np.ones((3, 3), bool)  # neighbours also at the corners


def find_ink(page):
    """The ink of the one digit on a page, dark on light or light on dark.

    Args:
        page: uint8 `(height, width)`, of about 256 pixels a side.

    Returns:
        float32 `(height, width)`: grey levels between ink and paper, 0 where there is no ink.

    Raises:
        CourseError: the page is blank, or holds more than one thing, or a blot, or only what
            reaches the picture's border.

    Example:

    >>> page = np.full((60, 60), 255, "uint8"); page[20:40, 28:32] = 55
    >>> page[0] = page[-1] = page[:, 0] = page[:, -1] = 0  # a black frame
    >>> ink = find_ink(page)
    >>> int(ink.max()), int((ink > 0).sum())
    (200, 80)
    """
    levels = page.astype("float32")
    if (ink := _plain(levels)) is not None:
        return ink
    noise = 2.6 * np.percentile(np.abs(levels - ndimage.uniform_filter(levels, 5)), 30)
    least = max(_FAINTEST, _NOISES * noise)
    reliefs = [_relief(255 - levels), _relief(levels)]
    seen = [_seen(*relief, least) for relief in reliefs]
    seen = [one for one in seen if one]
    if not seen:
        raise _nothing(max(relief.max() for _, relief in reliefs), least)
    seen = [one for one in seen if one.on_paper] or seen
    strongest = max(one.ink.max() for one in seen)
    # weaker: the light rim that a camera draws around ink; smaller: the hole of a 0
    best = max(
        (one for one in seen if one.ink.max() > strongest / 2),
        key=lambda one: one.area,
    )
    if best.things > 1:
        raise CourseError(
            f"En la imagen hay {best.things} cosas separadas. Se esperaba un solo dígito.\n"
            "Qué hacer: recorta la imagen alrededor de un dígito, con un margen despejado."
        )
    if best.is_blot or not best.on_paper:
        raise CourseError(
            "En la imagen hay una mancha o una sombra, no un trazo. Se esperaba un solo dígito.\n"
            "Qué hacer: dibuja o fotografía un solo dígito, con un margen despejado alrededor."
        )
    return best.ink


def _plain(levels):
    """All that differs from bare paper, if that is one thing off the border; otherwise `None`.

    Nothing needs to be taken away from such a page, not even the faint edges of a stroke.
    """
    border = np.concatenate([levels[0], levels[-1], levels[:, 0], levels[:, -1]])
    paper = np.median(border)
    if np.ptp(border) >= _STEP or paper != np.median(levels):
        return None
    sign = 1 if levels.max() - paper > paper - levels.min() else -1  # 1: light ink
    ink = (sign * (levels - paper)).clip(0)
    labels, boxes = _parts(ink, _FAINTEST)
    one = len(boxes) == labels.max() > 0 and _without_frames(labels, boxes) == boxes
    if not one or _together(boxes)[1] or _is_blot(ndimage.binary_fill_holes(labels)):
        return None  # a sheet on a desk is one thing too
    return ink


def _nothing(strongest, least):
    """The message for a page without a digit: is it blank, or is what it shows no digit?"""
    if strongest > least:
        return CourseError(
            "No se ve un dígito dentro de la imagen: lo que hay llega hasta su borde (un marco, "
            "una mesa, renglones, un dígito cortado) o es muy pequeño, como un punto suelto.\n"
            "Qué hacer: dibuja o fotografía un solo dígito, más de cerca, con un margen despejado "
            "alrededor."
        )
    return CourseError(
        f"La imagen parece vacía: lo que más se distingue del papel son {number(strongest, 0)} de "
        f"255 niveles de gris, y se esperaban más de {number(least, 0)}.\n"
        "Qué hacer: dibuja o fotografía un solo dígito, con un trazo más marcado o más luz."
    )


class _Seen(NamedTuple):
    """What was found of one polarity."""

    ink: np.ndarray
    area: int  # of the box around it
    things: int
    is_blot: bool
    on_paper: bool  # most of what is around and between the strokes is paper


def _relief(levels):
    """Levels of which light ink is high, and how far each point stands out of the paper."""
    window = 1 + 2 * round(_WINDOW / 2 * min(levels.shape))
    low = ndimage.minimum_filter(levels, window, mode="nearest")
    return levels, levels - ndimage.maximum_filter(low, window, mode="nearest")


def _seen(levels, relief, least):
    """The things that are light in `levels`, or `None`."""
    reached = _reached(relief)
    ink = relief - reached
    ink[ink < reached / 2] = 0  # a ruling is not equally dark all along
    labels, boxes = _parts(ink, least)
    if not boxes and not _crosses(relief > least):  # a digit alone may reach the border
        ink = relief
        labels, boxes = _parts(ink, least)
    if not boxes:
        return None
    digit, others = _together(_without_frames(labels, boxes))
    mask = np.isin(labels, list(digit))
    box = _around(digit.values())
    long = max(_sides(box))
    others = [other for other in others.values() if max(_sides(other)) > _SMALL * long]
    edge = ndimage.binary_dilation(mask, _EIGHT, iterations=1 + long // 12)
    edge &= mask | ((labels == 0) & (ink > least / 2))  # weaker is the paper's own noise
    more = 1 + long // 16
    around = levels[max(0, box[0] - more) : box[2] + more, max(0, box[1] - more) : box[3] + more]
    return _Seen(
        ink=np.where(edge, ink, 0).clip(0, np.percentile(ink[mask], 99)),
        area=np.prod(_sides(_around([box, *others]))),
        things=1 + len(others),
        is_blot=_is_blot(mask),
        on_paper=bool(np.median(around) < np.median(levels[mask] - relief[mask] / 2)),
    )


def _reached(relief):
    """At each point the highest level at which it hangs together with the picture's border."""
    reached = np.zeros_like(relief)
    for level in np.arange(_STEP, relief.max() + 1, _STEP):
        labels, count = ndimage.label(relief >= level, _EIGHT)
        at_border = np.zeros(count + 1, bool)
        for side in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
            at_border[side] = True
        at_border[0] = False  # the paper
        if not at_border.any():
            break
        reached[at_border[labels]] = level
    return reached


def _crosses(mask):
    """Does it reach two opposite sides of the picture?"""
    return (mask[0].any() and mask[-1].any()) or (mask[:, 0].any() and mask[:, -1].any())


def _parts(ink, least):
    """The connected parts that are no specks: labels, and boxes by number, the largest first."""
    strong = ink[ink > least]
    level = max(least, _CUT * (strong**2).sum() / strong.sum()) if strong.size else least
    labels, _ = ndimage.label(ink > level, _EIGHT)
    areas = np.bincount(labels.ravel())
    boxes = [
        (rows.start, columns.start, rows.stop, columns.stop)
        for rows, columns in ndimage.find_objects(labels)
    ]
    largest_first = [n for n in np.argsort(-areas, kind="stable") if n > 0]
    return labels, {n: boxes[n - 1] for n in largest_first if areas[n] > _SPECK * ink.size}


def _without_frames(labels, boxes):
    """Without the parts in whose hole a part lies that is no small one."""
    found = dict(boxes)
    for n, box in boxes.items() if len(boxes) > 1 else ():
        part = labels[box[0] : box[2], box[1] : box[3]]
        inside = np.unique(part[ndimage.binary_fill_holes(part == n) & (part != n)])
        if any(max(_sides(boxes[m])) > _SMALL * max(_sides(box)) for m in inside if m in boxes):
            del found[n]
    return found


def _together(boxes):
    """The largest part with those that belong to it, and the others."""
    others = dict(boxes)
    largest = next(iter(others))
    digit = {largest: others.pop(largest)}
    while near := [n for n in others if _belongs(others[n], _around(digit.values()))]:
        digit |= {n: others.pop(n) for n in near}
    return digit, others


def _belongs(part, box):
    """Is the part near the box, and not another digit beside it?"""
    height, width = _sides(box)
    above = max(part[0], box[0]) - min(part[2], box[2])
    beside = max(part[1], box[1]) - min(part[3], box[3])
    another = _sides(part)[0] > 0.6 * height and beside > max(height, width) / 16
    return max(above, beside) <= _GAP * max(height, width) and not another


def _is_blot(mask):
    """Does a square of `_BLOT` of its longer side fit into it?"""
    rows, columns = np.nonzero(mask)
    long = 1 + max(np.ptp(rows), np.ptp(columns))
    return bool(ndimage.minimum_filter(mask, max(3, round(_BLOT * long))).any())


def _around(boxes):
    """The box around boxes, each `(top, left, bottom, right)`."""
    tops, lefts, bottoms, rights = zip(*boxes, strict=True)
    return min(tops), min(lefts), max(bottoms), max(rights)


def _sides(box):
    return box[2] - box[0], box[3] - box[1]
