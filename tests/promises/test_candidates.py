"""Of several files, labels, folders or patients the safe one is taken by a rule, or all named."""

import gzip
import itertools
import os
import re
import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from course import files, regions
from course.datasets import brats
from course.datasets.brats import prepared
from course.datasets.brats.case import chosen
from course.errors import CourseError
from tests import brats_fakes
from tests.brats_fakes import MODALITIES, file_name, nifti, put, write_case

ONE, TWO, ODD = (f"BraTS20_Training_{number}" for number in ("001", "002", "355"))


def mask_of(folder, name=ONE):
    (case,) = (case for case in brats.find_cases(folder) if case.name == name)
    return case.mask


def told(folder, kind=UserWarning, **options):
    """The cases of a folder, and the one warning about it."""
    with pytest.warns(kind) as caught:
        cases = brats.find_cases(folder, **options)
    (warning,) = caught
    return cases, str(warning.message)


def no_tumour(path, like, name=None):
    """What a network may have answered, under an expert's name."""
    return put(path / file_name(name or ONE, "seg"), nifti(np.zeros_like(like)))


# ---- files of one case come from one folder


@pytest.mark.parametrize(
    "answers", ["predicciones", "z/deep/er", ".", f"a/{ONE}", f"set/{ONE}/pred", "set"]
)
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_a_prediction_with_a_mask_s_name_is_never_the_expert_s(tmp_path, answers, ending):
    written = write_case(tmp_path / "set", ONE)
    expert = tmp_path / "set" / ONE / file_name(ONE, "seg")
    put(tmp_path / answers / f"{expert.name}{ending}", nifti(np.zeros_like(written["seg"])))
    (case,) = brats.find_cases(tmp_path)
    assert case.mask == expert
    np.testing.assert_array_equal(brats.load_case(case)[1], written["seg"].T)


def test_a_case_without_a_mask_gets_none_from_elsewhere_and_the_place_is_named(tmp_path):
    name = "BraTS20_Validation_001"
    written = write_case(tmp_path / "v", name, mask=False)
    answer = no_tumour(tmp_path / "answers", written["seg"], name)
    cases, text = told(tmp_path)
    assert cases[0].mask is None and f"la máscara de {name}, y {answer} no está en" in text
    (home,) = re.findall(r"no está en (.*), junto a", text)
    shutil.move(answer, home)  # what the message says, if it is the expert's
    assert mask_of(tmp_path, name) == Path(home) / answer.name


def test_a_mask_that_is_missing_beside_its_images_is_not_taken_from_elsewhere(tmp_path):
    for name in (ONE, TWO):
        written = write_case(tmp_path, name, mask=name == ONE)
    answer = no_tumour(tmp_path / "answers", written["seg"], TWO)
    cases, text = told(tmp_path)
    assert [case.name for case in cases] == [ONE]
    assert f"{TWO}: le falta seg, y {answer} no está en {tmp_path / TWO}" in text


def test_images_of_two_folders_are_no_case(tmp_path):
    write_case(tmp_path, ONE)
    write_case(tmp_path, TWO)
    elsewhere = tmp_path / "t1" / file_name(TWO, "t1")
    elsewhere.parent.mkdir()
    shutil.move(tmp_path / TWO / elsewhere.name, elsewhere)
    cases, text = told(tmp_path)
    assert [case.name for case in cases] == [ONE]
    assert f"{TWO}: le falta t1, y {elsewhere} no está en {tmp_path / TWO}" in text
    assert len(brats.find_cases(tmp_path, modalities=["flair", "t2"])) == 2


@pytest.mark.parametrize("kind", ["flair", "seg"])
def test_a_file_twice_in_a_folder_holds_the_same_or_both_are_named(tmp_path, kind):
    write_case(tmp_path, ONE)
    plain = tmp_path / ONE / file_name(ONE, kind)
    packed = put(Path(f"{plain}.gz"), plain.read_bytes())
    (case,) = brats.find_cases(tmp_path)
    assert plain in (case.mask, *case.images.values())
    put(packed, plain.read_bytes()[:-1] + b"\1")
    with pytest.raises(CourseError, match="no son iguales") as caught:
        brats.find_cases(tmp_path)
    assert str(plain) in str(caught.value) and str(packed) in str(caught.value)
    packed.unlink()  # what the message says
    assert len(brats.find_cases(tmp_path)) == 1


def test_the_mask_of_case_355_and_an_answer_beside_it(tmp_path):
    written = write_case(tmp_path, ODD)
    answer = put(tmp_path / ODD / f"{ODD}_seg.nii", nifti(np.zeros_like(written["seg"])))
    with pytest.raises(CourseError, match=f"W39_1998.09.19_Segm.nii.*{answer.name}|no son iguales"):
        brats.find_cases(tmp_path)


@pytest.mark.parametrize("changed", [None, "seg", "t2"])
def test_two_copies_of_a_case_hold_the_same_or_both_are_named(tmp_path, changed):
    write_case(tmp_path, TWO)
    written = write_case(tmp_path, ONE)
    copy = shutil.copytree(tmp_path / ONE, tmp_path / "copy" / ONE)
    for path in copy.iterdir():  # packed, as another program left them
        put(Path(f"{path}.gz"), path.read_bytes())
        path.unlink()
    if changed:
        put(copy / f"{file_name(ONE, changed)}.gz", nifti(written[changed] // 2))
        cases, text = told(tmp_path)
        assert [case.name for case in cases] == [TWO]
        assert f"{tmp_path / ONE / file_name(ONE, changed)} y {copy}" in text
    else:
        assert {case.images["t1"].parent for case in brats.find_cases(tmp_path)} == {
            tmp_path / ONE,
            tmp_path / TWO,
        }


def test_of_equal_copies_the_one_with_a_mask_is_taken(tmp_path):
    written = write_case(tmp_path / "a" / "b", ONE)
    write_case(tmp_path, ONE, mask=False)
    (case,) = brats.find_cases(tmp_path)
    assert case.mask.parent == tmp_path / "a" / "b" / ONE
    np.testing.assert_array_equal(brats.load_case(case)[1], written["seg"].T)


def tar_of(number, folder, value=0, kinds=(*MODALITIES, "seg")):
    name = f"BraTS2021_{number:05d}"
    data = gzip.compress(nifti(np.arange(24).reshape(2, 3, 4).astype("i2") % 2 + value), 1)
    return {f"{folder}/{name}_{kind}.nii.gz": data for kind in kinds}


@pytest.mark.parametrize("first", [True, False])
def test_in_a_tar_a_prediction_is_not_the_expert_s(tmp_path, first):
    parts = [tar_of(1, "set/BraTS2021_00001"), tar_of(1, "answers", 3, ["seg"])]
    members = dict(itertools.chain(*(part.items() for part in parts[:: -1 if first else 1])))
    (case,) = brats.find_cases(brats_fakes.write_tar(tmp_path / "data.tar", members))
    assert brats.load_case(case)[1].max() == 1


# ---- hints never propose what would pass silently and be wrong


@pytest.mark.parametrize(
    "layout, name, labels, right",
    [
        ("2021", "BraTS2021_00001", [0, 1, 2, 3], "2023"),
        ("2023", "BraTS-GLI-00001-000", [0, 1, 2, 3, 4], "2024"),
        ("2023", "BraTS-SSA-00001-000", [0, 3, 4], "2024"),
    ],
)
def test_an_edition_that_is_sure_is_named_and_it_is_right(tmp_path, layout, name, labels, right):
    mask = np.resize(labels, (4, 4, 4)).astype("uint8")
    write_case(tmp_path, name, layout, (4, 4, 4), labels=mask)
    with pytest.raises(CourseError) as caught:
        brats.load_case(brats.find_cases(tmp_path)[0])
    (said,) = re.findall(r'edition="(\w+)"', str(caught.value))
    assert said == right
    (case,) = brats.find_cases(tmp_path, edition=said)  # what the message says
    found = brats.load_case(case)[1]
    enhancing = regions.to_regions(found, said)[..., 2]
    np.testing.assert_array_equal(enhancing, found == 3)


def test_old_labels_in_files_that_were_named_anew_are_not_called_2024_s(tmp_path):
    mask = np.resize([0, 1, 2, 4], (4, 4, 4)).astype("uint8")  # as 2021 numbers them
    write_case(tmp_path, "BraTS-GLI-00001-000", "2023", (4, 4, 4), labels=mask)
    with pytest.raises(
        CourseError, match="(?s)El 4 es .* en 2015, 2020, 2021; .*la resección en 2024"
    ) as caught:
        brats.load_case(brats.find_cases(tmp_path)[0])
    assert 'edition="' not in str(caught.value)


def test_no_other_message_about_labels_names_an_edition_to_take():
    for name in regions.EDITIONS:
        for size in range(1, 6):
            for labels in itertools.combinations(range(6), size):
                try:
                    regions.check_labels(np.array(labels), name)
                except CourseError as error:
                    said = re.findall(r'edition="(\w+)"', str(error))
                    assert said in ([], [{"2021": "2023", "2023": "2024"}.get(name)])
                    if not said and 5 not in labels:
                        for strange in set(labels) - set(regions.EDITIONS[name].labels):
                            # the student sees what it would mean
                            assert f"el {strange} es " in str(error).lower() or "dañada" in str(
                                error
                            )


@pytest.mark.parametrize("name", ["2019", "2022", "2016", "202", "20", "medical"])
def test_an_edition_is_not_guessed_by_its_spelling(name):
    with pytest.raises(CourseError, match="busca en la página") as caught:
        regions.edition(name)
    assert "¿Querías decir" not in str(caught.value)


@pytest.mark.parametrize(
    "name, right", [("BraTS2021", "2021"), ("MSD", "msd"), ("2023-GLI", "2023")]
)
def test_an_edition_s_own_name_in_another_is_understood(name, right):
    with pytest.raises(CourseError, match=rf"¿Querías decir {right}\?"):
        regions.edition(name)


@pytest.mark.parametrize(
    "given, right",
    [("t2f", "flair"), ("t1n", "t1"), ("t1c", "t1ce"), ("T1Gd", "t1ce"), ("t2w", "t2"),
     ("FLAIR", "flair"), ("t1e", None), ("t", None), ("pd", None), ("t2*", None)],
)  # fmt: skip
def test_a_modality_is_not_guessed_by_its_spelling(given, right):
    with pytest.raises(CourseError) as caught:
        chosen([given])
    assert re.findall(r"¿Querías decir (\w+)\?", str(caught.value)) == ([right] if right else [])


# ---- nothing is left out of a listing without a word


def test_linked_case_folders_are_found(tmp_path):
    data, store = tmp_path / "data", tmp_path / "store"
    for home, name in ((store, ONE), (store, TWO), (data, ODD)):
        write_case(home, name)
    for name in (ONE, TWO):
        os.symlink(store / name, data / name)
    assert [case.name for case in brats.find_cases(data)] == [ONE, TWO, ODD]
    os.symlink(data, tmp_path / "link")
    assert len(brats.find_cases(tmp_path / "link")) == 3


def test_circles_end_and_each_folder_comes_once(tmp_path):
    write_case(tmp_path / "a", ONE)
    os.symlink(tmp_path, tmp_path / "a" / "up")
    os.symlink(tmp_path / "a", tmp_path / "again")
    os.symlink(tmp_path / "self", tmp_path / "self")
    cases, text = told(tmp_path)
    assert [case.name for case in cases] == [ONE]
    assert f"{tmp_path / 'self'}: es un enlace a algo que no está" in text


def test_a_link_that_leads_nowhere_is_named(tmp_path):
    write_case(tmp_path, ONE)
    os.symlink(tmp_path / "disk" / TWO, tmp_path / TWO)
    cases, text = told(tmp_path)
    assert len(cases) == 1 and f"{tmp_path / TWO}: es un enlace a algo que no está" in text
    shutil.rmtree(tmp_path / ONE)
    with pytest.raises(CourseError, match=f"No se usó {tmp_path / TWO}: es un enlace"):
        brats.find_cases(tmp_path)


def test_a_folder_that_cannot_be_read_is_named(tmp_path, monkeypatch):
    for name in (ONE, TWO):
        write_case(tmp_path, name)
    usual = os.scandir

    def scandir(path):
        if Path(path).name == TWO:
            raise PermissionError(13, "Permission denied", str(path))
        return usual(path)

    monkeypatch.setattr(os, "scandir", scandir)
    cases, text = told(tmp_path)
    assert [case.name for case in cases] == [ONE]
    assert f"{tmp_path / TWO}: Permission denied" in text


def test_what_is_swept_away_is_never_behind_a_link(tmp_path):
    write_case(tmp_path / "raw", ONE)
    kept = put(tmp_path / "mine" / "work", b"days")
    (tmp_path / "prepared").mkdir()
    link = tmp_path / "prepared" / f"x{files.UNFINISHED}"
    os.symlink(tmp_path / "mine", link)
    os.utime(tmp_path / "mine", (0, 0))
    prepared.prepare(brats.find_cases(tmp_path / "raw"), tmp_path / "prepared")
    assert kept.read_bytes() == b"days"


# ---- archives beside whole cases


FOREIGN = {"zeros": bytes(200), "empty": b"", "text": b"hello" * 300, "gzip": gzip.compress(b"x")}


@pytest.mark.parametrize("content", FOREIGN)
def test_a_foreign_tar_beside_whole_cases_is_named_and_skipped(tmp_path, content):
    write_case(tmp_path, ONE)
    archive = put(tmp_path / "backup.tar", FOREIGN[content])
    cases, text = told(tmp_path)
    assert [case.name for case in cases] == [ONE]
    assert f"{archive}: no se puede leer como .tar" in text
    shutil.rmtree(tmp_path / ONE)
    with pytest.raises(CourseError, match="backup.tar: se esperaba un .tar entero"):
        brats.find_cases(tmp_path)


def test_two_damaged_tars_are_one_warning_and_a_good_one_is_unpacked(tmp_path):
    good = brats_fakes.write_tar(tmp_path / "b.tar", tar_of(1, "x"))
    for name in ("a.tar", "c.tar"):
        put(tmp_path / name, good.read_bytes()[:700])
    cases, text = told(tmp_path)
    assert [case.name for case in cases] == ["BraTS2021_00001"]
    assert "a.tar: no se" in text and "c.tar: no se" in text and "b.tar" not in text


def test_a_tar_without_cases_is_none_of_our_business(tmp_path):
    write_case(tmp_path, ONE)
    brats_fakes.write_tar(tmp_path / "photos.tar", {"a.png": b"x"})
    assert len(brats.find_cases(tmp_path)) == 1


def test_cases_that_are_there_already_are_not_unpacked_again(tmp_path, capsys):
    write_case(tmp_path / "mine", "BraTS2021_00001", "2021")
    brats_fakes.write_tar(tmp_path / "d.tar", {**tar_of(1, "x"), **tar_of(2, "x")})
    cases = brats.find_cases(tmp_path)
    assert cases[0].mask.parent == tmp_path / "mine" / "BraTS2021_00001"
    assert os.listdir(tmp_path / "d") == ["BraTS2021_00002"]


# ---- several scans of one patient


@pytest.mark.parametrize(
    "name, patient",
    [
        ("UPENN-GBM-00001_11", "UPENN-GBM-00001"),
        ("UPENN-GBM-00006_21", "UPENN-GBM-00006"),
        ("BraTS-GLI-00012-001", "BraTS-GLI-00012"),
        ("BraTS-GoAT-00012", "BraTS-GoAT-00012"),
        ("brats_2013_pat0003_1", "brats_2013_pat0003"),
        ("brats_tcia_pat105_0001", "brats_tcia_pat105"),
        ("TCGA-02-0003", "TCGA-02-0003"),
        ("TCGA-02-0003_1997.06.08", "TCGA-02-0003"),
        ("TCGA-HT-A61A-2", "TCGA-HT-A61A"),
        ("UCSF-PDGM-0409_FU016d", "UCSF-PDGM-0409"),
        ("sub-07_ses-02", "sub-07"),
        ("PatientID_0003_Timepoint_1", "PatientID_0003"),
        ("Patient-001_week-044", "Patient-001"),
        ("BraTS2021_00495", "BraTS2021_00495"),
        ("BraTS20_Training_001", "BraTS20_Training_001"),
        ("paciente_1", "paciente_1"),
        ("ana", "ana"),
    ],
)
def test_whose_scan_a_name_says_that_it_is(name, patient):
    assert named(name).patient == patient


def named(name, patient=None):
    values = np.eye(4), (1, 1, 1), (1, 1, 1), None, patient
    return brats.Case(name, "2020", {}, None, None, *values)


@pytest.mark.parametrize("form", ["UPENN-GBM-{:05d}_{}", "TCGA-02-{:04d}_{}", "sub-{:03d}_ses-{}"])
def test_no_patient_s_scans_are_on_two_sides(form, capsys):
    cases = [named(form.format(who, scan)) for who in range(1, 11) for scan in (11, 21)]
    for seed in range(5):
        train, held_out = brats.split(cases, 0.3, seed)
        assert not {case.patient for case in train} & {case.patient for case in held_out}
        assert len(held_out) == 6
    assert capsys.readouterr().err == ""


def test_names_that_do_not_tell_are_said_once_and_a_patient_by_hand_counts(tmp_path, capsys):
    names = [f"scan_{number}" for number in range(8)]
    brats.split([named(name) for name in names], 0.25)
    (line,) = capsys.readouterr().err.splitlines()
    assert "cada caso cuenta como un paciente" in line and "scan_0, …" in line
    written = write_case(tmp_path, ONE)
    images = {kind: tmp_path / ONE / file_name(ONE, kind) for kind in MODALITIES}
    assert written
    cases = [  # what the line says
        brats.case(name, "2020", images, patient=f"p{number // 2}")
        for number, name in enumerate(names)
    ]
    train, held_out = brats.split(cases, 0.25)
    assert capsys.readouterr().err == "" and len(held_out) == 2
    assert not {case.patient for case in train} & {case.patient for case in held_out}


# ---- a mask of another head


def moved(folder, name, seed=0):
    """A case whose mask was rolled out of the brain."""
    labels = np.zeros((12, 14, 10), "u1")
    labels[:3, :3, :3] = 1
    write_case(folder, name, seed=seed)
    put(folder / name / file_name(name, "seg"), nifti(labels))


def test_a_mask_mostly_outside_the_brain_is_named(tmp_path):
    write_case(tmp_path / "raw", TWO)
    moved(tmp_path / "raw", ONE)
    cases = brats.find_cases(tmp_path / "raw")
    for _ in range(2):  # a case that is prepared already is told again
        with pytest.warns(UserWarning, match=f"(?s)fuera del cerebro.*{ONE}: \\d+") as caught:
            store = prepared.prepare(cases, tmp_path / "prepared")
        assert len(caught) == 1 and TWO not in str(caught[0].message) and len(store) == 2
    with pytest.warns(UserWarning, match=f"(?s)fuera del cerebro.*{ONE}") as caught:
        list(brats.volumes(cases))
    assert len(caught) == 1


@pytest.mark.parametrize("mask", ["whole", "empty", "none"])
def test_a_mask_in_the_brain_an_empty_one_and_none_are_silent(tmp_path, mask):
    written = write_case(tmp_path, ONE, mask=mask != "none")
    if mask == "empty":
        no_tumour(tmp_path / ONE, written["seg"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(list(brats.volumes(brats.find_cases(tmp_path)))) == 1


# ---- a prepared case and its sources


def flipped(path):
    """The same file's bytes with another mask: as many."""
    data = bytearray(path.read_bytes())
    data[352:] = bytes(value and 4 for value in data[352:])
    return bytes(data)


def in_place(path, data):
    path.write_bytes(data)


def by_rename(path, data):
    other = path.with_name("other")
    other.write_bytes(data)
    os.replace(other, path)


@pytest.mark.parametrize("replace", [in_place, by_rename])
def test_a_mask_that_was_replaced_with_its_time_kept_is_noticed(tmp_path, replace):
    write_case(tmp_path / "raw", ONE)
    folder = tmp_path / "prepared"
    [before] = prepared.prepare(brats.find_cases(tmp_path / "raw"), folder)
    assert (before.regions[..., 0].sum() > before.regions[..., 2].sum()) and before.regions[
        ..., 2
    ].any()
    path = tmp_path / "raw" / ONE / file_name(ONE, "seg")
    status = path.stat()
    replace(path, flipped(path))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    [after] = prepared.prepare(brats.find_cases(tmp_path / "raw"), folder)
    assert after.regions[..., 0].sum() == after.regions[..., 2].sum()


def when(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*.npy")}


def touch(raw):
    for path in raw.rglob("*.nii*"):
        os.utime(path)


def move(raw):
    os.rename(raw, raw.with_name("elsewhere"))


def copy(raw):
    shutil.copytree(raw, raw.with_name("elsewhere"), copy_function=shutil.copyfile)
    shutil.rmtree(raw)


@pytest.mark.parametrize("change", [touch, move, copy])
@pytest.mark.parametrize("layout, name", [("2020", ONE), ("2021", "BraTS2021_00001")])
def test_files_that_hold_what_they_held_are_not_prepared_again(tmp_path, change, layout, name):
    raw, folder = tmp_path / "raw", tmp_path / "prepared"
    write_case(raw, name, layout)
    prepared.prepare(brats.find_cases(raw), folder)
    before = when(folder)
    change(raw)
    for _ in range(2):
        [case] = prepared.prepare(
            brats.find_cases(raw if raw.exists() else tmp_path / "elsewhere"), folder
        )
        assert when(folder) == before and case.name == name
    noted = files.read_json(folder / name / "case.json")["source"]["files"]
    assert all(os.stat(path).st_ctime_ns == ctime for path, _, _, ctime, _ in noted.values())


def test_a_note_that_cannot_be_renewed_is_no_error(tmp_path, monkeypatch):
    write_case(tmp_path / "raw", ONE)
    prepared.prepare(brats.find_cases(tmp_path / "raw"), tmp_path / "prepared")
    touch(tmp_path / "raw")

    def refused(path, text):
        raise CourseError("no room")

    monkeypatch.setattr(files, "write", refused)
    assert len(prepared.prepare(brats.find_cases(tmp_path / "raw"), tmp_path / "prepared")) == 1


def test_a_case_of_the_version_before_stays_unless_a_file_came_later(tmp_path):
    write_case(tmp_path / "raw", ONE)
    folder = tmp_path / "prepared"
    prepared.prepare(brats.find_cases(tmp_path / "raw"), folder)
    note = folder / ONE / "case.json"
    facts = files.read_json(note)
    del facts["source"]["content"], facts["mask_outside"]
    facts["source"]["files"] = {k: seen[:3] for k, seen in facts["source"]["files"].items()}
    files.write(note, files.json_text(facts))
    before = when(folder)
    prepared.prepare(brats.find_cases(tmp_path / "raw"), folder)
    assert when(folder) == before
    path = tmp_path / "raw" / ONE / file_name(ONE, "seg")
    status = path.stat()
    os.utime(note, (status.st_mtime - 9, status.st_mtime - 9))  # long ago
    by_rename(path, flipped(path))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    [after] = prepared.prepare(brats.find_cases(tmp_path / "raw"), folder)
    assert after.regions[..., 0].sum() == after.regions[..., 2].sum()


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_what_a_file_holds_is_known_packed_or_not(tmp_path, ending):
    from course.datasets.brats.nifti import content

    data = nifti(np.arange(24, dtype="i2").reshape(2, 3, 4))
    plain = put(tmp_path / "a.nii", data)
    other = put(tmp_path / f"b.nii{ending}", data)
    assert content(plain) == content(other)
    parts = tmp_path / "c.nii.gz"  # two members: the last bytes speak of the second alone
    parts.write_bytes(gzip.compress(data[:300]) + gzip.compress(data[300:]))
    assert content(parts) == content(plain)
    put(other, data[:-1] + b"\7")
    assert content(plain) != content(other)
