"""Image and mask are changed together, by what was drawn, and nothing is lost at the edges."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from course.datasets.brats.augment import Augmentation

SIZES = st.lists(st.integers(2, 9), min_size=2, max_size=3).map(tuple)


def random_block(shape, channels=2, seed=0):
    rng = np.random.default_rng(seed)
    image = rng.standard_normal((*shape, channels)).astype("float32")
    return image, rng.integers(0, 2, (*shape, 3)).astype("uint8")


@pytest.mark.parametrize("size", [(4, 5), (3, 4, 5)])
def test_no_change_changes_nothing(size):
    image, labels = random_block(size)
    change = Augmentation(size)
    assert change.window == size
    same_image, same_labels = change(image.astype("float16"), labels)
    assert same_image.dtype == "float32" and same_labels.dtype == "uint8"
    np.testing.assert_array_equal(same_image, image.astype("float16"))
    np.testing.assert_array_equal(same_labels, labels)


@pytest.mark.parametrize("flips", list(itertools.product((False, True), repeat=3)))
def test_flips_carry_a_marked_voxel_to_the_other_side(flips):
    image, labels = np.zeros((4, 5, 6, 1)), np.zeros((4, 5, 6), "uint8")
    image[0, 1, 2], labels[0, 1, 2] = 7, 4
    flipped, mask = Augmentation((4, 5, 6), flips=flips)(image, labels)
    places = ((0, 3), (1, 3), (2, 3))
    place = tuple(b if flip else a for (a, b), flip in zip(places, flips, strict=True))
    assert np.argwhere(flipped[..., 0]).tolist() == np.argwhere(mask).tolist() == [list(place)]
    assert flipped[place] == 7 and mask[place] == 4


@pytest.mark.parametrize("plane", [(0, 1), (0, 2), (1, 2)])
def test_a_quarter_turn_is_that_of_numpy(plane):
    image, labels = random_block((5, 5, 5))
    change = Augmentation((5, 5, 5), plane=plane, angle_deg=90.0)
    assert change.window == (5, 5, 5)
    turned, mask = change(image, labels)
    np.testing.assert_allclose(turned, np.rot90(image, axes=plane), atol=1e-5)
    np.testing.assert_array_equal(mask, np.rot90(labels, axes=plane))


@settings(deadline=None, max_examples=40)
@given(SIZES, st.floats(-30, 30), st.floats(0.7, 1.5), st.data())
def test_turn_and_zoom_agree_with_scipy(size, angle_deg, zoom, data):
    plane = data.draw(st.sampled_from(list(itertools.combinations(range(len(size)), 2))))
    change = Augmentation(size, plane=plane, angle_deg=angle_deg, zoom=zoom)
    image, _ = random_block(change.window, channels=1)
    turned, _ = change(image, np.zeros(change.window, "uint8"))
    # where each voxel comes from: complex numbers turn by themselves
    out = [np.arange(n) - (n - 1) / 2 for n in size]
    grid = list(np.meshgrid(*out, indexing="ij"))
    a, b = plane
    point = (grid[a] + 1j * grid[b]) * np.exp(-1j * np.deg2rad(angle_deg)) / zoom
    grid[a], grid[b] = point.real, point.imag
    middle = [(n - 1) / 2 for n in change.window]
    points = [axis + at for axis, at in zip(grid, middle, strict=True)]
    expected = ndimage.map_coordinates(image[..., 0], points, order=1, mode="nearest")
    np.testing.assert_allclose(turned[..., 0], expected, atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(SIZES, st.floats(-30, 30), st.floats(0.7, 1.5))
def test_the_window_holds_all_that_is_needed_and_little_more(size, angle_deg, zoom):
    change = Augmentation(size, angle_deg=angle_deg, zoom=zoom)
    inside = np.hypot(*change.size[:2]) / zoom
    assert max(change.window[:2]) <= max(2, inside + 2) and change.window[2:] == size[2:]
    # a value that grows evenly grows evenly after the turn too: nothing was repeated at an edge
    rows = np.arange(change.window[0], dtype="float32")
    ramp = np.broadcast_to(rows.reshape(-1, *[1] * len(size)), (*change.window, 1)) + 1
    if (angle_deg, zoom) != (0, 1):
        turned, _ = change(ramp, np.zeros(change.window, "uint8"))
        step = np.cos(np.deg2rad(angle_deg)) / zoom
        np.testing.assert_allclose(np.diff(turned[..., 0], axis=0), step, atol=1e-3)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10**6), st.sampled_from([(24, 20), (16, 18, 20)]))
def test_a_ball_stays_where_its_mask_is(seed, size):
    change = Augmentation.draw(np.random.default_rng(seed), size, channels=1)
    change = dataclasses.replace(change, gain=1.0, shift=0.0, noise=0.0)  # where, not how bright
    grid = np.indices(change.window)
    off_center = sum((axis - n * 0.6) ** 2 for axis, n in zip(grid, change.window, strict=True))
    labels = (off_center < 16).astype("uint8")
    image, mask = change(labels[..., None].astype("float16"), labels)
    there, marked = (ndimage.center_of_mass(part) for part in (image[..., 0] > 0.5, mask))
    np.testing.assert_allclose(there, marked, atol=0.35)
    assert set(np.unique(mask)) == {0, 1}


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10**6))
def test_background_stays_zero_and_all_channels_change_each_its_own_way(seed):
    change = Augmentation.draw(np.random.default_rng(seed), (12, 12), channels=2)
    image = np.zeros((*change.window, 2), "float32")
    image[:, : change.window[1] // 2 - 3] = 1
    changed, _ = change(image, np.zeros(change.window, "uint8"))
    middle = changed[4:8][:, ::-1] if change.flips[1] else changed[4:8]
    assert not middle[:, 8:].any()
    brain = changed[4:8, -2:] if change.flips[1] else changed[4:8, :2]
    assert (abs(brain - 1) < 0.4 + 0.3 + 6 * 0.1).all() and brain.any()
    assert changed.dtype == "float32"


def test_intensities_by_hand():
    image = np.float32([[[2, 0], [0, 4]]])  # (1, 2, 2)
    change = Augmentation((1, 2), gain=np.float32([1.5, 0.5]), shift=np.float32([0.25, -1]))
    changed, _ = change(image, np.zeros((1, 2), "uint8"))
    assert changed.tolist() == [[[3.25, 0], [0, 1]]]
    assert image.tolist() == [[[2, 0], [0, 4]]]  # what was given is not written into


def test_noise_has_the_spread_that_it_says_and_its_seed_repeats_it():
    image, labels = np.ones((50, 50, 2), "float32"), np.zeros((50, 50), "uint8")
    noisy, again, other = (
        Augmentation((50, 50), noise=0.1, noise_seed=seed)(image, labels)[0] for seed in (1, 1, 2)
    )
    assert abs(noisy.mean() - 1) < 0.01 and abs(noisy.std() - 0.1) < 0.01
    assert (noisy == again).all() and (noisy != other).any()


def test_what_is_drawn_stays_in_its_range_and_uses_it():
    drawn = [Augmentation.draw(np.random.default_rng((0, 0, i)), (8, 8, 8), 4) for i in range(400)]
    angles, zooms = np.array([change.angle_deg for change in drawn]), [c.zoom for c in drawn]
    assert -15 <= angles.min() < -13 and 13 < angles.max() <= 15
    assert 0.85 <= min(zooms) < 0.87 and 1.17 < max(zooms) <= 1.2
    assert {change.flips for change in drawn} == set(itertools.product((False, True), repeat=3))
    assert {change.plane for change in drawn} == {(0, 1), (0, 2), (1, 2)}
    unturned = [change.window == (8, 8, 8) and change.zoom == 1 for change in drawn]
    assert 240 < sum(unturned) < 320
    assert all(change.gain.shape == change.shift.shape == (4,) for change in drawn)


def test_the_same_seed_epoch_and_index_draw_the_same_change():
    first, again, other = (
        Augmentation.draw(np.random.default_rng(key), (8, 8), 1)
        for key in ((1, 2, 3), (1, 2, 3), (1, 2, 4))
    )
    assert repr(first) == repr(again) != repr(other)


def test_another_window_than_was_asked_for_is_refused():
    with pytest.raises(ValueError, match=r"Expected an image of \(4, 5\). Received: \(4, 4\)"):
        Augmentation((4, 5))(np.zeros((4, 4, 1)), np.zeros((4, 4), "uint8"))
