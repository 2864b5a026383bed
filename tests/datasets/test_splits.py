"""Splits: seeded, of every class, without leaks; and the photographs that are one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.datasets import splits
from course.datasets.samples import hands
from course.errors import CourseError


def check(train, validation, n):
    both = np.concatenate([train, validation])
    assert np.array_equal(np.sort(both), np.arange(n))  # nobody lost, nobody twice
    assert np.array_equal(train, np.sort(train))
    assert np.array_equal(validation, np.sort(validation))


def test_stratified_by_hand():
    labels = np.array([7] * 50 + [3] * 10)
    train, validation = splits.stratified(labels, fraction=0.2, seed=1)
    check(train, validation, 60)
    assert (labels[validation] == 7).sum() == 10 and (labels[validation] == 3).sum() == 2
    again, other = (splits.stratified(labels, 0.2, seed)[1].tolist() for seed in (1, 2))
    assert again == validation.tolist() != other


@given(
    st.lists(st.integers(2, 30), min_size=1, max_size=6),
    st.floats(0.01, 0.99),
    st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_stratified_keeps_every_class_on_both_sides(sizes, fraction, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    train, validation = splits.stratified(labels, fraction, seed)
    check(train, validation, len(labels))
    held = np.bincount(labels[validation], minlength=len(sizes))
    assert (held >= 1).all() and (held < sizes).all()
    middle = np.array(sizes) > np.maximum(2, 1 / min(fraction, 1 - fraction))
    assert (np.abs(held - fraction * np.array(sizes))[middle] <= 1).all()


def test_grouped_by_hand():
    labels = [0, 0, 0, 0, 1, 1, 1, 1]
    groups = [5, 5, 9, 9, 2, 2, 4, 4]
    train, validation = splits.grouped(labels, groups, fraction=0.5)
    check(train, validation, 8)
    assert len(validation) == 4
    assert {groups[i] for i in train}.isdisjoint({groups[i] for i in validation})


@given(
    st.lists(st.lists(st.integers(1, 9), min_size=2, max_size=12), min_size=1, max_size=5),
    st.floats(0.05, 0.6),
    st.integers(0, 5),
)
@settings(max_examples=60, deadline=None)
def test_grouped_never_cuts_a_group(classes, fraction, seed):
    sizes = np.concatenate(classes)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    labels = np.repeat(np.arange(len(classes)), [sum(c) for c in classes])
    train, validation = splits.grouped(labels, groups, fraction, seed)
    check(train, validation, len(labels))
    assert set(groups[train]).isdisjoint(groups[validation])
    assert set(labels[train]) == set(labels[validation]) == set(range(len(classes)))


def test_grouped_comes_near_the_fraction():
    rng = np.random.default_rng(0)
    sizes = rng.integers(17, 25, 400)  # as photographs of Sign MNIST
    groups = np.repeat(np.arange(400), sizes)
    labels = groups % 20
    for seed in range(3):
        _, validation = splits.grouped(labels, groups, 0.1, seed)
        per_class = np.bincount(labels[validation]) / np.bincount(labels)
        assert abs(len(validation) / len(labels) - 0.1) < 0.01
        assert (np.abs(per_class - 0.1) < 0.05).all()


def test_groups_of_several_classes():
    labels = np.tile([0, 1], 20)  # a patient with and without a tumour
    groups = np.repeat(np.arange(10), 4)
    train, validation = splits.grouped(labels, groups, 0.3, 0)
    check(train, validation, 40)
    assert len(validation) == 12 and set(groups[train]).isdisjoint(groups[validation])


def test_what_cannot_be_split():
    with pytest.raises(CourseError, match="La clase 1 tiene un solo ejemplo"):
        splits.stratified([0, 0, 1])
    with pytest.raises(CourseError, match="La clase 4 tiene un solo grupo"):
        splits.grouped([0, 0, 4, 4], [0, 1, 2, 2])
    for split in (lambda: splits.stratified([]), lambda: splits.grouped([], [])):
        with pytest.raises(CourseError, match="ningún ejemplo"):
            split()
    for fraction in (0, 1, -0.1, 1.5):
        with pytest.raises(ValueError, match="fraction"):
            splits.stratified([0, 0], fraction)
    with pytest.raises(ValueError, match="groups of shape"):
        splits.grouped([0, 0], [0])


def test_groups_that_no_choice_leaves_on_both_sides_are_an_error():
    # three classes, each in two of three groups: one group on a side never holds all three
    labels, groups = [0, 1, 1, 2, 2, 0], [0, 0, 1, 1, 2, 2]
    with pytest.raises(CourseError, match="no queda ningún grupo entero"):
        splits.grouped(labels, groups, 0.3)


def photographs(rng):
    """Three scenes, smooth as photographs are, `(3, 28, 28)` float 0–255."""
    from scipy import ndimage

    scenes = ndimage.gaussian_filter(rng.normal(0, 1, (3, 28, 28)), (0, 2, 2))
    return 128 + 50 * scenes / scenes.std()


def test_light_contrast_and_a_small_turn_do_not_hide_a_duplicate():
    from scipy import ndimage

    rng = np.random.default_rng(4)
    scenes = photographs(rng)
    brighter, flatter = np.clip(scenes + 40, 0, 255), 128 + 0.5 * (scenes - 128)
    turned = ndimage.rotate(scenes, 1.5, axes=(1, 2), reshape=False, mode="nearest")
    grainy = scenes + rng.normal(0, 2, scenes.shape)
    images = np.concatenate([scenes, brighter, flatter, turned, grainy]).clip(0, 255)
    groups = splits.near_duplicates(images.astype("uint8"), [0, 0, 1] * 5)
    assert groups.tolist() == [0, 1, 2] * 5


def test_one_picture_under_two_labels_is_two_groups():
    image = photographs(np.random.default_rng(0))[:1].astype("uint8")
    assert splits.near_duplicates(np.concatenate([image, image]), [0, 1]).tolist() == [0, 1]


def test_blank_and_single_images():
    blank = np.zeros((2, 28, 28), "uint8")
    assert sorted(splits.near_duplicates(blank, [0, 0])) == [0, 1]  # nothing says they are one
    assert splits.near_duplicates(blank[:1], [5]).tolist() == [0]
    assert splits.near_duplicates(blank[:0], []).tolist() == []
    with pytest.raises(ValueError, match="labels of shape"):
        splits.near_duplicates(blank, [0])
    with pytest.raises(ValueError, match="8×8"):
        splits.near_duplicates(np.zeros((2, 5, 5)), [0, 0])


def test_drawn_hands_are_found_again():
    """The drawing knows which pictures show one hand; the pictures must tell."""
    images, labels, hand = hands.draw(8, 3, np.random.default_rng(1))
    groups = splits.near_duplicates(images, labels)
    together = len(np.unique(np.stack([groups, hand]), axis=1).T)  # 192 if no hand is cut
    assert hand.max() + 1 == 192
    assert together <= 194 and groups.max() + 1 >= 188


@pytest.mark.parametrize("block", [3, 7, 100])
def test_blocks_find_what_all_against_all_finds(block, monkeypatch):
    from scipy.sparse.csgraph import connected_components

    rng = np.random.default_rng(5)
    one, other, _ = photographs(rng) - 128
    turn = rng.uniform(0, 2 * np.pi, (25, 1, 1))  # one scene fades into the other: links, chains
    images = (128 + np.cos(turn) * one + np.sin(turn) * other).clip(0, 255).astype("uint8")
    edges = splits._edges(images)
    _, wanted = connected_components(edges @ edges.T > splits._SAME_PHOTOGRAPH, directed=False)
    assert 3 < wanted.max() < 20
    monkeypatch.setattr(splits, "_BLOCK", block)
    assert splits.near_duplicates(images, np.zeros(25)).tolist() == wanted.tolist()
