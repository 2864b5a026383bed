"""Slices and patches: cut where they say, tumour seen often, repeated exactly."""

import collections
import concurrent.futures
import contextlib
import types

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course.datasets.brats.batches import Patches, Slices
from course.datasets.brats.prepared import Store
from course.training import EpochSeeds, callbacks, read_history, resume

SHAPE = (10, 14, 12)


def numbered(shape=SHAPE, tumour=(), case=0):
    """A case whose every voxel is known by its value; `tumour`: voxels `[(d, h, w), …]` of ET.

    Channel 0 holds 1 + the voxel's number, channel 1 the case's number; the brain fills the box.
    """
    values = 1 + np.arange(np.prod(shape), dtype="float32").reshape(shape)
    regions = np.zeros((*shape, 3), "uint8")
    for voxel in tumour:
        regions[voxel] = 1
    rng = np.random.default_rng(0)
    voxels = np.stack([rng.integers(side, size=300) for side in shape], -1)
    marked = np.argwhere(regions[..., 0])
    marked = marked[rng.integers(len(marked), size=300)] if len(marked) else voxels
    return types.SimpleNamespace(
        name=f"case{case}",
        modalities=("flair", "t1"),
        image=np.stack([values, np.full(shape, case, "float32")], -1),
        regions=regions,
        centers=np.array([voxels, marked, marked, marked], "int16"),
    )


def samples(batches):
    """All samples of the epoch, `[(x, y), …]`."""
    return [pair for i in range(len(batches)) for pair in zip(*batches[i], strict=True)]


def places(x, shape=SHAPE):
    """Where the voxels of an unaugmented sample come from: `{place in x: (d, h, w)}`."""
    number = x[..., 0].astype(int) - 1
    found = np.argwhere(number >= 0)
    whole = np.stack(np.unravel_index(number[number >= 0], shape), -1)
    return dict(zip(map(tuple, found.tolist()), map(tuple, whole.tolist()), strict=True))


# ---- what is cut


@settings(deadline=None, max_examples=30)
@given(st.tuples(*[st.integers(1, 18)] * 3), st.integers(0, 10**6))
def test_a_patch_is_a_block_of_its_case_with_zeros_around(size, seed):
    tumour = [(2, 3, 4), (2, 3, 5), (7, 8, 9)]
    batches = Patches(Store([numbered(tumour=tumour)]), 1, size, seed=seed, augment=False, steps=3)
    for x, y in samples(batches):
        assert x.shape == (*size, 2) and y.shape == (*size, 3)
        found = places(x)
        offsets = {tuple(np.subtract(b, a).tolist()) for a, b in found.items()}
        assert len(offsets) == 1  # nothing is stretched or mirrored
        lengths = [len(set(axis)) for axis in zip(*found.values(), strict=True)]
        assert lengths == [min(a, b) for a, b in zip(size, SHAPE, strict=True)]
        for a, low in enumerate(np.min(list(found), axis=0)):  # a small case lies in the middle
            assert low == max(0, size[a] - SHAPE[a]) // 2
        marked = {found[tuple(voxel)] for voxel in np.argwhere(y[..., 2])}
        assert marked == set(found.values()) & set(tumour)


def test_a_slice_is_axial_and_holds_what_the_case_holds():
    case = numbered(tumour=[(3, 5, 5)])
    for x, y in samples(Slices(Store([case]), 2, (14, 12), augment=False)):
        d = places(x)[0, 0][0]
        np.testing.assert_array_equal(x, case.image[d])
        np.testing.assert_array_equal(y, case.regions[d])


def test_types_and_shapes_are_what_a_network_takes():
    cases = Store([numbered(tumour=[(3, 5, 5)])])
    for batches, shape in (
        (Slices(cases, 3, (8, 16)), (3, 8, 16)),
        (Patches(cases, 2, (8, 8, 16)), (2, 8, 8, 16)),
    ):
        x, y = batches[0]
        assert x.shape == (*shape, 2) and y.shape == (*shape, 3)
        assert x.dtype == y.dtype == "float32" and set(np.unique(y)) <= {0, 1}


def test_augmented_samples_keep_image_and_mask_together():
    case = numbered((20, 20, 20))
    ball = sum((axis - 9) ** 2 for axis in np.indices((20, 20, 20))) < 36
    case.image[:] = np.where(ball, 3, -1)[..., None]
    case.regions[:] = ball[..., None]
    for batches in (Slices(Store([case]), 8, (16, 16)), Patches(Store([case]), 4, (16, 16, 16))):
        for x, y in samples(batches):
            wrong = (x[..., 0] > 1) != (y[..., 0] > 0)
            assert wrong.mean() < 0.05 and (x[..., 0] != 0).any()


# ---- chance


def equal(a, b):
    return all(
        (p == q).all() for one, two in zip(a, b, strict=True) for p, q in zip(one, two, strict=True)
    )


@pytest.mark.parametrize("kind, size", [(Slices, (8, 8)), (Patches, (8, 8, 8))])
def test_two_runs_see_the_same_and_two_epochs_do_not(kind, size):
    cases = Store([numbered(tumour=[(2, 3, 4)], case=i) for i in range(3)])
    first, again, other = (kind(cases, 2, size, seed=seed) for seed in (5, 5, 6))
    begun = samples(first)
    assert equal(begun, samples(again)) and not equal(begun, samples(other))
    assert equal(begun, samples(first))  # the epoch is the same until the next one is started
    first.start_epoch(1)
    assert not equal(begun, samples(first))
    again.start_epoch(4)
    again.start_epoch(1)  # what came before does not matter
    assert equal(samples(first), samples(again))


def test_neither_order_nor_number_of_workers_matters():
    batches = Slices(Store([numbered(tumour=[(2, 3, 4)], case=i) for i in range(3)]), 4, (8, 8))
    backwards = list(reversed(range(len(batches))))
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        drawn = dict(zip(backwards, pool.map(batches.__getitem__, backwards), strict=True))
    for index in range(len(batches)):
        assert equal([drawn[index]], [batches[index]])


@pytest.mark.parametrize("steps", [3, 7])
def test_every_case_comes_as_often_as_any_other(steps):
    cases = Store([numbered(case=i) for i in range(6)])
    batches = Slices(cases, 2, (8, 8), augment=False, steps=steps)
    counts = collections.Counter(int(x[..., 1].max()) for x, _ in samples(batches))
    assert len(counts) == 6 and max(counts.values()) - min(counts.values()) <= 1


def test_an_epoch_is_16_slices_or_4_patches_a_case_unless_steps_are_given():
    cases = Store([numbered(case=i) for i in range(3)])
    assert len(Slices(cases, 5, (8, 8))) == 10 and len(Patches(cases, 5, (8, 8, 8))) == 3
    assert len(Slices(cases, 5, (8, 8), steps=2)) == 2


# ---- the tumour


def test_an_interrupted_fit_on_the_same_cases_goes_on_without_a_word(tmp_path):
    class Stop(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise KeyboardInterrupt

    for beside in ([Stop()], []):
        batches = Slices(Store([numbered()]), 2, (8, 8), steps=1)
        x, y = batches[0]
        model = keras.Sequential([keras.Input(x.shape[1:]), keras.layers.Conv2D(y.shape[-1], 1)])
        model.compile("sgd", "mse")
        with contextlib.suppress(KeyboardInterrupt):
            model.fit(
                batches,
                initial_epoch=resume(model, tmp_path),
                epochs=2,
                verbose=0,
                callbacks=[*callbacks(tmp_path, batches, seed=0), *beside],
            )
    assert [row["epoch"] for row in read_history(tmp_path)] == [1, 2]


def test_other_voxels_or_modalities_have_another_fingerprint():
    def fingerprint(modalities=("flair", "t1"), brighter=0):
        case = numbered()
        case.modalities, case.image = modalities, case.image + brighter
        return Slices(Store([case]), 2, (8, 8)).fingerprint()

    one = fingerprint()
    assert one == fingerprint()
    assert one != fingerprint(modalities=("t1", "flair"))
    assert one != fingerprint(brighter=1)


def seen(cases, kind, size, share, count=400):
    """In how many of `count` samples each region appears."""
    batches = kind(cases, 1, size, augment=False, tumour_share=share, steps=count)
    axes = tuple(range(len(size)))
    return sum((y.any(axes) for _, y in samples(batches)), np.zeros(3, int))


@pytest.mark.parametrize("kind, size", [(Slices, (6, 6)), (Patches, (4, 4, 4))])
def test_the_share_of_samples_with_tumour_is_what_was_asked_for(kind, size):
    cases = Store([numbered((40, 40, 40), tumour=[(20, 20, 20)])])
    assert (seen(cases, kind, size, share=1.0, count=100) == 100).all()
    half = seen(cases, kind, size, share=0.5)[0]
    assert 160 < half < 240  # four standard deviations of 400 coins
    assert seen(cases, kind, size, share=0.0)[0] < 10  # chance alone


def test_a_single_voxel_of_enhancing_tumour_is_seen_in_a_third_of_the_tumour_samples():
    case = numbered((40, 40, 40))
    case.regions[5:35, 5:35, 5:35, 0] = 1
    case.regions[20:28, 20:28, 20:28, 1] = 1
    case.regions[6, 6, 6] = 1
    rng = np.random.default_rng(1)
    for row in range(1, 4):
        voxels = np.argwhere(case.regions[..., row - 1])
        case.centers[row] = voxels[rng.integers(len(voxels), size=300)]
    _, core, enhancing = seen(Store([case]), Slices, (8, 8), share=1.0)
    assert 95 < enhancing < 172 and core > 200


def test_the_tumour_is_not_always_in_the_centre_but_always_inside():
    cases = Store([numbered((40, 40, 40), tumour=[(20, 20, 20)])])
    batches = Patches(cases, 1, (8, 8, 8), augment=False, tumour_share=1.0, steps=200)
    found = np.array([np.argwhere(y[..., 0])[0] for _, y in samples(batches)])
    assert found.min() == 2 and found.max() == 6 and len(np.unique(found, axis=0)) > 60


def test_a_case_without_tumour_is_served_like_any_other():
    x, y = Slices(Store([numbered()]), 4, (8, 8), tumour_share=1.0)[0]
    assert x.any() and not y.any()


# ---- with Keras


def test_fit_starts_each_epoch_and_sees_what_the_seed_says():
    cases = Store([numbered(tumour=[(2, 3, 4)], case=i) for i in range(2)])

    class Noted(Slices):
        def __getitem__(self, index):
            x, y = super().__getitem__(index)
            noted.append((self._epoch, index, float(x.sum())))
            return x, y

    noted, expected = [], {}
    model = keras.Sequential([keras.Input((8, 8, 2)), keras.layers.Conv2D(3, 1)])
    model.compile(loss="mse")
    batches = Noted(cases, 2, (8, 8), seed=3, steps=4)
    model.fit(batches, epochs=3, verbose=0, callbacks=[EpochSeeds(3, batches)])
    again = Slices(cases, 2, (8, 8), seed=3, steps=4)
    for epoch in range(3):
        again.start_epoch(epoch)
        expected |= {(epoch, index): float(again[index][0].sum()) for index in range(4)}
    assert {(epoch, index) for epoch, index, _ in noted} == set(expected)
    assert all(expected[epoch, index] == total for epoch, index, total in noted)


@pytest.mark.parametrize(
    "arguments, received",
    [
        ({"size": (8, 8, 8)}, "size="),
        ({"size": (8, 0)}, "size="),
        ({"batch_size": 0}, "batch_size=0"),
        ({"steps": 0}, "steps=0"),
        ({"tumour_share": 1.5}, "1.5"),
    ],
)
def test_what_cannot_be_served_is_refused(arguments, received):
    with pytest.raises(ValueError, match=f"Expected .*Received: .*{received}"):
        Slices(Store([numbered()]), **{"batch_size": 2, "size": (8, 8), **arguments})
