"""Object detection in the open: a classifier as a heat map, boxes, and how good the boxes are.

A box is `(top, left, bottom, right)` in pixels, bottom and right just outside, as in a slice:
`canvas[top:bottom, left:right]`.
"""

import keras
import numpy as np
from keras import layers

from course.training.arrays import check_lengths

_ONE_BY_ONE = (layers.Rescaling, layers.BatchNormalization, layers.Activation, layers.Dropout)
_LOCAL = (layers.Conv2D, layers.MaxPooling2D, layers.AveragePooling2D)


def fully_convolutional(model):
    """Turn a classifier of small windows into a network that reads images of any size.

    Flattening and a dense layer are a convolution as large as the last maps, with the same weights;
    further dense layers are convolutions of 1×1. On an image of the window's size the answer is the
    classifier's; on a larger one it is a map with one answer for each window that fits, a step
    apart that is the product of the strides. That takes a window of which no layer drops a row or a
    column: a pooling of 2×2 with "valid" would drop the eleventh of 11.

    Where every convolution and pooling has `padding="valid"`, each answer is exactly that of the
    classifier on the window cut out. With `"same"` it is near: at its border a window that is cut
    out sees zeros, and the map sees the neighbouring pixels.

    Args:
        model: A built `keras.Sequential` of stock layers, such as `cnn`: convolutions, poolings
            and layers that work on each pixel alone, one `Flatten`, then dense layers.

    Returns:
        `(heat, window, stride)`: a `keras.Model`, `(batch, any height, any width, channels)` in,
        `(batch, rows, columns, classes)` out; the side of the window as `(height, width)` and the
        step between windows as `(down, right)`, in pixels.

    Raises:
        ValueError: If the model is no such classifier, or a layer would drop pixels of its window.

    Source: Long, Shelhamer and Darrell, *Fully Convolutional Networks for Semantic Segmentation*,
    CVPR 2015.

    Example:

    >>> from course.models import cnn
    >>> heat, window, stride = fully_convolutional(cnn((30, 30, 1), 11, padding="valid"))
    >>> window, stride, tuple(heat(np.zeros((1, 62, 94, 1))).shape)
    ((30, 30), (8, 8), (1, 5, 9, 11))
    """
    if not isinstance(model, keras.Sequential) or not model.built or model.inputs[0].ndim != 4:
        raise ValueError(
            "Expected a keras.Sequential that takes images, such as course.models.cnn. "
            f"Received: {type(model).__name__} {model.name!r}"
        )
    *window, channels = model.input_shape[1:]
    x = inputs = keras.Input((None, None, channels), name="canvas")
    stride, flat = np.ones(2, int), None
    for layer in model.layers:
        if isinstance(layer, layers.Flatten):
            flat = layer.input.shape[1:]
            continue
        if isinstance(layer, layers.Dense):
            ours = layers.Conv2D(
                layer.units,
                tuple((flat or (1, 1))[:2]),
                activation=layer.activation,
                use_bias=layer.use_bias,
                dtype=layer.dtype_policy,
                name=layer.name,
            )
            flat = (1, 1)
        elif isinstance(layer, _ONE_BY_ONE) or (flat is None and isinstance(layer, _LOCAL)):
            _check_drops_nothing(layer)
            ours = layer.__class__.from_config(layer.get_config())
            stride *= getattr(layer, "strides", (1, 1))
        else:
            raise ValueError(
                f"Expected layers that can be moved over an image. Received: {layer.name!r}, a "
                f"{type(layer).__name__}"
            )
        x = ours(x)
        weights = layer.get_weights()
        if isinstance(layer, layers.Dense):
            weights[0] = weights[0].reshape(ours.kernel.shape)
        ours.set_weights(weights)
    if flat is None:
        raise ValueError(
            "Expected a classifier that ends in Flatten and Dense layers. Received: "
            f"{model.name!r}, which has none"
        )
    heat = keras.Model(inputs, x, name=f"{model.name}_map")
    return heat, tuple(window), tuple(int(step) for step in stride)


def _check_drops_nothing(layer):
    """Raise ValueError if a layer would leave out the last rows or columns of what it is given."""
    if not isinstance(layer, _LOCAL) or layer.padding != "valid":
        return
    sides = layer.input.shape[1:3]
    reach = layer.kernel_size if isinstance(layer, layers.Conv2D) else layer.pool_size
    left = [(side - n) % step for side, n, step in zip(sides, reach, layer.strides, strict=True)]
    if any(left):
        raise ValueError(
            "Expected a window of which every layer takes all pixels; with three levels of cnn and "
            f'padding="valid", 30×30 is one. Received: {layer.name!r} is given '
            f"{sides[0]}×{sides[1]} and would drop {left[0]} rows and {left[1]} columns"
        )


def boxes_of_map(heat, window, stride, background, threshold=0.5):
    """Read a heat map: each place with an object that is probable enough becomes a box.

    Args:
        heat: Array, `(rows, columns, classes)`, probabilities.
        window, stride: As `fully_convolutional` returns them, in pixels.
        background: Integer, the class that means that nothing is there.
        threshold: Float in `[0, 1]`; a lower probability of the most probable object is no find.
            Below 0.5 the background may be more probable still.

    Returns:
        `(boxes, scores, classes)`: int `(n, 4)`, float `(n,)` and int `(n,)`, most probable first.
        With nothing found n is 0.

    Example: one row of two windows; the second sees class 0.

    >>> heat = np.array([[[0.1, 0.9], [0.8, 0.2]]])
    >>> boxes, scores, classes = boxes_of_map(heat, (28, 28), (8, 8), background=1)
    >>> boxes.tolist(), scores.tolist(), classes.tolist()
    ([[0, 8, 28, 36]], [0.8], [0])
    """
    heat = np.asarray(heat)
    if heat.ndim != 3 or not 0 <= background < heat.shape[-1]:
        raise ValueError(
            "Expected heat of shape (rows, columns, classes) and background to be one of the "
            f"classes. Received: shape {heat.shape}, background={background}"
        )
    objects = np.delete(heat, background, axis=-1)
    best = np.delete(np.arange(heat.shape[-1]), background)[objects.argmax(axis=-1)]
    scores = objects.max(axis=-1)
    rows, columns = np.nonzero(scores >= threshold)
    order = np.argsort(-scores[rows, columns], kind="stable")
    rows, columns = rows[order], columns[order]
    corner = np.stack([rows, columns], axis=1) * np.array(stride)
    boxes = np.concatenate([corner, corner + np.array(window)], axis=1)
    return boxes, scores[rows, columns], best[rows, columns]


def iou(boxes, others):
    """Intersection over union of each box with each other one.

    Args:
        boxes: Array, `(n, 4)`.
        others: Array, `(m, 4)`.

    Returns:
        Float array `(n, m)`, 0 apart to 1 the same. Two boxes without area give 0.

    Example: halves of a square that overlap in a third of what they cover.

    >>> iou([[0, 0, 2, 2]], [[0, 1, 2, 3], [0, 0, 2, 2], [5, 5, 6, 6]]).round(3).tolist()
    [[0.333, 1.0, 0.0]]
    """
    a, b = _boxes(boxes)[:, None], _boxes(others)[None]
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = np.clip(sides, 0, None).prod(axis=-1)
    union = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1) - shared
    return np.divide(shared, union, out=np.zeros(shared.shape), where=union > 0)


def non_maximum_suppression(boxes, scores, threshold=0.3):
    """Of boxes that overlap keep the one with the highest score.

    The best box is kept and every box with an `iou` above the threshold is dropped; then the best
    of those that are left, and so on.

    Args:
        boxes: Array, `(n, 4)`.
        scores: Array, `(n,)`. Of equal scores the first box wins.
        threshold: Float in `[0, 1]`.

    Returns:
        Int array, the indices of the boxes kept, best first.

    Example:

    >>> boxes = [[0, 0, 10, 10], [0, 2, 10, 12], [0, 20, 10, 30]]
    >>> non_maximum_suppression(boxes, [0.8, 0.9, 0.7]).tolist()
    [1, 2]
    """
    boxes, scores = _boxes(boxes), np.asarray(scores, "float64")
    if scores.shape != (len(boxes),) or np.isnan(scores).any():
        raise ValueError(
            f"Expected one score for each of {len(boxes)} boxes, none of them NaN. "
            f"Received: shape {scores.shape}"
        )
    left, kept = np.argsort(-scores, kind="stable"), []
    while len(left):
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[iou(boxes[[best]], boxes[left])[0] <= threshold]
    return np.array(kept, int)


def match(boxes, scores, classes, true_boxes, true_classes, threshold=0.5):
    """Say of each found box whether it is a true one, found for the first time.

    The best box chooses first: among the true boxes of its class that nobody has taken, the one
    with the largest `iou`, if that reaches the threshold. A second box on the same object is wrong.

    Args:
        boxes, scores, classes: What was found, `(n, 4)`, `(n,)` and `(n,)`.
        true_boxes, true_classes: What is there, `(m, 4)` and `(m,)`.
        threshold: Float in `(0, 1]`.

    Returns:
        Int array `(n,)`: the index of the true box, or -1 for a false find.

    Example:

    >>> match([[0, 0, 9, 9], [0, 1, 9, 10]], [0.7, 0.9], [3, 3], [[0, 1, 9, 10]], [3]).tolist()
    [-1, 0]
    """
    boxes, scores, classes = _boxes(boxes), np.asarray(scores, "float64"), np.asarray(classes)
    true_boxes, true_classes = _boxes(true_boxes), np.asarray(true_classes)
    check_lengths(boxes=boxes, scores=scores, classes=classes)
    check_lengths(true_boxes=true_boxes, true_classes=true_classes)
    overlaps, matches = iou(boxes, true_boxes), np.full(len(boxes), -1)
    free = np.ones(len(true_boxes), bool)
    for i in np.argsort(-scores, kind="stable"):
        fits = np.where(free & (true_classes == classes[i]), overlaps[i], 0)
        if len(fits) and fits.max() >= threshold:
            matches[i] = fits.argmax()
            free[matches[i]] = False
    return matches


def match_all(found, true, threshold=0.5):
    """`match` over all images.

    Args:
        found: For each image `(boxes, scores, classes)`.
        true: For each image `(boxes, classes)`.
        threshold: As in `match`.

    Returns:
        `(scores, right)`: of all boxes found, float `(n,)` and bool `(n,)`.

    Example:

    >>> box = [[0, 0, 9, 9]]
    >>> match_all([(box, [0.9], [3]), (box, [0.6], [3])], [(box, [3]), (box, [5])])
    (array([0.9, 0.6]), array([ True, False]))
    """
    pairs = list(zip(found, true, strict=True))
    right = [match(*one, *there, threshold) >= 0 for one, there in pairs]
    scores = [np.asarray(one[1], "float64") for one, _ in pairs]
    return np.concatenate([*scores, []]), np.concatenate([*right, np.zeros(0, bool)])


def precision_recall(right, found, there):
    """Precision and recall of the found boxes.

    Args:
        right: Integer, boxes found that are true, over all images.
        found: Integer, boxes found.
        there: Integer, true boxes.

    Returns:
        `(precision, recall)`: the part of what was found that is right, the part of what is there
        that was found. With nothing found, or nothing there, that one is `None`.

    Example:

    >>> precision_recall(right=6, found=8, there=12)
    (0.75, 0.5)
    """
    if not 0 <= right <= min(found, there):
        raise ValueError(
            "Expected no more right boxes than were found or are there. "
            f"Received: right={right}, found={found}, there={there}"
        )
    return (right / found if found else None), (right / there if there else None)


def precision_recall_curve(scores, right, there):
    """Precision and recall with every threshold, from the highest score down.

    Args:
        scores, right: As `match_all` returns them.
        there: Integer, true boxes.

    Returns:
        `(precisions, recalls, thresholds)`, floats `(k,)`: one point for each different score.

    Example: the surest box is false, the next two are right, of four that are there.

    >>> precisions, recalls, thresholds = precision_recall_curve([0.9, 0.8, 0.7], [0, 1, 1], 4)
    >>> precisions.round(2).tolist(), recalls.tolist(), thresholds.tolist()
    ([0.0, 0.5, 0.67], [0.0, 0.25, 0.5], [0.9, 0.8, 0.7])
    """
    scores, right = np.asarray(scores, "float64"), np.asarray(right, bool)
    check_lengths(scores=scores, right=right)
    order = np.argsort(-scores, kind="stable")
    found, hits = np.arange(1, len(scores) + 1), np.cumsum(right[order])
    last = np.append(np.diff(scores[order]) != 0, True)[: len(scores)]  # of those with one score
    return (hits / found)[last], (hits / there)[last], scores[order][last]


def _boxes(boxes):
    boxes = np.asarray(boxes, "float64")
    boxes = boxes.reshape(0, 4) if boxes.size == 0 else boxes
    if boxes.ndim != 2 or boxes.shape[1] != 4 or not (boxes[:, 2:] >= boxes[:, :2]).all():
        raise ValueError(
            "Expected boxes of shape (n, 4): top, left, bottom, right, with bottom and right not "
            f"before top and left. Received: shape {boxes.shape}"
        )
    return boxes
