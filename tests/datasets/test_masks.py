"""Masks: values as they stand in the file, and the nearest pixel on the way to a square."""

import numpy as np
import pytest
from PIL import Image

from course.datasets.masks import fit_mask, from_square, read_mask
from course.datasets.pictures import fit_square
from course.datasets.shrunk import shrink
from course.errors import CourseError

VALUES = np.array([[0, 3, 3, 9]] * 8, "uint8").repeat(4, axis=1)


def saved(tmp_path, image):
    path = tmp_path / "mask.png"
    image.save(path)
    return path


def test_values_are_read_as_they_stand(tmp_path):
    painted = Image.fromarray(VALUES).convert("P")
    painted.putpalette([level for place in range(256) for level in (200, place, 255 - place)])
    for image in (
        Image.fromarray(VALUES),
        Image.fromarray(VALUES.astype("uint16")),
        Image.fromarray(VALUES).convert("RGB"),
        painted,
    ):
        assert (read_mask(saved(tmp_path, image)) == VALUES).all()
    colours = np.zeros((8, 8, 3), "uint8")
    colours[4:] = 1, 2, 3
    assert np.unique(read_mask(saved(tmp_path, Image.fromarray(colours)))).tolist() == [0, 66051]
    ink = Image.fromarray(VALUES > 0)
    assert np.unique(read_mask(saved(tmp_path, ink))).tolist() == [0, 255]


def test_a_photograph_is_no_mask(tmp_path):
    path = saved(tmp_path, Image.linear_gradient("L"))
    with pytest.raises(CourseError, match=r"(?s)256 valores distintos.*como JPG"):
        read_mask(path)


def test_a_mask_lies_where_its_picture_lies(tmp_path):
    for shape in ((8, 16), (30, 21), (64, 9), (12, 12)):
        mask = np.zeros(shape, "uint8")
        mask[: shape[0] // 2] = 255
        placed, picture = fit_mask(mask, 24, (0, 255)), fit_square(mask, 24)
        assert (placed == (picture > 127)).mean() > 0.95
        assert (fit_mask(np.full(shape, 7), 24, (0, 7)) > 0).tolist() == (
            fit_square(np.full(shape, 255, "uint8"), 24) > 0
        ).tolist()
    rng = np.random.default_rng(0)
    for shape in ((24, 24), (24, 15), (8, 24)):  # not shrunk: each pixel comes back
        mask = rng.integers(0, 3, shape)
        assert (from_square(fit_mask(mask, 24, (0, 1, 2)), shape) == mask).all()
    path = saved(tmp_path, Image.fromarray(VALUES))
    masks, faults = shrink([path], 8, mask_values=(0, 3, 9), folder=tmp_path / "kept")
    assert faults == {} and masks[0, 2].tolist() == [0, 0, 1, 1, 1, 1, 2, 2]
