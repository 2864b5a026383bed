"""The made-up brains: BraTS' files, the same each time, and a task that has to be learnt."""

import csv
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import nibabel
import numpy as np
import pytest
from scipy import ndimage

from course import regions
from course.datasets import brats, catalog
from course.datasets.samples import brains
from course.datasets.samples.brains import tumour
from course.datasets.samples.brains.space import HEAD_MM, Space, ellipsoid, join, tube
from course.errors import CourseError

SMALL, COARSE = (48, 66, 56), (28, 40, 34)
TRAIN, TEST = 16, 8


@pytest.fixture(scope="module")
def made():
    """`(image z-scored in the brain, brain, labels, kind)` of 24 cases at 2.9 mm."""
    with ThreadPoolExecutor(2) as pool:
        drawn = list(pool.map(lambda k: brains.make_case(k, 0, SMALL), range(1, TRAIN + TEST + 1)))
    whole = []
    for pictures, labels, kind in drawn:
        image = np.stack([pictures[name] for name in brats.MODALITIES], axis=-1).astype("float32")
        whole.append((brats.normalize(image), image[..., 0] > 0, labels, kind))
    return whole


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return brains.write_cases(tmp_path_factory.mktemp("brains") / "set", 3, shape=COARSE)


def files(folder):
    """The bytes of everything below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


# ---- the files


def test_files_are_named_as_in_brats_2020(folder):
    info = catalog.get("brats2020")
    names = {
        f"{case}/{info.case_file.format(case=case, kind=kind)}"
        for case in (f"BraTS20_Sintetico_00{number}" for number in (1, 2, 3))
        for kind in (*info.modalities, "seg")
    }
    assert set(files(folder)) == names | {"name_mapping.csv"}


def test_files_are_laid_out_as_in_brats_2020(folder):
    for path in folder.rglob("*.nii"):
        image = nibabel.load(path)
        assert image.shape == COARSE[::-1] and image.get_data_dtype() == np.dtype("<i2")
        assert nibabel.aff2axcodes(image.affine) == ("L", "P", "S")
        assert image.header.get_xyzt_units()[0] == "mm"
        mm = 5.0  # 140 mm in 28 voxels, the tightest axis
        expected = [[-mm, 0, 0, 0], [0, -mm, 0, 39 * mm], [0, 0, mm, 0], [0, 0, 0, 1]]
        assert np.allclose(image.affine, expected)
        assert np.allclose(image.header.get_zooms(), mm)


def test_the_reader_of_brats_reads_them(folder):
    cases = brats.find_cases(folder)
    assert [case.name for case in cases] == [f"BraTS20_Sintetico_00{k}" for k in (1, 2, 3)]
    for number, case in enumerate(cases, 1):
        pictures, labels, kind = brains.make_case(number, shape=COARSE)
        image, mask = brats.load_case(case)
        assert case.edition == "2020" and case.grade == tumour.GRADES[kind]
        assert np.allclose(case.spacing_mm, 5)
        assert np.array_equal(mask, labels)
        for channel, name in enumerate(case.modalities):
            assert np.array_equal(image[..., channel], pictures[name])


def test_the_mapping_is_read_as_brats_writes_it(folder):
    with open(folder / "name_mapping.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["BraTS_2020_subject_ID"] for row in rows] == sorted(
        path.name for path in folder.glob("BraTS20_*")
    )
    assert {row["Grade"] for row in rows} <= {"HGG", "LGG"}


def test_the_same_seed_writes_the_same_bytes_however_many_are_asked_for(folder, tmp_path):
    three, one = files(folder), files(brains.write_cases(tmp_path / "one", 1, shape=COARSE))
    del one["name_mapping.csv"]
    assert len(one) == 5 and all(three[name] == content for name, content in one.items())
    other = files(brains.write_cases(tmp_path / "other", 1, seed=1, shape=COARSE))
    assert all(other[name] != content for name, content in one.items())


def test_a_folder_that_holds_something_is_left_alone(folder):
    before = files(folder)
    with pytest.raises(CourseError, match="no está vacía: se esperaba una carpeta nueva"):
        brains.write_cases(folder, 1)
    assert files(folder) == before


@pytest.mark.parametrize("n", [0, -1])
def test_at_least_one_case(tmp_path, n):
    with pytest.raises(ValueError, match="Expected a whole number from 1. Received:"):
        brains.write_cases(tmp_path / "none", n)


# ---- made once, whatever interrupts


def test_cases_are_made_once(monkeypatch, fresh_home):
    monkeypatch.setattr(brains, "SHAPE", COARSE)
    folder = brains.cases(2, seed=5)
    assert folder.is_relative_to(fresh_home / "kagglehub")
    stamps = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    monkeypatch.setattr(brains, "make_case", None)  # whoever calls it now fails
    assert brains.cases(2, seed=5) == folder
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == stamps


def test_a_deleted_case_is_made_again(monkeypatch):
    monkeypatch.setattr(brains, "SHAPE", COARSE)
    folder = brains.cases(2)
    before = files(folder)
    for path in (folder / "BraTS20_Sintetico_002").iterdir():
        path.unlink()
    (folder / "BraTS20_Sintetico_002").rmdir()
    assert files(brains.cases(2)) == before


@pytest.mark.parametrize("trouble", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_an_interrupted_set_holds_whole_cases_only(tmp_path, monkeypatch, folder, trouble):
    usual, written = brains._save, []

    def save(voxels, voxel_mm, path):
        written.append(path)
        if len(written) == 8:  # in the middle of the second case
            path.write_bytes(b"half")
            raise trouble
        usual(voxels, voxel_mm, path)

    def fill():
        return brains._fill(tmp_path / "set", len(brats.find_cases(folder)), 0, COARSE)

    monkeypatch.setattr(brains, "_save", save)
    monkeypatch.setattr(os, "cpu_count", lambda: 1)
    expected = KeyboardInterrupt if trouble is KeyboardInterrupt else CourseError
    with pytest.raises(expected) as error:
        fill()
    if expected is CourseError:
        assert "el disco está lleno" in str(error.value) and "KAGGLEHUB_CACHE" in str(error)
    whole = files(folder)
    left = files(tmp_path)
    assert left and all(whole[name.removeprefix("set/")] == left[name] for name in left)
    assert not any("BraTS20_Sintetico_002" in name or "unfinished" in name for name in left)
    monkeypatch.setattr(brains, "_save", usual)
    assert files(fill()) == whole


def test_a_killed_process_leaves_whole_cases_only(tmp_path):
    program = (
        "from course.datasets.samples import brains;"
        f"brains.write_cases({str(tmp_path / 'set')!r}, 500, shape={COARSE})"
    )
    process = subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 60
        made = "set/BraTS20_Sintetico_???"
        while len(list(tmp_path.glob(made))) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    cases = brats.find_cases(tmp_path / "set")  # a case that lacks a file would be a warning
    assert len(cases) >= 2
    for case in cases:
        assert brats.load_case(case)[0].shape == (*COARSE, 4)


def test_where_nothing_can_be_written_is_an_error_message(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "file"))
    with pytest.raises(CourseError, match="No se pudo escribir"):
        brains.cases(1)


# ---- shapes


def test_signed_distances():
    points = [np.array(axis, float) for axis in ([0, 0, 12, 3], [0, 0, 0, 4], [0, 30, 0, 0])]
    ball = ellipsoid(points, (0, 0, 0), (10, 10, 10))
    assert np.allclose(ball[1:], [20, 2, -5], atol=1e-3) and ball[0] < -5
    line = tube(points, ((0, 0, 0, 1), (10, 0, 0, 3)))
    assert np.allclose(line, [-1, 29, -1, 4 - 1.6])
    assert join(np.array(-3.0), np.array(50.0), 4) == -3  # far apart: the nearer one
    assert join(np.array(1.0), np.array(1.0), 4) == 0  # in the seam: a quarter of the blend more


def test_noise_is_normal_and_as_coarse_as_it_is_told():
    space = Space((40, 40, 40))
    for band in (False, True):
        field = np.stack([space.noise(np.random.default_rng(k), 20, band) for k in range(12)])
        assert abs(field.mean()) < 0.1 and 0.9 < field.std() < 1.1
        near, far = (np.mean(field[..., d:] * field[..., :-d]) for d in (1, 14))
        assert near > 0.8 and far < 0.2


def test_a_voxel_on_a_surface_is_half_covered():
    space = Space((70, 95, 80))
    assert space.voxel_mm == 2
    assert space.covered(np.array([-5, -1, 0, 0.5, 1, 9])).tolist() == [1, 1, 0.5, 0.25, 0, 0]


@pytest.mark.parametrize("number", [1, 2])
def test_the_same_head_at_any_resolution(number):
    fine, coarse = (brains.make_case(number, 0, shape) for shape in (SMALL, (36, 50, 46)))
    for size in (
        lambda case: (case[0]["t1"] > 0).sum(),
        lambda case: (case[1] > 0).sum(),
    ):
        ml = [size(c) * Space(s).voxel_mm ** 3 for c, s in ((fine, SMALL), (coarse, (36, 50, 46)))]
        assert ml[0] == pytest.approx(ml[1], rel=0.15)


# ---- brains


def test_brains_are_of_human_size_and_inside_the_volume(made):
    for _, brain, _, _ in made:
        assert 1000 < brain.sum() * Space(SMALL).voxel_mm ** 3 / 1000 < 1700  # ml
        for axis in (1, 2):  # the brainstem may be cut below
            edges = np.moveaxis(brain, axis, 0)[[0, -1]]
            assert not edges.any()
    assert len({int(brain.sum()) for _, brain, _, _ in made}) == len(made)


def test_the_modalities_share_the_brain_and_differ_between_cases():
    ranges = []
    for number in (1, 2, 3):
        pictures, labels, _ = brains.make_case(number, 0, COARSE)
        brain = pictures["t1"] > 0
        for picture in pictures.values():
            assert picture.dtype == np.int16 and picture.min() == 0
            assert np.array_equal(picture > 0, brain)
        assert not labels[~brain].any()
        ranges.append([np.median(picture[brain]) for picture in pictures.values()])
    assert np.std(np.log(ranges), axis=0).min() > 0.05  # the scanner's gain


def test_the_cortex_is_folded():
    """White matter has far more surface than the hull around it, as in a brain; an ellipsoid
    inside an ellipsoid has less."""
    pictures, _, _ = brains.make_case(4, 0, brains.SHAPE)
    t1 = ndimage.gaussian_filter(pictures["t1"].astype(float), 0.5)[45:65]  # above the ventricles
    brain = pictures["t1"][45:65] > 0
    white = t1 > 0.85 * np.percentile(t1[brain], 90)

    def edges(mask):
        return sum(np.count_nonzero(np.diff(mask, axis=axis)) for axis in (1, 2))

    assert edges(white) > 2.5 * edges(brain)


def test_tumours_look_as_they_should(made):
    """Medians in standard deviations from the brain's mean, over cases, in flair, t1, t1ce, t2."""

    def median(label, kinds, modality):
        channel = brats.MODALITIES.index(modality)
        values = [
            np.median(image[..., channel][labels == label])
            for image, _, labels, kind in made
            if kind in kinds and (labels == label).sum() > 30
        ]
        return np.median(values)

    def white_matter(modality):
        channel = brats.MODALITIES.index(modality)
        return np.median([np.percentile(i[..., channel][brain], 80) for i, brain, _, _ in made])

    oedema = {name: median(2, ("ring", "solid"), name) for name in brats.MODALITIES}
    assert oedema["flair"] > 1 and oedema["t2"] > 0.3
    assert all(oedema[name] < white_matter(name) - 0.5 for name in ("t1", "t1ce"))
    enhancing = {name: median(4, ("ring", "solid"), name) for name in brats.MODALITIES}
    assert enhancing["t1ce"] > 1.5 and enhancing["t1"] < 0
    necrosis = {name: median(1, ("ring",), name) for name in brats.MODALITIES}
    assert all(necrosis[name] < oedema[name] - 0.3 for name in ("t1", "t1ce"))
    assert necrosis["t2"] > 0.5
    assert necrosis["flair"] < oedema["flair"] - 0.7  # fluid is suppressed
    low_grade = {name: median(1, ("diffuse",), name) for name in brats.MODALITIES}
    assert low_grade["flair"] > 0.5 and low_grade["t1ce"] < 0


def test_tumours_are_nested_and_differ(made):
    sizes, wrapped = [], []
    for _, _, labels, kind in made:
        assert set(np.unique(labels)) <= {0, 1, 2, 4}
        whole, core, enhancing = np.moveaxis(regions.to_regions(labels, "2020"), -1, 0)
        assert (enhancing.sum() == 0) == (kind == "diffuse")
        assert 0 < core.sum() < whole.sum()
        if kind == "ring":  # what touches the core is oedema, but for cortex and skull
            shell = ndimage.binary_dilation(core) & (core == 0)
            wrapped.append((labels[shell] == 2).mean())
        sizes.append(whole.sum())
    assert max(sizes) > 3 * min(sizes) and np.median(wrapped) > 0.7
    sides = [np.nonzero(labels)[2].mean() > SMALL[2] / 2 for _, _, labels, _ in made]
    assert 0.2 < np.mean(sides) < 0.8


@pytest.mark.parametrize("seed", range(5))
def test_each_eight_cases_hold_every_kind(seed):
    kinds = [brains._kind(number, seed) for number in range(1, 25)]
    for block in (kinds[:8], kinds[8:16], kinds[16:]):
        assert sorted(block) == sorted(tumour.KINDS)
    assert 4 <= kinds.count("diffuse") <= 8  # without enhancing tumour


def test_some_bright_spots_are_no_tumour(made):
    flair, t1ce = (brats.MODALITIES.index(name) for name in ("flair", "t1ce"))
    spots, vessels = [], []
    for image, brain, labels, kind in made:
        away = brain & ~ndimage.binary_dilation(labels > 0, iterations=4)
        spots.append((image[away][:, flair] > np.median(image[labels == 2][:, flair])).sum())
        if kind in ("ring", "solid"):
            vessels.append((image[away][:, t1ce] > np.median(image[labels == 4][:, t1ce])).sum())
    assert np.sum(np.array(spots) > 50) >= 6 and np.sum(np.array(vessels) > 5) >= 6


# ---- it must be learnt


def dice(truth, answer):
    total = truth.sum() + answer.sum()
    return 1.0 if total == 0 else 2 * (truth & answer).sum() / total


def test_no_threshold_on_one_modality_finds_the_tumour(made):
    levels = np.linspace(-1, 4, 51)
    scores = {}
    for channel in range(4):
        for sign in (1, -1):
            table = np.array(
                [
                    [dice(labels[brain] > 0, values > level) for level in levels]
                    for image, brain, labels, _ in made
                    for values in [sign * image[..., channel][brain]]
                ]
            )
            best = table[:TRAIN].mean(0).argmax()
            scores[brats.MODALITIES[channel], sign] = table[TRAIN:, best].mean()
    assert max(scores.values()) <= 0.75
    assert max(scores, key=scores.get) == ("flair", 1)  # the task is that of BraTS all the same
    assert scores["flair", 1] > 0.4


def test_enhancing_tumour_is_not_to_be_seen_on_flair_alone(made):
    assert learnt(made, [0, 1, 2, 3]) > learnt(made, [0]) + 0.15


def learnt(made, channels):
    """The mean Dice of ET on unseen cases of a classifier of voxels and their surroundings."""
    from sklearn.tree import DecisionTreeClassifier

    rng = np.random.default_rng(0)
    tables, truths = [], []
    for image, brain, labels, _ in made:
        views = [image[..., c] for c in channels]
        views += [ndimage.gaussian_filter(view, sigma) for view in views for sigma in (1, 3)]
        some = brain & (rng.random(brain.shape) < 0.15)  # enough to learn from and to score on
        tables.append(np.stack([view[some] for view in views], axis=-1))
        truths.append(labels[some] == 4)
    model = DecisionTreeClassifier(max_depth=9, min_samples_leaf=30, random_state=0)
    model.fit(np.concatenate(tables[:TRAIN]), np.concatenate(truths[:TRAIN]))
    chances = [model.predict_proba(table)[:, 1] for table in tables]
    levels = np.linspace(0.02, 0.9, 45)
    scores = np.array(
        [[dice(t, c > level) for level in levels] for t, c in zip(truths, chances, strict=True)]
    )
    best = scores[:TRAIN].mean(0).argmax()  # the level, too, is chosen on the training cases
    return scores[TRAIN:, best].mean()


def test_the_head_fits():
    for shape in (brains.SHAPE, SMALL, (155, 240, 240)):
        assert (np.array(shape) * Space(shape).voxel_mm >= HEAD_MM).all()
