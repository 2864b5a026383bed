"""BraTS from its files to arrays and back: layouts, orientation, damage, splits."""

import gzip
import os
import shutil
import tracemalloc
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nibabel
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course import files, regions
from course.datasets import brats
from course.errors import CourseError
from course.spanish import count
from tests import brats_fakes
from tests.brats_fakes import MODALITIES, file_name, nifti, put, write_case

ONE, TWO = "BraTS20_Training_001", "BraTS20_Training_002"


@pytest.fixture
def one(tmp_path):
    """A case of BraTS 2020 and what was written, in stored axes."""
    written = write_case(tmp_path, ONE)
    return brats.find_cases(tmp_path)[0], written


def rewrite(folder, name, kind, data):
    path = Path(folder, name, file_name(name, kind))
    path.write_bytes(data)
    return path


# ---- find_cases


@pytest.mark.parametrize(
    "layout, name, patient",
    [
        ("2020", "BraTS20_Training_007", "BraTS20_Training_007"),
        ("2021", "BraTS2021_00495", "BraTS2021_00495"),
        ("2023", "BraTS-GLI-00012-001", "BraTS-GLI-00012"),
    ],
)
def test_each_layout_is_told_by_its_names(tmp_path, layout, name, patient):
    written = write_case(tmp_path / "some" / "where", name, layout)
    (case,) = brats.find_cases(tmp_path)
    assert (case.name, case.edition, case.patient) == (name, layout, patient)
    assert case.modalities == MODALITIES and case.grade is None and case.brain is None
    assert case.shape == (12, 14, 10) and case.spacing_mm == (1.0, 1.0, 1.0)
    np.testing.assert_array_equal(case.affine, brats_fakes.LPS)
    image, labels = brats.load_case(case)
    assert image.dtype == "float32" and labels.dtype == "uint8"
    for channel, kind in enumerate(MODALITIES):  # stored L, P, S: the kit's axes backwards
        np.testing.assert_array_equal(image[..., channel], written[kind].transpose(2, 1, 0))
    np.testing.assert_array_equal(labels, written["seg"].transpose(2, 1, 0))
    assert brats.find_cases(tmp_path / "some" / "where" / name) == [case]


def test_2024_is_told_from_2023_by_a_folder(tmp_path):
    write_case(tmp_path / "BraTS2024-GLI", "BraTS-GLI-02000-101", "2023", edition="2024")
    write_case(tmp_path / "a", "BraTS-GLI-00001-000", "2023")
    assert [case.edition for case in brats.find_cases(tmp_path)] == ["2023", "2024"]


def test_a_label_never_chooses_the_edition(tmp_path):
    labels = np.zeros((4, 4, 4), "uint8")
    labels[1] = 4
    write_case(tmp_path, "BraTS-GLI-00001-000", "2023", (4, 4, 4), labels=labels)
    (case,) = brats.find_cases(tmp_path)
    assert case.edition == "2023"
    with pytest.raises(CourseError, match="^BraTS-GLI-00001-000: .*Llegó también: 4"):
        brats.load_case(case)
    (case,) = brats.find_cases(tmp_path, edition="2024")
    assert brats.load_case(case)[1].max() == 4


def test_case_355_keeps_the_odd_name_of_its_mask(tmp_path):
    written = write_case(tmp_path, "BraTS20_Training_355")
    (case,) = brats.find_cases(tmp_path)
    assert case.mask.name == "W39_1998.09.19_Segm.nii"
    np.testing.assert_array_equal(brats.load_case(case)[1], written["seg"].transpose(2, 1, 0))


def test_grades_come_from_the_mapping_file(tmp_path):
    for name in (ONE, TWO):
        write_case(tmp_path, name)
    brats_fakes.write_mapping(tmp_path, {ONE: "HGG", "BraTS20_Training_009": "LGG"})
    assert [case.grade for case in brats.find_cases(tmp_path)] == ["HGG", None]
    (tmp_path / "name_mapping.csv").write_bytes(b"\xff\xfe\0,\n\0")
    assert [case.grade for case in brats.find_cases(tmp_path)] == [None, None]


def test_validation_cases_have_no_mask(tmp_path):
    write_case(tmp_path / "t", ONE)
    write_case(tmp_path / "v", "BraTS20_Validation_001", mask=False)
    case = brats.find_cases(tmp_path)[1]
    assert case.mask is None and brats.load_case(case)[1] is None


def test_cases_that_cannot_be_used_are_named_in_one_report(tmp_path):
    for number in range(1, 9):
        write_case(tmp_path, f"BraTS20_Training_00{number}")
    names = [f"BraTS20_Training_00{number}" for number in range(9)]
    os.remove(tmp_path / names[2] / file_name(names[2], "t1"))
    os.remove(tmp_path / names[3] / file_name(names[3], "seg"))
    rewrite(tmp_path, names[4], "t2", nifti(np.zeros((12, 14, 9), "i2")))
    shifted = np.array(brats_fakes.LPS)
    shifted[0, 3] -= 1
    rewrite(tmp_path, names[5], "seg", nifti(np.zeros((12, 14, 10), "u1"), shifted))
    rewrite(tmp_path, names[6], "t1ce", b"")
    rewrite(tmp_path, names[7], "flair", nifti(np.zeros((12, 14, 10, 2), "i2")))
    with pytest.warns(UserWarning) as caught:
        cases = brats.find_cases(tmp_path)
    assert [case.name for case in cases] == [names[1], names[8]]
    (report,) = (str(warning.message) for warning in caught)
    assert report.startswith(f"{tmp_path}: casos que no se pueden usar y quedan fuera: 6 de 8.\n")
    lines = report.splitlines()[1:]
    for line, number, words in zip(
        lines,
        range(2, 8),
        (
            "le falta t1",
            "le falta seg",
            "12 × 14 × 9 vóxeles, no 12 × 14 × 10",
            "_seg.nii, que está en otro lugar, hasta a 1,00 mm",
            "Llegó: un archivo vacío",
            "Llegó: 4 (12 × 14 × 10 × 2)",
        ),
        strict=True,
    ):
        assert names[number] in line and words in line
    for name in (names[1], names[8]):
        shutil.rmtree(tmp_path / name)
    with pytest.raises(
        CourseError, match="de 6.casos no se puede usar ninguno.\n  BraTS20_Training_002:"
    ):
        brats.find_cases(tmp_path)


def test_only_the_modalities_asked_for_are_needed(tmp_path):
    write_case(tmp_path, ONE, kinds=("t1ce", "flair"))
    (case,) = brats.find_cases(tmp_path, modalities=["t1ce", "flair"])
    assert case.modalities == ("flair", "t1ce")
    assert brats.load_case(case)[0].shape[-1] == 2
    for wrong in (["t1c"], "flair", []):
        with pytest.raises(
            CourseError, match="modalities: se esperaban algunas de flair, t1, t1ce, t2"
        ):
            brats.find_cases(tmp_path, modalities=wrong)


def test_of_two_equal_copies_the_higher_one_is_taken(tmp_path):
    write_case(tmp_path / "a", ONE)
    written = write_case(tmp_path, ONE)
    (case,) = brats.find_cases(tmp_path)
    assert case.images["t1"].parent == tmp_path / ONE
    np.testing.assert_array_equal(brats.load_case(case)[0][..., 1], written["t1"].T)


def test_a_folder_without_cases(tmp_path):
    put(tmp_path / "ana_flair.nii", b"")
    with pytest.raises(
        CourseError, match="no tiene ningún caso de BraTS.*\n  BraTS20_Training_001_flair"
    ):
        brats.find_cases(tmp_path)
    with pytest.raises(CourseError, match="que no existe"):
        brats.find_cases(tmp_path / "none")
    with pytest.raises(CourseError, match="que no existe"):
        brats.find_cases(tmp_path / "ana_flair.nii")
    with pytest.raises(CourseError, match="edition: se esperaba una de 2015, "):
        brats.find_cases(tmp_path, edition="2019")


# ---- the tar of 2021


def tar_files(numbers, folder="./"):
    for number in numbers:
        name = f"BraTS2021_{number:05d}"
        for kind in (*MODALITIES, "seg"):
            data = nifti(np.arange(24).reshape(2, 3, 4).astype("i2") % 2)
            yield f"{folder}{name}/{name}_{kind}.nii.gz", gzip.compress(data, 1)


def test_a_tar_is_unpacked_beside_itself_case_by_case(tmp_path, capsys):
    files = dict(tar_files([3, 1, 2])) | {"./readme.txt": b"x", "LICENSE.nii": b"x"}
    archive = brats_fakes.write_tar(tmp_path / "BraTS2021_Training_Data.tar", files)
    cases = brats.find_cases(archive)
    assert [case.name[-1] for case in cases] == ["1", "2", "3"]
    assert {case.edition for case in cases} == {"2021"}
    assert f"Desempaquetando {count(3, 'caso', 'casos')}, 0,0 MB, en" in capsys.readouterr().err
    assert brats.load_case(cases[0])[0].shape == (4, 3, 2, 4)
    folder = tmp_path / "BraTS2021_Training_Data"
    assert sorted(os.listdir(folder)) == [case.name for case in cases]
    stamp = os.stat(cases[0].mask).st_mtime_ns
    assert brats.find_cases(tmp_path) == cases and os.stat(cases[0].mask).st_mtime_ns == stamp
    assert capsys.readouterr().err == ""


def test_a_part_of_a_tar_goes_to_another_folder(tmp_path):
    archive = brats_fakes.write_tar(tmp_path / "data.tar", dict(tar_files(range(4), "")))
    folder = brats.unpack(archive, tmp_path / "few", n=2)
    assert [case.name for case in brats.find_cases(folder)] == [
        "BraTS2021_00000",
        "BraTS2021_00001",
    ]
    assert sorted(os.listdir(tmp_path)) == ["data.tar", "few"]


@pytest.mark.parametrize("evil", ["../", "/tmp/", "a/../../", "..\\"])
def test_a_tar_that_leads_outside_writes_nothing_there(tmp_path, evil):
    home = tmp_path / "home"
    home.mkdir()
    archive = brats_fakes.write_tar(
        home / "data.tar", dict(tar_files([1])) | dict(tar_files([2], evil))
    )
    cases = brats.find_cases(archive)
    assert [case.name for case in cases] == ["BraTS2021_00001", "BraTS2021_00002"]
    assert os.listdir(tmp_path) == ["home"] and sorted(os.listdir(home)) == ["data", "data.tar"]
    written = {path.relative_to(home / "data").as_posix() for path in home.rglob("*.nii.gz")}
    usual = [*tar_files([1], ""), *tar_files([2], "")]
    assert written == {name for name, _ in usual}
    assert not Path("/tmp/BraTS2021_00002").exists()


def test_a_link_in_a_tar_is_no_file_of_a_case(tmp_path):
    import tarfile

    with tarfile.open(tmp_path / "data.tar", "w") as archive:
        for kind in MODALITIES:
            link = tarfile.TarInfo(f"BraTS2021_00001/BraTS2021_00001_{kind}.nii.gz")
            link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
            archive.addfile(link)
    with pytest.raises(CourseError, match="no tiene ningún caso de BraTS"):
        brats.find_cases(tmp_path)
    assert os.listdir(tmp_path) == ["data.tar"]


def test_a_tar_that_is_cut_short(tmp_path):
    archive = brats_fakes.write_tar(tmp_path / "data.tar", dict(tar_files(range(3))))
    whole = archive.read_bytes()
    for size in (0, 300, len(whole) // 2 + 100):
        archive.write_bytes(whole[:size])
        with pytest.raises(CourseError, match="data.tar: se esperaba un .tar entero"):
            brats.find_cases(archive)
    assert not list(tmp_path.rglob(f"*{files.UNFINISHED}*"))


def test_two_may_unpack_at_once_and_what_a_killed_one_left_is_no_case(tmp_path):
    archive = brats_fakes.write_tar(tmp_path / "data.tar", dict(tar_files([1, 2])))
    write_case(tmp_path / "data", f"BraTS2021_00003.0a1b2c3d{files.UNFINISHED}", "2021")
    left = tmp_path / "data" / f"BraTS2021_00001.0a1b2c3d{files.UNFINISHED}"
    put(left / "BraTS2021_00001_flair.nii.gz", b"half")
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(brats.find_cases, [archive] * 4))
    assert all(cases == found[0] for cases in found)
    assert [case.name for case in found[0]] == ["BraTS2021_00001", "BraTS2021_00002"]
    assert brats.load_case(found[0][0])[0].shape == (4, 3, 2, 4)


def test_a_disk_without_room_for_the_tar(tmp_path, monkeypatch):
    archive = brats_fakes.write_tar(tmp_path / "data.tar", dict(tar_files(range(3))))
    usage = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(
        CourseError, match="no cabe en .*se esperaban .* MB libres. Llegó: 0 MB"
    ) as caught:
        brats.find_cases(archive)
    assert f'brats.unpack("{archive}", "CARPETA", n=20)' in str(caught.value)
    assert os.listdir(tmp_path) == ["data.tar"]


def test_a_place_where_no_tar_can_be_unpacked(tmp_path):
    archive = brats_fakes.write_tar(tmp_path / "data.tar", dict(tar_files([1])))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(CourseError, match="(?s)No se pudo escribir.*otra carpeta: brats.unpack"):
        brats.unpack(archive, tmp_path / "file" / "folder")
    assert (tmp_path / "file").read_text() == "mine"


# ---- files named by hand


def test_files_by_hand(tmp_path):
    written = write_case(tmp_path, ONE, edition="2015", kinds=("flair", "t1ce"))
    files = {kind: tmp_path / ONE / file_name(ONE, kind) for kind in ("t1ce", "flair")}
    brain = np.zeros((12, 14, 10), "i4")
    brain[4:8, 3:9, 2:7] = 1
    put(tmp_path / "b.nii.gz", nifti(brain, slope=0.9999999))
    mask = str(tmp_path / ONE / file_name(ONE, "seg"))
    case = brats.case("ana", "2015", files, mask=mask, brain=tmp_path / "b.nii.gz", grade="HGG")
    assert case.modalities == ("flair", "t1ce") and case.grade == "HGG"
    image, labels = brats.load_case(case)
    np.testing.assert_array_equal(image[..., 1], written["t1ce"].T)
    np.testing.assert_array_equal(brats.load_brain(case, image), brain.T == 1)
    assert set(np.unique(labels)) == {0, 2, 3, 4}


def test_what_by_hand_can_go_wrong(tmp_path):
    flair = put(tmp_path / "flair.nii", nifti(np.ones((3, 3, 3), "i2")))
    for images, edition, words in (
        ({"t1c": flair}, "2020", "Llegó: ['t1c']. ¿Querías decir t1ce?"),
        ({}, "2020", "ana, imágenes: se esperaban algunas de flair, t1, t1ce, t2. Llegó: []"),
        ({"flair": flair}, None, "edition: se esperaba una de"),
        ({"flair": tmp_path}, "2020", "Llegó: una carpeta"),
        ({"flair": flair, "t1": tmp_path / "none.nii"}, "2020", "Llegó: ningún archivo"),
    ):
        with pytest.raises(CourseError) as caught:
            brats.case("ana", edition, images)
        assert words in str(caught.value)


def test_two_scans_of_one_patient():
    for name, patient in (
        ("BraTS-GLI-00012-000", "BraTS-GLI-00012"),
        ("BraTS-GLI-00012-001", "BraTS-GLI-00012"),
        ("brats_2013_pat0003_1", "brats_2013_pat0003"),
        ("brats_tcia_pat105_0001", "brats_tcia_pat105"),
        ("BraTS20_Training_001", "BraTS20_Training_001"),
        ("ana", "ana"),
    ):
        assert named(name).patient == patient


# ---- load_case, load_brain


SPL_BY_HAND = {  # stored axes → where the voxel (i, j, k) of a grid (I, J, K) lies in the kit
    "LPS": lambda i, j, k, I, J, K: (k, j, i),  # noqa: E741
    "RAS": lambda i, j, k, I, J, K: (k, J - 1 - j, I - 1 - i),  # noqa: E741
    "PIR": lambda i, j, k, I, J, K: (J - 1 - j, i, K - 1 - k),  # noqa: E741
}


@pytest.mark.parametrize("codes", SPL_BY_HAND)
@pytest.mark.parametrize("gz", ["", ".gz"])
def test_a_marked_voxel_goes_out_and_comes_back(tmp_path, codes, gz):
    shape, sizes, at = (5, 7, 9), (0.5, 1.5, 3.0), (1, 2, 6)
    affine = _affine(codes, sizes)
    assert nibabel.aff2axcodes(affine) == tuple(codes)
    image, mask = np.zeros(shape, "i2"), np.zeros(shape, "u1")
    image[at], mask[at] = 100, 4
    case = brats.case(
        "ana",
        "2020",
        {"flair": put(tmp_path / f"flair.nii{gz}", nifti(image, affine))},
        mask=put(tmp_path / "seg.nii", nifti(mask, affine)),
    )
    found, labels = brats.load_case(case)
    expected = SPL_BY_HAND[codes](*at, *shape)
    assert np.argwhere(found[..., 0]).tolist() == [list(expected)]
    assert np.argwhere(labels).tolist() == [list(expected)]
    assert (
        case.spacing_mm == {"LPS": (3, 1.5, 0.5), "RAS": (3, 1.5, 0.5), "PIR": (1.5, 0.5, 3)}[codes]
    )
    written = nibabel.load(brats.save_mask(case, labels, tmp_path / f"out.nii{gz}"))
    assert written.shape == shape and written.get_data_dtype() == "uint8"
    assert np.argwhere(np.asanyarray(written.dataobj) == 4).tolist() == [list(at)]
    np.testing.assert_array_equal(written.affine, affine)
    assert written.header.get_zooms() == sizes


def _affine(codes, sizes):
    """The affine of a grid whose axes end at these codes, its first voxel at (10, 20, 30) mm."""
    affine = np.eye(4)
    affine[:3] = 0
    for axis, (code, size) in enumerate(zip(codes, sizes, strict=True)):
        row = next(row for row, pair in enumerate(("LR", "PA", "IS")) if code in pair)
        affine[row, axis] = size if code in "RAS" else -size
    affine[:3, 3] = 10, 20, 30
    return affine


@pytest.mark.parametrize(
    "kind, data, words",
    [
        (
            "flair",
            nifti(np.full((12, 14, 10), np.nan, "f4")),
            "NaN o infinito en 1680\u00a0vóxeles",
        ),
        ("t1", nifti(np.zeros((12, 14, 10), "i2")), "Llegó: 0 en todos sus vóxeles"),
        ("t2", nifti(np.ones((12, 14, 9), "i2")), "no es el mismo archivo que antes"),
        ("t2", nifti(np.ones((12, 14, 10), "i2"), np.eye(4)), "no es el mismo archivo que antes"),
        ("t1ce", nifti(np.ones((12, 14, 10), "i2"))[:-8], "cortado"),
        (
            "seg",
            nifti(np.full((12, 14, 10), 3, "u1")),
            "Llegó también: 3.\nQué hacer: busca en la página",
        ),
        ("seg", nifti(np.full((12, 14, 10), 1.5, "f4")), "Llegó: otros, como 1,50"),
        ("seg", nifti(np.full((12, 14, 10), -1, "i2")), "Llegó también: -1"),
        ("seg", nifti(np.full((12, 14, 10), 1e30, "f4")), "Llegó también: 1000000000"),
    ],
)
def test_wrong_content_is_a_message_with_the_case_s_name(one, tmp_path, kind, data, words):
    case, _ = one
    rewrite(tmp_path, ONE, kind, data)
    with pytest.raises(CourseError) as caught:
        brats.load_case(case)
    assert str(caught.value).startswith(f"{ONE}: ") and words in str(caught.value)


def test_labels_that_a_tool_stored_as_real_numbers(one, tmp_path):
    case, written = one
    near = written["seg"] * np.float32(0.99999)
    rewrite(tmp_path, ONE, "seg", nifti(near.astype("f4"), order=">"))
    np.testing.assert_array_equal(brats.load_case(case)[1], written["seg"].T)
    rewrite(tmp_path, ONE, "seg", nifti(written["seg"].astype("i2") * 2, slope=0.5))
    np.testing.assert_array_equal(brats.load_case(case)[1], written["seg"].T)


def test_a_file_that_is_gone(one, tmp_path):
    os.remove(one[0].images["t2"])
    with pytest.raises(CourseError, match=f"^{ONE}: .*Llegó: ningún archivo"):
        brats.load_case(one[0])


def test_the_brain_is_where_any_channel_is_not_0(one):
    case, written = one
    image, _ = brats.load_case(case)
    image[0, 0, 0] = 0, 0, 0, -1e-9
    expected = np.any([written[kind] != 0 for kind in MODALITIES], 0).T
    expected[0, 0, 0] = True
    np.testing.assert_array_equal(brats.load_brain(case, image), expected)


def test_a_brain_that_cannot_be_told(one, tmp_path):
    case, _ = one
    image, _ = brats.load_case(case)
    with pytest.raises(CourseError, match="no se quitó el cráneo, o ya están normalizadas"):
        brats.load_brain(case, image - 3)
    shifted = np.where(image == 0, -1024, image)  # but for a corner, as some programs leave it
    shifted[:2, :2, :2] = 0
    with pytest.raises(CourseError, match="imágenes con 0 en el 0,.* de sus vóxeles"):
        brats.load_brain(case, shifted)
    put(tmp_path / "b.nii", nifti(np.zeros((12, 14, 10), "u1")))
    case = brats.case(ONE, "2020", case.images, brain=tmp_path / "b.nii")
    with pytest.raises(CourseError, match="Llegó: una máscara vacía"):
        brats.load_brain(case, image)


@pytest.mark.parametrize("kind", ["i2", "f8"])
def test_memory_stays_below_twice_the_image(tmp_path, kind):
    shape = (60, 60, 50)
    volume = np.random.default_rng(0).integers(0, 900, shape).astype(kind)
    volume[:9] = 0  # background
    images = {m: put(tmp_path / f"{m}.nii.gz", nifti(volume, slope=0.5)) for m in MODALITIES}
    mask = put(tmp_path / "seg.nii.gz", nifti(np.zeros(shape, "u1")))
    case = brats.case("ana", "2020", images, mask=mask)
    image_bytes = 4 * 4 * np.prod(shape)

    def peak(call):
        tracemalloc.start()
        result = call()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return result, most

    (image, _), loading = peak(lambda: brats.load_case(case))
    brain = brats.load_brain(case, image)
    _, normalising = peak(lambda: brats.normalize(image, brain))
    assert loading < 2 * image_bytes
    assert normalising < 2.2 * image_bytes


# ---- normalize


def test_normalize_with_a_pencil():
    image = np.array([[0, 0], [1, 5], [3, 5], [5, 5]], "int16")  # mean 3, variance 8/3
    found = brats.normalize(image)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found[:, 0], [0, -1.2247449, 0, 1.2247449], rtol=1e-6)
    assert found[:, 1].tolist() == [0, 0, 0, 0]
    found = brats.normalize(image, [False, True, False, True])
    assert found[:, 0].tolist() == [0, -1, 0, 1]


def test_normalize_nothing():
    assert brats.normalize(np.zeros((2, 3, 4, 2))).tolist() == np.zeros((2, 3, 4, 2)).tolist()
    assert not brats.normalize(np.ones((2, 2)), [False, False]).any()


@given(
    scale=st.floats(1e-3, 1e4), shift=st.floats(-1e3, 1e3), seed=st.integers(0, 99)
)  # fmt: skip
@settings(deadline=None)
def test_normalize_does_not_care_for_unit_and_offset(scale, shift, seed):
    rng = np.random.default_rng(seed)
    image = rng.normal(size=(4, 5, 6, 2))
    brain = rng.random((4, 5, 6)) < 0.5
    found = brats.normalize(image * scale + shift, brain)
    np.testing.assert_allclose(found, brats.normalize(image, brain), atol=1e-5)
    inside = found[brain].astype("float64")
    np.testing.assert_allclose(inside.mean(0), 0, atol=1e-6)
    np.testing.assert_allclose(inside.std(0), 1, atol=1e-6)
    assert not found[~brain].any()


def test_normalize_is_given_something_else():
    with pytest.raises(ValueError, match="Expected a brain of shape"):
        brats.normalize(np.ones((2, 3, 1)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="Expected finite numbers. Received: NaN"):
        brats.normalize(np.array([[1.0], [np.nan]]))


# ---- save_mask


def test_a_mask_is_not_written_over_the_case(one, tmp_path):
    case, _ = one
    labels = np.zeros((10, 14, 12), "uint8")
    before = {path: path.read_bytes() for path in (*case.images.values(), case.mask)}
    os.symlink(case.mask, tmp_path / "link.nii")
    os.link(case.images["t1"], tmp_path / "hard.nii")
    for path in (*before, tmp_path / "link.nii", tmp_path / "hard.nii"):
        with pytest.raises(CourseError, match=f"es un archivo del propio {ONE}"):
            brats.save_mask(case, labels, path)
    assert before == {path: path.read_bytes() for path in before}


def test_a_mask_with_a_label_that_the_edition_does_not_know(one, tmp_path):
    with pytest.raises(CourseError, match="Llegó también: 3"):
        brats.save_mask(one[0], np.full((10, 14, 12), 3), tmp_path / "out.nii")
    assert not (tmp_path / "out.nii").exists()


def test_probabilities_are_no_mask(one, tmp_path):
    with pytest.raises(ValueError, match="integer dtype. Received: dtype float32"):
        brats.save_mask(one[0], np.full((10, 14, 12), 0.9, "float32"), tmp_path / "out.nii")
    assert not (tmp_path / "out.nii").exists()


def test_regions_go_through_a_file_and_come_back(tmp_path):
    for layout, name in (("2020", ONE), ("2023", "BraTS-GLI-00001-000")):
        write_case(tmp_path / layout, name, layout)
        (case,) = brats.find_cases(tmp_path / layout)
        _, labels = brats.load_case(case)
        joined = regions.to_regions(labels, case.edition)
        path = tmp_path / f"{layout}.nii.gz"
        brats.save_mask(case, regions.from_regions(joined, case.edition), path)
        again = brats.case("again", layout, case.images, mask=path)
        np.testing.assert_array_equal(brats.load_case(again)[1], labels)


# ---- volumes, split


def test_volumes_come_one_by_one_and_name_what_is_left_out(tmp_path):
    for name in (ONE, TWO, "BraTS20_Training_003"):
        write_case(tmp_path, name)
    cases = brats.find_cases(tmp_path)
    rewrite(tmp_path, TWO, "seg", nifti(np.full((12, 14, 10), 3, "u1")))
    with pytest.warns(UserWarning) as caught:
        found = list(brats.volumes(cases))
    assert [volume.name for volume in found] == [ONE, "BraTS20_Training_003"]
    (warning,) = caught
    assert "no se pueden leer y quedan fuera: 1 de 3." in str(warning.message) and TWO in str(
        warning.message
    )
    first = found[0]
    assert (first.image.shape, first.labels.shape) == ((10, 14, 12, 4), (10, 14, 12))
    assert (first.edition, first.spacing_mm) == ("2020", (1.0, 1.0, 1.0))
    image, labels = brats.load_case(cases[0])
    np.testing.assert_array_equal(first.labels, labels)
    np.testing.assert_array_equal(first.image, brats.normalize(image))
    with pytest.raises(CourseError, match="de 1.caso no se puede leer ninguno"):
        list(brats.volumes([cases[1]]))
    assert list(brats.volumes([])) == []


def named(name, grade=None):
    return brats.Case(name, "2020", {}, None, None, np.eye(4), (1, 1, 1), (1, 1, 1), grade)


scans = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 3), st.sampled_from(["HGG", "LGG", None])),
    min_size=2,
    max_size=60,
    unique_by=lambda scan: scan[:2],
)


@given(scans=scans, fraction=st.floats(0.01, 0.99), seed=st.integers(0, 9))
@settings(max_examples=200, deadline=None)
def test_no_patient_is_on_two_sides(scans, fraction, seed):
    cases = [named(f"BraTS-GLI-{who:05d}-{when:03d}", grade) for who, when, grade in scans]
    patients = {who for who, _, _ in scans}
    if len(patients) < 2:
        with pytest.raises(CourseError, match="de dos pacientes o más.*Llegó: 1"):
            brats.split(cases, fraction, seed)
        return
    train, held_out = brats.split(cases, fraction, seed)
    sides = [{case.patient for case in side} for side in (train, held_out)]
    assert not sides[0] & sides[1] and all(sides)
    assert sorted(c.name for c in train + held_out) == sorted(c.name for c in cases)
    assert len(sides[1]) == min(max(round(fraction * len(patients)), 1), len(patients) - 1)
    again = brats.split(cases[::-1], fraction, seed)
    assert [c.name for c in again[0]] == [c.name for c in train[::-1]]


@given(
    high=st.integers(0, 40), low=st.integers(0, 40), fraction=st.floats(0.05, 0.95),
    seed=st.integers(0, 99),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_each_grade_is_held_out_alike(high, low, fraction, seed):
    cases = [named(f"H{i}", "HGG") for i in range(high)] + [
        named(f"L{i}", "LGG") for i in range(low)
    ]
    if len(cases) < 2:
        return
    _, held_out = brats.split(cases, fraction, seed)
    for grade, n in (("HGG", high), ("LGG", low)):
        share = n * len(held_out) / len(cases)
        assert abs(sum(case.grade == grade for case in held_out) - share) < 1


def test_every_patient_is_held_out_by_some_seed():
    cases = [named(f"P{i}", "HGG" if i else "LGG") for i in range(5)]
    counts = dict.fromkeys((case.name for case in cases), 0)
    for seed in range(300):
        counts[brats.split(cases, 0.2, seed)[1][0].name] += 1
    assert all(30 < count < 90 for count in counts.values())  # 60 of each, were it even


def test_a_fraction_that_is_none():
    with pytest.raises(ValueError, match="Expected a fraction between 0 and 1. Received: 1"):
        brats.split([named("a"), named("b")], 1)


# ---- bytes changed


@given(at=st.integers(0, 399), new=st.integers(0, 255), kind=st.sampled_from(["t1", "seg"]))
@settings(max_examples=200, deadline=None)
def test_a_case_with_a_changed_byte(tmp_path_factory, at, new, kind):
    folder = tmp_path_factory.getbasetemp() / "changed"
    shape = (2, 3, 4)
    good = {k: nifti(np.arange(24, dtype="i2").reshape(shape) % 5) for k in MODALITIES}
    good["seg"] = nifti((np.arange(24) % 3).astype("i2").reshape(shape))
    data = bytearray(good[kind])
    data[at] = new
    for key, value in (good | {kind: bytes(data)}).items():
        put(folder / ONE / file_name(ONE, key), value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            image, labels = brats.load_case(brats.find_cases(folder)[0])
        except CourseError as error:
            assert ONE in str(error)
            return
    stored = nibabel.load(folder / ONE / file_name(ONE, kind)).get_fdata()
    stored = stored.reshape(shape).transpose(2, 1, 0)  # a fourth axis of 1 is left out
    found = labels if kind == "seg" else image[..., 1]
    np.testing.assert_allclose(found, stored, rtol=1e-5, atol=1e-3)


# ---- the real cases


@pytest.fixture
def real():
    folder = os.environ.get("COURSE_TEST_DATA")
    if not folder or not Path(folder, "brats2015").is_dir():
        pytest.skip("COURSE_TEST_DATA does not name a folder with brats2015")
    return sorted(Path(folder, "brats2015").glob("brats_*"))


@pytest.mark.realdata
def test_the_real_cases(real, tmp_path):
    assert len(real) == 4
    folder = real[0]
    case = brats.case(
        folder.name,
        "2015",
        {
            "flair": folder / "Flair_subtrMeanDivStd.nii.gz",
            "t1ce": folder / "T1c_subtrMeanDivStd.nii.gz",
        },
        mask=folder / "OTMultiClass.nii.gz",
        brain=folder / "brainmask.nii.gz",
    )
    assert case.shape == (240, 240, 155) and case.patient == "brats_2013_pat0003"
    image, labels = brats.load_case(case)
    for channel, path in enumerate(case.images.values()):
        stored = np.asanyarray(nibabel.load(path).dataobj)
        np.testing.assert_array_equal(image[..., channel], stored.transpose(2, 1, 0))
    assert set(np.unique(labels)) == {0, 1, 2, 3, 4}
    brain = brats.load_brain(case, image)
    assert brain[labels > 0].mean() > 0.99 and 0.1 < brain.mean() < 0.3
    inside = brats.normalize(image, brain)[brain].astype("float64")
    np.testing.assert_allclose(inside.std(0), 1, atol=1e-5)
    with pytest.raises(
        CourseError, match="nombra una máscara del cerebro"
    ):  # its background is not 0
        brats.load_brain(brats.case("x", "2015", case.images), image)
    written = nibabel.load(brats.save_mask(case, labels, tmp_path / "mask.nii.gz"))
    expert = nibabel.load(case.mask)
    np.testing.assert_array_equal(written.affine, expert.affine)
    np.testing.assert_array_equal(written.get_fdata(), expert.get_fdata())
