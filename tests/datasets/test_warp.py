"""One affine map a picture: each change by itself on small arrays, all of them beside Pillow's."""

import numpy as np
import pytest
from PIL import Image

from course.datasets.warp import warp

NOTHING = dict(turn_deg=0, zoom=0, slant=0, shift=0)


class Most:
    """A generator that draws the upper limit each time."""

    def uniform(self, low, high, n):
        return np.full(n, float(high))


def one(picture, **limits):
    """A picture `(H, W)` changed by the largest amounts."""
    return warp(np.asarray(picture)[None, ..., None], Most(), **NOTHING | limits)[0, ..., 0]


PICTURE = np.arange(1, 26).reshape(5, 5)


def test_a_shift_goes_down_and_to_the_right():
    assert one([[1, 2, 0], [3, 4, 0], [0, 0, 0]], shift=1).tolist() == [
        [0, 0, 0],
        [0, 1, 2],
        [0, 3, 4],
    ]


def test_a_photograph_goes_on_as_its_edge():
    assert one([[1, 2, 9], [3, 4, 9], [9, 9, 9]], shift=1, fill_mode="nearest").tolist() == [
        [1, 1, 2],
        [1, 1, 2],
        [3, 3, 4],
    ]


def test_half_a_pixel_is_a_mean():
    row = np.array([[0, 8, 4, 0, 0]]) * np.ones((5, 1))
    assert one(row, shift=0.5)[2].tolist() == [0, 4, 6, 2, 0]


def test_a_quarter_turn():
    np.testing.assert_allclose(one(PICTURE, turn_deg=90), np.rot90(PICTURE), atol=1e-4)


def test_twice_as_long_is_every_second_pixel():
    np.testing.assert_allclose(one(PICTURE, zoom=1)[::2, ::2], PICTURE[1:4, 1:4], atol=1e-4)


def test_a_slant_shifts_each_row_by_one_more():
    picture = [[0, 7, 0], [0, 7, 0], [0, 7, 0]]
    assert one(picture, slant=1).tolist() == [[7, 0, 0], [0, 7, 0], [0, 0, 7]]


def test_all_together_are_one_map_as_pillow_has_it():
    rng = np.random.default_rng(0)
    picture = np.zeros((28, 20), "float32")
    picture[7:21, 6:14] = rng.integers(0, 256, (14, 8))
    limits = dict(turn_deg=20, zoom=0.2, slant=0.3, shift=1.5)
    angle, cy, cx = np.deg2rad(20), 13.5, 9.5
    # Pillow speaks of x and y, and of a pixel's corner: its centre lies half a pixel further
    turned = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    back = np.linalg.inv(turned @ [[1.2, 0.3], [0, 1.2]])
    dx, dy = [cx + 0.5, cy + 0.5] - back @ [cx + 2, cy + 2]
    data = (*back[0], dx, *back[1], dy)
    theirs = Image.fromarray(picture).transform(
        (20, 28), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR
    )
    np.testing.assert_allclose(one(picture, **limits), np.asarray(theirs), atol=0.05)


def test_each_picture_and_channel_by_one_generator():
    images = np.random.default_rng(0).integers(0, 256, (3, 9, 7, 2), "uint8")
    first, again = (warp(images, np.random.default_rng(5)) for _ in range(2))
    assert first.shape == images.shape and first.dtype == "float32" and (first == again).all()
    alone = warp(images[..., 1:], np.random.default_rng(5))
    np.testing.assert_array_equal(first[..., 1:], alone)
    same = warp(images[:1].repeat(2, axis=0), np.random.default_rng(5))
    assert (same[0] != same[1]).any()


@pytest.mark.parametrize("limit", ["turn_deg", "zoom", "slant", "shift"])
def test_an_amount_lies_between_its_limits(limit):
    class Asked:
        asked = set()

        def uniform(self, low, high, n):
            self.asked.add((low, high))
            return np.zeros(n)

    warp(np.zeros((1, 3, 3, 1)), Asked(), **NOTHING | {limit: 0.5})
    assert Asked.asked == {(0, 0), (-0.5, 0.5)}
