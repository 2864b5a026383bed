"""From a network's answer to the mask that is written, and how little enhancing tumour is none.

Many gliomas do not enhance at all. There the Dice of ET is all or nothing: one voxel too many, and
it falls from 1 to 0. So those who take part in BraTS write an enhancing tumour that is smaller than
some volume as core, and let the training cases say how small: Isensee et al., "nnU-Net for Brain
Tumor Segmentation", BrainLes 2020.
"""

import math

import numpy as np

from course import regions as brats_regions
from course.errors import CourseError
from course.inference.volumes import in_brain, predict_volume, to_labels
from course.metrics.volumes import dice_score, volume_ml

_ET = brats_regions.REGIONS.index("ET")


def to_mask(probabilities, image, edition, spacing_mm, least_et_ml=0.0):
    """The labels that are written of a network's answer to a whole volume, and scored.

    `to_labels`, then `in_brain`; and where all that enhances together has less than `least_et_ml`,
    it is written as core: WT and TC stay as they are.

    Args:
        probabilities, edition: As `to_labels` takes them.
        image: `(D, H, W, C)` as `brats.normalize` makes it: 0 outside the brain.
        spacing_mm: Sides of a voxel, in millimetres.
        least_et_ml: Volume in millilitres, as `choose_least_et_ml` finds it.

    Returns:
        `(D, H, W)` uint8.

    Raises:
        CourseError, ValueError: As `to_labels`.

    Example:

    >>> answer, image = np.array([[[[0.9, 0.8, 0.7], [0.9, 0.2, 0.1]]]]), np.ones((1, 1, 2, 1))
    >>> to_mask(answer, image, "2020", (1, 1, 1)).tolist()
    [[[4, 2]]]
    >>> to_mask(answer, image, "2020", (1, 1, 1), least_et_ml=0.002).tolist()  # it has 0.001
    [[[1, 2]]]
    """
    labels = in_brain(to_labels(probabilities, edition), image)
    core, *_, enhancing = brats_regions.edition(edition).regions["TC"]
    found = labels == enhancing
    if volume_ml(found, spacing_mm) < least_et_ml:
        labels[found] = core
    return labels


def choose_least_et_ml(model, volumes, predict=predict_volume):
    """The volume under which it is best to write no enhancing tumour, by cases of the training.

    Of all volumes it takes the one with the best mean Dice of ET in these cases. Between the
    largest answer that is then dropped and the smallest that is kept it takes their geometric mean:
    a speck in the wrong place has a hundredth of a small tumour's volume, and both should have
    room. Where dropping gains nothing, one voxel stands for the largest that is dropped: a network
    that puts no speck in the cases it has learned from may still put one in others. Never let the
    cases choose that are to be scored.

    Args:
        model, predict: As `course.evaluation.evaluate_segmenter` takes them.
        volumes: Iterable of cases with masks, as `brats.volumes` yields them; gone through once.

    Returns:
        Float, millilitres. More than any tumour has, if the network finds no ET where it is; 0 if
        it finds none anywhere.

    Raises:
        CourseError: For a case without a mask.

    Example:

    >>> from types import SimpleNamespace
    >>> def case(labels, image):
    ...     return SimpleNamespace(labels=np.uint8([[labels]]), image=np.array([[image]]),
    ...                            spacing_mm=(10, 10, 10), edition="2020")
    >>> ring, none = case([4, 4, 4, 0], [[1.0]] * 4), case([1, 1, 1, 0], [[1.0], [2], [2], [2]])
    >>> def sees_ones(model, image):  # one voxel of ET where there is none; a voxel has 1 ml
    ...     return np.stack([image[..., 0] > 0, image[..., 0] == 1, image[..., 0] == 1], axis=-1)
    >>> choose_least_et_ml(None, [ring, none], predict=sees_ones)  # between 1 and 4
    2.0
    """
    cases = [_enhancing(model, predict, volume) for volume in volumes]
    if not cases:
        return 0.0
    ml, kept, dropped, voxel_ml = np.array(cases).T
    largest = [0.0, *np.unique(ml[ml > 0])]  # that is dropped
    scores = [np.where(ml > cut, kept, dropped).mean() for cut in largest]
    best = int(np.argmax(scores))
    smallest_kept = [*largest, 4 * largest[-1]][best + 1]  # if none is: twice what is dropped
    return float(np.sqrt(max(largest[best], voxel_ml.min()) * smallest_kept))


def _enhancing(model, predict, volume):
    """How much ET is answered in a case, in ml; its Dice, that of no answer; a voxel's volume."""
    if volume.labels is None:
        raise CourseError(
            f"{volume.name} no tiene máscara, y sin ella no puede decidir cuánto ET es ninguno.\n"
            "Qué hacer: da solo casos de entrenamiento con máscara."
        )
    answer = to_mask(predict(model, volume.image), volume.image, volume.edition, volume.spacing_mm)
    true, found = (
        brats_regions.to_regions(labels, volume.edition)[..., _ET]
        for labels in (volume.labels, answer)
    )
    kept, voxel_ml = dice_score(true, found), math.prod(volume.spacing_mm) / 1000
    return volume_ml(found, volume.spacing_mm), kept, float(not true.any()), voxel_ml
