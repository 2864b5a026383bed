"""A few cases of BraTS, file by file, through the real kagglehub client and a stub of Kaggle."""

import os
import types
from pathlib import Path

import numpy as np
import pytest

from course.datasets import brats, catalog
from course.datasets.download import answers
from course.errors import CourseError
from course.spanish import SPACE
from tests.brats_fakes import MODALITIES, file_name, write_case, write_mapping
from tests.kaggle_stub import KaggleStub

HANDLE = "awsaf49/brats20-dataset-training-validation"
HOME = "BraTS2020_TrainingData/MICCAI_BraTS2020_TrainingData"
NAMES = [f"BraTS20_Training_{number:03d}" for number in (1, 2, 3, 4)]
KINDS = (*MODALITIES, "seg")


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    """What Kaggle holds, `{path: bytes}`: four cases and the table of grades."""
    folder = tmp_path_factory.mktemp("kaggle")
    for seed, name in enumerate(NAMES):
        write_case(folder / HOME, name, shape=(6, 7, 5), seed=seed)
    write_mapping(folder / HOME, dict(zip(NAMES, ["HGG", "LGG", "HGG", "HGG"], strict=True)))
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def kaggle(tmp_path, monkeypatch, archive):
    """The stub, serving them; afterwards: nothing tried to leave this machine."""
    # kagglehub reads the source of every caller for its User-Agent; under pytest that is slow
    monkeypatch.setattr("kagglehub.clients.search_lib_in_call_stack", lambda name: None)
    monkeypatch.setattr(answers, "time", types.SimpleNamespace(sleep=lambda seconds: None))
    with KaggleStub() as stub:
        stub.serve(HANDLE, archive)
        for name, value in stub.environment(tmp_path / "home").items():
            monkeypatch.setenv(name, value)
        yield stub
    assert stub.egress == []


def asked_for(kaggle):
    """The files that Kaggle was asked for, without their folders."""
    return [
        request.body["fileName"].rpartition("/")[2]
        for request in kaggle.requests
        if request.name == "DownloadDataset"
    ]


def plain(text):
    """With ordinary spaces, as one would type it."""
    return text.replace(SPACE, " ")


def files_of(*names):
    return [file_name(name, kind) for name in names for kind in KINDS]


def test_just_these_cases_come_file_by_file(kaggle, capsys, archive):
    cases = brats.fetch_cases(2)
    assert [(case.name, case.grade) for case in cases] == [(NAMES[0], "HGG"), (NAMES[1], "LGG")]
    assert asked_for(kaggle) == [*files_of(*NAMES[:2]), "name_mapping.csv"]
    assert {request.body.get("datasetVersionNumber") for request in kaggle.requests} <= {1, None}
    for case in cases:
        for kind, path in (*case.images.items(), ("seg", case.mask)):
            inside = f"{HOME}/{case.name}/{file_name(case.name, kind)}"
            assert path.read_bytes() == archive[inside]
        image, labels = brats.load_case(case)
        assert image.shape == (5, 7, 6, 4) and labels.any()
    said = capsys.readouterr().err
    # 10 files of 240 × 240 × 155 voxels of two bytes: 178,560,000
    assert "BraTS 2020, 2 casos, 10 archivos: unos 0,18 GB por descargar en" in plain(said)


def test_cases_by_name_and_no_others(kaggle):
    cases = brats.fetch_named([NAMES[3], NAMES[1]])
    assert sorted((case.name, case.grade) for case in cases) == [
        (NAMES[1], "LGG"),
        (NAMES[3], "HGG"),
    ]
    assert asked_for(kaggle) == [*files_of(NAMES[3], NAMES[1]), "name_mapping.csv"]


def test_a_name_that_no_case_has(kaggle):
    with pytest.raises(
        CourseError, match="el caso BraTS20_Training_370. Se esperaban nombres de"
    ) as e:
        brats.fetch_named([NAMES[0], "BraTS20_Training_370"])
    assert "BraTS20_Training_001 a BraTS20_Training_369" in str(e.value)
    assert kaggle.requests == []


def test_what_is_here_costs_no_request_and_works_offline(kaggle, capsys):
    first = brats.fetch_cases(2)
    kaggle.requests.clear()
    kaggle.fail(503, times=99)
    capsys.readouterr()
    assert brats.fetch_cases(2) == first and brats.fetch_cases(1) == first[:1]
    assert kaggle.requests == [] and capsys.readouterr().err == ""


def test_more_cases_fetch_only_what_is_missing(kaggle, capsys):
    brats.fetch_cases(1)
    kaggle.requests.clear()
    assert len(brats.fetch_cases(3)) == 3
    assert asked_for(kaggle) == files_of(*NAMES[1:3])
    said = plain(capsys.readouterr().err)
    assert "3 casos, 10 archivos: unos 0,18 GB por descargar" in said
    assert "; 5 archivos ya están aquí" in said


def test_it_goes_on_where_it_was_interrupted(kaggle, tmp_path, monkeypatch):
    write_case(tmp_path / HOME, NAMES[0], shape=(110, 100, 100))  # kagglehub keeps whole MiB
    paths = (tmp_path / HOME / NAMES[0]).iterdir()
    kaggle.serve(HANDLE, {f"{HOME}/{NAMES[0]}/{p.name}": p.read_bytes() for p in paths})

    def control_c(seconds):
        raise KeyboardInterrupt

    kaggle.cut(1_500_000)
    monkeypatch.setattr(answers, "time", types.SimpleNamespace(sleep=control_c))
    with pytest.raises(KeyboardInterrupt):
        brats.fetch_cases(1)
    assert asked_for(kaggle) == [file_name(NAMES[0], "flair")]
    monkeypatch.setattr(answers, "time", types.SimpleNamespace(sleep=lambda seconds: None))
    kaggle.requests.clear()
    with pytest.warns(UserWarning, match="ningún caso tiene grado"):
        (case,) = brats.fetch_cases(1)
    resumed = [r.headers["Range"] for r in kaggle.requests if r.headers.get("Range")]
    assert resumed == ["bytes=1048576-"]
    assert brats.load_case(case)[0].shape == (100, 100, 110, 4)


def test_the_same_messages_and_retries_as_fetch(kaggle, capsys):
    kaggle.fail(503, times=2)
    assert len(brats.fetch_cases(1)) == 1
    assert capsys.readouterr().err.count("Otro intento en") == 2
    kaggle.fail(403, times=99)
    with pytest.raises(CourseError) as caught:
        brats.fetch_cases(2)
    message = str(caught.value)
    assert f"Se pidió: {HOME}/{NAMES[1]}/{NAMES[1]}_flair.nii, para guardarlo en" in message
    assert "Kaggle responde 403" in message and "--source CARPETA" in message


def test_a_deleted_or_damaged_file_is_fetched_again(kaggle):
    (case,) = brats.fetch_cases(1)
    os.remove(case.images["t2"])
    case.mask.write_bytes(case.mask.read_bytes()[:200])
    kaggle.requests.clear()
    (again,) = brats.fetch_cases(1)
    assert asked_for(kaggle) == [file_name(NAMES[0], kind) for kind in ("t2", "seg")]
    assert brats.load_case(again)[1].any()


def test_case_355_is_asked_for_under_its_own_name():
    from course.datasets.brats import fetch

    info = catalog.get("brats2020")
    folder = info.cases.replace("*", "355")
    assert fetch._files(info, folder, ("flair", "seg")) == [
        f"{folder}/BraTS20_Training_355_flair.nii",
        f"{folder}/W39_1998.09.19_Segm.nii",
    ]


def test_without_the_table_of_grades_the_cases_come_all_the_same(kaggle, archive):
    kaggle.serve(HANDLE, {name: data for name, data in archive.items() if "mapping" not in name})
    with pytest.warns(UserWarning, match="ningún caso tiene grado .HGG, LGG.: Kaggle responde 404"):
        cases = brats.fetch_cases(1)
    assert [case.grade for case in cases] == [None]


def test_a_mounted_data_set_is_used_as_it_is(kaggle, tmp_path, monkeypatch, archive, capsys):
    for name, data in archive.items():
        path = tmp_path / "input" / "datasets" / HANDLE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    monkeypatch.setenv("KAGGLE_CACHE_MOUNT_FOLDER", str(tmp_path / "input"))
    cases = brats.fetch_cases(3)
    assert [case.grade for case in cases] == ["HGG", "LGG", "HGG"]
    assert kaggle.requests == [] and capsys.readouterr().err == ""
    np.testing.assert_array_equal(brats.load_case(cases[0])[0].shape, (5, 7, 6, 4))


@pytest.mark.parametrize("n", [0, -1, 370, 2.5, "3", True, None])
def test_how_many_cases_there_can_be(n):
    with pytest.raises(CourseError, match="n: se esperaba cuántos casos, de 1 a 369. Llegó"):
        brats.fetch_cases(n)


def test_editions_that_kaggle_does_not_have_case_by_case():
    with pytest.raises(CourseError) as caught:
        brats.fetch_cases(3, edition="2021")
    message = str(caught.value)
    assert "un solo tar de 1251 casos" in message and "data fetch brats2021" in message
    assert 'brats.fetch_cases(10, edition="2020")' in message
    with pytest.raises(CourseError, match="BraTS 2023 no está en el catálogo"):
        brats.fetch_cases(3, edition="2023")
    with pytest.raises(CourseError, match="edition: se esperaba una de 2015"):
        brats.fetch_cases(3, edition="2019")


def test_only_the_modalities_asked_for_are_downloaded(kaggle, capsys):
    (case,) = brats.fetch_cases(1, modalities=("t1ce", "flair"))
    assert case.modalities == ("flair", "t1ce")
    assert asked_for(kaggle) == [
        *(file_name(NAMES[0], kind) for kind in ("flair", "t1ce", "seg")),
        "name_mapping.csv",
    ]
    assert "1 caso, 3 archivos: unos 0,05 GB" in plain(capsys.readouterr().err)


def test_an_unknown_modality_costs_no_request(kaggle):
    with pytest.raises(
        CourseError, match="modalities: se esperaban algunas de flair, t1, t1ce, t2"
    ):
        brats.open_cases("kaggle", 1, ("flare",))
    assert kaggle.requests == []


def test_cases_as_a_lesson_asks_for_them(kaggle, tmp_path, monkeypatch):
    write_case(tmp_path / "mine", "BraTS2021_00001", layout="2021")
    write_case(tmp_path / "mine", "BraTS2021_00002", layout="2021")
    (own,) = brats.open_cases(tmp_path / "mine", 1, ("t2",))
    assert (own.name, own.edition, own.modalities) == ("BraTS2021_00001", "2021", ("t2",))
    (fetched,) = brats.open_cases("kaggle", 1)
    assert (fetched.name, fetched.modalities) == (NAMES[0], brats.MODALITIES)
    with pytest.raises(CourseError, match="¿Querías decir sample"):
        brats.open_cases("sampel")


@pytest.mark.parametrize("name", ["sample", "kaggle"])
def test_a_folder_of_one_s_own_may_have_the_name_of_a_source(kaggle, tmp_path, monkeypatch, name):
    write_case(tmp_path / name, "BraTS2021_00001", layout="2021")
    monkeypatch.chdir(tmp_path)
    for source in (f"./{name}", Path(name), str(tmp_path / name)):
        assert [case.name for case in brats.open_cases(source)] == ["BraTS2021_00001"]
    assert kaggle.requests == []
