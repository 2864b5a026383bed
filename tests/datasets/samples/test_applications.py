"""Drawn chests and scattered digits: repeatable, honest about themselves, true boxes."""

from types import SimpleNamespace

import numpy as np
import pytest

from course.datasets import brats
from course.datasets.samples import canvases, chests

INK = np.stack([np.full((28, 28), 100 + 10 * i, "uint8") for i in range(4)])


def test_chests_are_repeatable_balanced_and_made_up():
    (x_train, y_train), (x_test, y_test) = chests.load_data(40, 20, seed=3)
    again = chests.load_data(40, 20, seed=3)
    np.testing.assert_array_equal(x_train, again[0][0])
    assert not np.array_equal(x_train, chests.load_data(40, 20, seed=4)[0][0])
    assert (x_train.dtype, x_train.shape) == (np.uint8, (40, 64, 64))
    assert y_train.sum() == 20 and y_test.sum() == 10
    assert not any(np.array_equal(a, b) for a in x_train for b in x_test)
    assert chests.ORIGIN.made_up and chests.ORIGIN.stands_in
    assert "no son radiografías" in chests.ORIGIN.title


def test_brightness_alone_does_not_tell_the_chests_apart():
    (x, y), _ = chests.load_data(300, 2)
    mean = x.mean(axis=(1, 2))
    cut = np.sort(mean)
    best = max(((mean > c) == y).mean() for c in cut)
    assert best < 0.75


@pytest.mark.parametrize("options", [{"n_train": 1}, {"n_test": 0}, {"size": 31}])
def test_too_few_or_too_small_chests_are_refused(options):
    with pytest.raises(ValueError, match="2 or more"):
        chests.load_data(**options)


def test_a_box_frames_the_digit_that_its_label_says():
    found, boxes, classes = canvases.scatter(INK, np.arange(4), 20, seed=1)
    for canvas, frames, digits in zip(found, boxes, classes, strict=True):
        assert 1 <= len(frames) == len(digits) <= 6
        outside = np.ones(canvas.shape, bool)
        for (top, left, bottom, right), digit in zip(frames, digits, strict=True):
            assert (canvas[top:bottom, left:right] == 100 + 10 * digit).all()
            assert outside[top:bottom, left:right].all()  # no digit on another
            outside[top:bottom, left:right] = False
        assert canvas[outside].max() < 40


def test_a_full_canvas_takes_no_more():
    found, boxes, _ = canvases.scatter(INK, np.arange(4), 5, size=(28, 28), most=4)
    assert [len(frames) for frames in boxes] == [1] * 5


def test_a_box_frames_the_tumour_of_its_slice(monkeypatch):
    image, labels = np.ones((3, 40, 40, 2), "float32"), np.zeros((3, 40, 40), "uint8")
    image[1, ..., 1] = 2
    labels[0, :12, :12] = 1  # 144 pixels: too few to look for
    labels[1, 5:20, 8:30] = 4
    monkeypatch.setattr(brats, "load_case", lambda case: (image, labels))
    found, boxes, classes = canvases.brain_slices([SimpleNamespace(modalities=["t1", "flair"])])
    assert found.shape == (1, 40, 40) and (found == 200).all()  # the median of FLAIR, 1, is 100
    assert [box.tolist() for box in boxes] == [[[5, 8, 20, 30]]]
    assert [each.tolist() for each in classes] == [[0]]


def test_windows_hold_a_digit_or_none():
    drawn = canvases.scatter(INK, np.arange(4), 30, seed=1)
    images, labels = canvases.windows(*drawn, background=4, seed=2)
    ink = (images >= 100).mean(axis=(1, 2))
    assert images.shape[1:] == (30, 30) and set(labels) == {0, 1, 2, 3, 4}
    assert ink[labels != 4].min() >= (25 / 30) ** 2 - 1e-9  # at most 4 pixels off the middle
    for image, label in zip(images[labels != 4], labels[labels != 4], strict=True):
        assert image[14, 14] == 100 + 10 * label


@pytest.mark.parametrize(
    "options", [{"size": (27, 40)}, {"count": 0}, {"most": 0}, {"images": INK[:, :20]}]
)
def test_canvases_that_cannot_be_are_refused(options):
    with pytest.raises(ValueError, match="Expected"):
        canvases.scatter(**{"images": INK, "labels": np.arange(4), "count": 2, **options})
