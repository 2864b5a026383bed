"""Prepared cases: right, once, whole or not there, and nobody's files are touched."""

import errno
import os
import shutil
import signal
import subprocess
import sys
import tracemalloc
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pytest

from course import files
from course.datasets import brats
from course.datasets.brats import prepared
from course.errors import CourseError
from tests import ROOT, brats_fakes

NAMES = ("BraTS20_Training_001", "BraTS20_Training_002", "BraTS20_Training_003")


@pytest.fixture
def raw(tmp_path):
    """Three cases of (10, 14, 12) voxels along D, H and W."""
    for seed, name in enumerate(NAMES):
        brats_fakes.write_case(tmp_path / "raw", name, seed=seed)
    return tmp_path / "raw"


def find(raw):
    return brats.find_cases(raw, edition="2020")


def contents(case):
    """Everything that a prepared case holds."""
    arrays = (case.image, case.regions, case.centers)
    return [case, *((a.dtype.str, a.shape, a.tobytes()) for a in arrays)]


def when(folder):
    """When each file was written: it changes when a case is prepared again."""
    return {path: path.stat().st_mtime_ns for path in sorted(folder.rglob("*.npy"))}


# ---- what is read


def test_a_block_s_rows_and_no_others_are_asked_of_the_disk(raw, tmp_path):
    case = prepared.prepare(find(raw), tmp_path / "prepared")[0]
    with open(case.folder / "image.npy", "rb") as file:
        for index, (first, length) in enumerate(
            prepared._stretches(case.image, (2, 3, 0), (4, 9, 5)), 2
        ):
            file.seek(first)
            assert file.read(length) == case.image[index, 3:9].tobytes()
    assert index == 3
    prepared.read_ahead(case.image, (2, 3), (4, 9))  # the system understands
    last = case.image.shape[:2]
    prepared.read_ahead(case.image, np.subtract(last, 1), np.array(last))
    prepared.read_ahead(np.array(case.image), (2, 3), (4, 9))  # in memory already


# ---- what is written


def test_a_case_is_cropped_normalised_and_turned_to_regions(tmp_path):
    arrays = brats_fakes.write_case(tmp_path / "raw", NAMES[0], shape=(16, 14, 10))
    done = prepared.prepare(find(tmp_path / "raw"), tmp_path / "prepared")
    # x, y, z as stored are W, H and D of the kit for the affine of the real files
    image = np.stack([arrays[m].transpose(2, 1, 0) for m in brats.MODALITIES], -1).astype(float)
    labels = arrays["seg"].transpose(2, 1, 0)
    brain = (image != 0).any(-1)
    expected = np.where(brain[..., None], (image - image[brain].mean(0)) / image[brain].std(0), 0)
    box = tuple(slice(low, high) for low, high in done[0].box)
    assert brain[box].sum() == brain.sum()
    assert all(brain[box].any(axes).all() for axes in ((1, 2), (0, 2), (0, 1)))  # tight
    assert done[0].image.dtype == "float16" and done[0].regions.dtype == "uint8"
    np.testing.assert_allclose(done[0].image, expected[box], atol=2e-3)
    for column, joined in enumerate([(1, 2, 4), (1, 4), (4,)]):
        np.testing.assert_array_equal(done[0].regions[..., column], np.isin(labels[box], joined))
    assert done[0].shape == (10, 14, 16) and done[0].spacing_mm == (1, 1, 1)
    assert done[0].edition == "2020" and done.modalities == brats.MODALITIES


def test_the_remembered_voxels_lie_where_they_say(raw, tmp_path):
    for case in prepared.prepare(find(raw), tmp_path / "prepared"):
        brain, *tumour = case.centers
        assert (case.image[tuple(brain.T)] != 0).any(-1).all()
        for column, voxels in enumerate(tumour):
            assert (case.regions[(*voxels.T, column)] == 1).all()
            assert len(np.unique(voxels, axis=0)) > case.regions[..., column].sum() / 2


@pytest.mark.parametrize("kept, stands_in", [((2,), 1), ((2, 1), 2), ((), 0)])
def test_an_empty_region_is_looked_for_in_the_next_larger_one(tmp_path, kept, stands_in):
    labels = brats_fakes.labels_like((12, 14, 10))
    labels[~np.isin(labels, kept)] = 0
    brats_fakes.write_case(tmp_path / "raw", NAMES[0], labels=labels)
    [case] = prepared.prepare(find(tmp_path / "raw"), tmp_path / "prepared")
    for row in case.centers[stands_in:]:
        np.testing.assert_array_equal(row, case.centers[stands_in])


# ---- once


def test_a_second_call_reads_nothing_and_prepares_only_what_is_new(raw, tmp_path, monkeypatch):
    first, folder = prepared.prepare(find(raw)[:2], tmp_path / "prepared"), tmp_path / "prepared"
    before, read = when(folder), []
    usual = prepared.load_case
    monkeypatch.setattr(prepared, "load_case", lambda case: read.append(case.name) or usual(case))
    again = prepared.prepare(find(raw), folder)
    assert read == [NAMES[2]]
    assert [contents(case) for case in again[:2]] == [contents(case) for case in first]
    assert {path: at for path, at in when(folder).items() if path in before} == before
    assert len(again) == 3 and [case.name for case in again] == list(NAMES)


def test_a_changed_source_is_prepared_again(raw, tmp_path):
    folder = tmp_path / "prepared"
    first = [contents(case) for case in prepared.prepare(find(raw), folder)]
    brats_fakes.write_case(raw, NAMES[1], seed=7)  # as many bytes as before
    second = [contents(case) for case in prepared.prepare(find(raw), folder)]
    assert [a == b for a, b in zip(first, second, strict=True)] == [True, False, True]


def test_who_still_holds_a_case_reads_what_was_prepared_last(tmp_path):
    held = prepare_box(tmp_path, np.zeros((2, 3, 4, 2), "float16"))
    os.utime(held.folder / "image.npy", ns=(0, 0))  # long ago, whatever the clock's steps are
    assert held.image.shape == (2, 3, 4, 2)
    turned = np.arange(48, dtype="float16").reshape(4, 3, 2, 2)  # as many bytes
    prepare_box(tmp_path, turned)
    assert held.image.tolist() == turned.tolist()


def test_of_two_that_prepare_one_case_the_second_leaves_what_the_first_wrote(raw, tmp_path):
    case = prepared.prepare(find(raw)[:1], tmp_path / "prepared")[0]
    source = files.read_json(case.folder / "case.json")["source"]
    before = when(case.folder)
    arrays = {name: np.array(getattr(case, name)) for name in ("image", "regions", "centers")}
    prepared.write(case, arrays, source)
    assert when(case.folder) == before
    prepared.write(case, arrays, {**source, "format": 0})
    assert when(case.folder) != before


def test_an_array_of_any_memory_order_is_read_as_it_was_written(tmp_path):
    columns_first = np.asfortranarray(np.arange(48, dtype="float16").reshape(2, 3, 4, 2))
    assert prepare_box(tmp_path, columns_first).image.tolist() == columns_first.tolist()


def prepare_box(folder, image):
    record = prepared.Prepared("a", "2020", ("flair",), (), (), (), folder / "a")
    others = {name: np.zeros((1, 1, 1, 3), "uint8") for name in ("regions", "centers")}
    prepared.write(record, {"image": image, **others}, {})
    return record


def test_another_format_of_the_kit_prepares_all_again(raw, tmp_path, monkeypatch):
    prepared.prepare(find(raw), tmp_path / "prepared")
    before = when(tmp_path / "prepared")
    monkeypatch.setattr(prepared, "_FORMAT", -1)
    prepared.prepare(find(raw), tmp_path / "prepared")
    after = when(tmp_path / "prepared")
    assert before.keys() == after.keys() and all(after[path] > before[path] for path in before)


def cut(path):
    path.write_bytes(path.read_bytes()[:-3])


def nan(path, other):
    """A copy in which one voxel is no number."""
    image = nibabel.load(path)
    values = image.get_fdata(dtype="float32")
    values[1, 1, 1] = np.nan
    nibabel.Nifti1Image(values, image.affine).to_filename(other)
    return other


def empty(path):
    path.write_bytes(b"")


def other_array(path):
    np.save(path, np.zeros((2, 2), "float32"))


def garbage(path):
    path.write_bytes(b"\x00{[" + os.urandom(20))


def listed(path):
    path.write_text("[]")


def half_json(path):
    path.write_text(path.read_text()[: len(path.read_text()) // 2])


DAMAGE = [
    (file, damage)
    for file in ("image.npy", "regions.npy", "centers.npy", "case.json")
    for damage in (cut, empty, garbage, Path.unlink)
] + [("image.npy", other_array), ("case.json", listed), ("case.json", half_json)]


@pytest.mark.parametrize("file, damage", DAMAGE)
def test_what_is_damaged_is_prepared_again(tmp_path, file, damage):
    brats_fakes.write_case(tmp_path / "raw", NAMES[0])
    cases, folder = find(tmp_path / "raw"), tmp_path / "prepared"
    [before] = [contents(case) for case in prepared.prepare(cases, folder)]
    written = (folder / NAMES[0] / "case.json").read_text()
    damage(folder / NAMES[0] / file)
    [after] = [contents(case) for case in prepared.prepare(cases, folder)]
    assert after == before and (folder / NAMES[0] / "case.json").read_text() == written


# ---- whole or not there

KILLED = """
import os, signal, sys
import numpy as np
from course import files
from course.datasets import brats
from course.datasets.brats import prepared
usual, written = np.save, []

def save(path, array):
    written.append(path)
    if len(written) == int(sys.argv[3]):
        path.write_bytes(array.tobytes()[:100])
        os.kill(os.getpid(), signal.SIGKILL)
    usual(path, array)

np.save = save
prepared.prepare(brats.find_cases(sys.argv[1], edition="2020"), sys.argv[2])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
def test_killed_it_loses_only_the_case_in_hand(raw, tmp_path):
    folder, cases = tmp_path / "prepared", find(raw)
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, raw, folder, "5"], cwd=ROOT, capture_output=True
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    [left] = folder.glob("*" + files.UNFINISHED)
    assert sorted(path.name for path in folder.iterdir()) == [NAMES[0], left.name]
    before = when(folder / NAMES[0])
    done = prepared.prepare(cases, folder)
    assert when(folder / NAMES[0]) == before
    fresh = prepared.prepare(cases, tmp_path / "fresh")
    for a, b in zip(done, fresh, strict=True):
        assert contents(a)[1:] == contents(b)[1:]
    assert left.exists()  # another process might be at work on it
    os.utime(left, (0, 0))
    prepared.prepare(cases, folder)
    assert sorted(path.name for path in folder.iterdir()) == list(NAMES)


def no_room(monkeypatch, at, error):
    """The disk is full at the `at`th array, after a part of it."""
    usual, written = np.save, []

    def save(path, array):
        written.append(path)
        if len(written) >= at:
            path.write_bytes(array.tobytes()[:100])
            raise error
        usual(path, array)

    monkeypatch.setattr(np, "save", save)


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left"), OSError("6720 requested and 4096 written")]
)
def test_a_full_disk_is_an_error_message_and_leaves_no_half_file(raw, tmp_path, monkeypatch, error):
    folder = tmp_path / "prepared"
    with monkeypatch.context() as patched:
        no_room(patched, at=5, error=error)
        with pytest.raises(
            CourseError, match="(?s)el disco está lleno .quedan.*se quedan: 1 de 3.casos"
        ) as caught:
            prepared.prepare(find(raw), folder)
    assert str(folder) in str(caught.value) and "Traceback" not in str(caught.value)
    assert [path.name for path in folder.iterdir()] == [NAMES[0]]
    before = when(folder)
    assert len(prepared.prepare(find(raw), folder)) == 3
    assert when(folder / NAMES[0]) == before


def test_a_full_disk_does_not_take_the_older_preparation_with_it(raw, tmp_path, monkeypatch):
    folder = tmp_path / "prepared"
    [before] = [contents(case) for case in prepared.prepare(find(raw)[:1], folder)]
    brats_fakes.write_case(raw, NAMES[0], seed=9)
    no_room(monkeypatch, at=2, error=OSError(errno.ENOSPC, "No space left"))
    with pytest.raises(CourseError, match="el disco está lleno"):
        prepared.prepare(find(raw)[:1], folder)
    assert contents(before[0]) == before


def test_a_limit_of_the_system_is_an_error_message_too(raw, tmp_path):
    resource = pytest.importorskip("resource")  # not on Windows
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8000, hard))  # image.npy has 13 kB
    try:
        with pytest.raises(CourseError, match="No se pudo escribir"):
            prepared.prepare(find(raw), tmp_path / "prepared")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert list((tmp_path / "prepared").iterdir()) == []


def test_ctrl_c_leaves_no_half_file(raw, tmp_path, monkeypatch):
    no_room(monkeypatch, at=2, error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        prepared.prepare(find(raw), tmp_path / "prepared")
    assert list((tmp_path / "prepared").iterdir()) == []


def test_a_file_in_the_folders_place_is_an_error_message(raw, tmp_path):
    (tmp_path / "prepared").write_text("mine")
    with pytest.raises(CourseError, match="No se pudo escribir"):
        prepared.prepare(find(raw), tmp_path / "prepared")
    assert (tmp_path / "prepared").read_text() == "mine"


def test_the_folder_of_the_cases_themselves_is_left_alone(raw):
    before = {path: path.read_bytes() for path in raw.rglob("*.nii")}
    with pytest.raises(CourseError, match="no son de un caso preparado"):
        prepared.prepare(find(raw), raw)
    assert {path: path.read_bytes() for path in raw.rglob("*") if path.is_file()} == before


# ---- one report


def test_one_report_names_what_cannot_be_used_and_the_rest_goes_on(raw, tmp_path):
    cases = find(raw)
    images, mask = cases[0].images, cases[0].mask
    cases += [
        brats.case("blind", "2020", images),
        brats.case("one", "2020", {"flair": images["flair"]}, mask),
        brats.case("../up", "2020", images, mask),
        brats.case("new", "2023", images, mask),  # its 4 is a label of 2020
        brats.case("nan", "2020", {**images, "t2": nan(images["t2"], tmp_path / "nan.nii")}, mask),
        cases[0],
    ]
    cut(cases[1].images["t1"])
    with pytest.warns(UserWarning, match="no se pueden preparar y quedan fuera: 7 de 9") as caught:
        done = prepared.prepare(cases, tmp_path / "prepared")
    assert [case.name for case in done] == [NAMES[0], NAMES[2]]
    assert len(done.problems) == 7 and len(caught) == 1
    report = str(caught[0].message)
    for name, reason in {
        NAMES[1]: "_t1.nii",
        "blind": "no tiene máscara",
        "one": "se esperaba flair, t1, t1ce, t2, como en la mayoría de los casos. Llegó: flair",
        NAMES[0]: "otro caso con ese nombre",
        "../up": "se esperaba un nombre",
        "new": "Etiquetas de la edición 2023",
        "nan": "nan.nii",
    }.items():
        [line] = [line for line in report.splitlines() if line.strip().startswith(f"{name}:")]
        assert reason in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["nan.nii", "prepared", "raw"]


def test_a_source_that_is_gone_is_named(raw, tmp_path):
    cases = find(raw)
    shutil.rmtree(raw / NAMES[0])
    with pytest.warns(UserWarning, match=f"(?s)1 de 3.*{NAMES[0]}.*ya no existe"):
        assert len(prepared.prepare(cases, tmp_path / "prepared")) == 2


def test_nothing_left_is_an_error_message(raw, tmp_path):
    cases = find(raw)
    shutil.rmtree(raw)
    with pytest.raises(
        CourseError, match=f"(?s)de 3.casos no se puede preparar ninguno.*{NAMES[0]}.*{NAMES[2]}"
    ):
        prepared.prepare(cases, tmp_path / "prepared")
    with pytest.raises(CourseError, match="la lista de casos está vacía"):
        prepared.prepare([], tmp_path / "prepared")


# ---- any number of cases


def test_memory_and_open_files_do_not_grow_with_the_number_of_cases(tmp_path):
    for number in range(6):
        brats_fakes.write_case(
            tmp_path / "raw", f"BraTS20_Training_{number:03}", shape=(40, 40, 40), seed=number
        )
    cases = find(tmp_path / "raw")
    prepared.prepare(cases[:1], tmp_path / "warm")
    peaks = []
    for count in (1, 6):
        tracemalloc.start()
        done = prepared.prepare(cases[:count], tmp_path / f"{count}")
        kept = [case.image[:2].sum() for case in done]
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert len(kept) == 6 and peaks[1] < 1.3 * peaks[0]
    opened = Path("/proc/self/fd")
    if opened.exists():
        assert not [fd for fd in opened.iterdir() if ".npy" in str(fd.resolve())]


def test_nothing_is_said_when_all_is_well(raw, tmp_path, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        prepared.prepare(find(raw), tmp_path / "prepared")
    assert capsys.readouterr().out == ""
