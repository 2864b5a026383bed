"""Answers stay in the brain, voxels are compared, good masks are read, places are tried first."""

import errno
import json
import re
import shutil
import tempfile
import warnings
from types import SimpleNamespace

import keras
import nibabel
import numpy as np
import pytest

from course import inference, regions
from course.cli import main
from course.datasets import brats
from course.datasets.brats.find import is_mask_name
from course.errors import CourseError
from course.evaluation import evaluate_segmenter
from course.export import export
from course.inference import run as inference_run
from tests.brats_fakes import MODALITIES, file_name, nifti, put, write_case
from tests.inference.test_run import card

ONE, TWO = "BraTS20_Training_001", "BraTS20_Training_002"


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory):
    """A run that sees enhancing tumour in every voxel, also where there is nothing."""
    model = keras.Sequential(
        [
            keras.Input((None, None, 2), name="slice"),
            keras.layers.Conv2D(3, 1, activation="sigmoid", name="output"),
        ]
    )
    model.get_layer("output").set_weights([np.zeros((1, 1, 2, 3)), np.full(3, 9.0)])
    about = card("x", spacing_mm=[1.0, 1.0, 1.0])
    return export(model, tmp_path_factory.mktemp("run"), card=about).parent


@pytest.fixture
def trained(everywhere, tmp_path):
    return shutil.copytree(everywhere, tmp_path / "run")


def say(trained, **changes):
    values = json.loads((trained / "card.json").read_text(encoding="utf-8"))
    values = {**values, **changes}
    (trained / "card.json").write_text(json.dumps(values), encoding="utf-8")


def message(capsys, *arguments):
    assert main([str(argument) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


# ---- no tumour where all images are 0


def test_predict_draws_no_tumour_outside_the_brain(trained, tmp_path, capsys):
    written = write_case(tmp_path, ONE, kinds=("flair", "t1ce"))
    assert main(["predict", str(trained), str(tmp_path / ONE), "-o", str(tmp_path / "m.nii")]) == 0
    mask = np.asarray(nibabel.load(tmp_path / "m.nii").dataobj)
    brain = (written["flair"] != 0) | (written["t1ce"] != 0)
    assert not brain.all()
    np.testing.assert_array_equal(mask, np.where(brain, 4, 0))
    assert f"ET {brain.sum() / 1000:.1f}".replace(".", ",") in capsys.readouterr().out


def test_a_brain_mask_counts_as_well(tmp_path):
    """Images whose background is not 0: the brain is what normalisation took."""
    brain = np.zeros((12, 14, 10), "u1")
    brain[4:8, 3:9, 2:7] = 1
    values = np.random.default_rng(0).normal(size=brain.shape).astype("f4") - 5
    images = {"flair": put(tmp_path / "f.nii", nifti(values))}
    case = brats.case("a", "2015", images, brain=put(tmp_path / "b.nii", nifti(brain)))
    (volume,) = brats.volumes([case])
    labels = inference.in_brain(np.full(volume.image.shape[:3], 4, "uint8"), volume.image)
    np.testing.assert_array_equal(labels, 4 * brain.T)
    assert labels.dtype == "uint8"


@pytest.mark.parametrize("channels", [3, 4])
def test_evaluate_scores_what_predict_would_write(tmp_path, channels):
    """Regions and classes alike: a voxel of ET in the air made Dice 0 where there is no ET."""
    labels = np.zeros((12, 14, 10), "u1")
    write_case(tmp_path, ONE, labels=labels)
    (volume,) = brats.volumes(brats.find_cases(tmp_path))
    air = ~volume.image.any(-1)
    assert air.any()
    answers = np.zeros((*air.shape, channels), "float32")
    answers[air, -1] = 1
    if channels == 4:
        answers[~air, 0] = 1
    report = evaluate_segmenter(
        None, [volume], origin=SimpleNamespace(title="x"), predict=lambda model, image: answers
    )
    assert [report.scores[f"dice_{region}"] for region in regions.REGIONS] == [1, 1, 1]


def test_predict_volume_itself_stays_as_it_is():
    model = keras.Sequential([keras.Input((None, None, 1)), keras.layers.Conv2D(3, 1)])
    model.layers[0].set_weights([np.zeros((1, 1, 1, 3)), np.ones(3)])
    image = np.zeros((4, 6, 6, 1), "float32")
    image[1:3, 1:5, 1:5] = 1
    image[1, 2, 2] = 0  # a hole in the box
    found = inference.predict_volume(model, image)
    assert found[1, 2, 2].tolist() == [1, 1, 1] and not found[0].any()


# ---- how little enhancing tumour is none


def test_predict_writes_too_little_et_as_core(trained, tmp_path):
    write_case(tmp_path, ONE, kinds=("flair", "t1ce"))
    for least_ml, label in ((0.0, 4), (1000.0, 1)):  # it sees ET in all of the brain
        say(trained, least_et_ml=least_ml)
        path = tmp_path / f"{label}.nii"
        assert main(["predict", str(trained), str(tmp_path / ONE), "-o", str(path)]) == 0
        assert set(np.unique(nibabel.load(path).dataobj)) == {0, label}


@pytest.mark.parametrize("wrong", [-1, "uno", None])
def test_a_card_with_no_such_volume_is_refused(trained, tmp_path, capsys, wrong):
    say(trained, least_et_ml=wrong)
    assert "least_et_ml" in message(capsys, "predict", trained, tmp_path)


# ---- voxels of training and of the new case


def sized(folder, side_mm, name=ONE):
    affine = np.diag([-side_mm, -side_mm, side_mm, 1.0])
    affine[1, 3] = 239  # where the first voxel is
    write_case(folder, name, affine=affine)
    return brats.find_cases(folder)


@pytest.mark.parametrize(
    "trained_mm, side_mm, warned",
    [
        ([1, 1, 1], 2.0, True),
        ([1, 1, 1], 0.5, True),
        ([1, 1, 1], 1.2, False),
        ([1, 1, 1], 1.0, False),
        ([1, 1, 3], 1.0, True),
        ([1.75, 1.75, 1.75], 1.0, True),
        (None, 5.0, False),
    ],
)
def test_another_voxel_size_is_told(tmp_path, trained_mm, side_mm, warned):
    cases = sized(tmp_path, side_mm)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        inference_run.warn_of_voxel_size(cases, {"spacing_mm": trained_mm})
    assert len(caught) == warned
    if warned:
        text = str(caught[0].message)
        assert ONE in text and "Qué hacer" in text and "vóxeles de" in text


def test_sizes_are_written_along_x_y_and_z(tmp_path):
    write_case(tmp_path, ONE, affine=np.diag([-0.5, -1.0, 3.0, 1]))
    cases = brats.find_cases(tmp_path)
    with pytest.warns(UserWarning, match=f"(?s)de 1,00 × 1,00 × 1,00 mm.*{ONE}: 0,50 × 1,00 × 3"):
        inference_run.warn_of_voxel_size(cases, {"spacing_mm": [1, 1, 1]})


def test_predict_and_evaluate_tell_it_and_old_cards_do_not(trained, tmp_path):
    for name in (ONE, TWO):
        sized(tmp_path / "raw", 2.0, name)
    data = {**card(tmp_path / "raw")["data"]}
    say(trained, data=data, held_out=[ONE, TWO])
    from course.evaluation.run import evaluate

    for call in (
        lambda: inference_run.segment(trained, tmp_path / "raw" / ONE, tmp_path / "a.nii"),
        lambda: evaluate(trained),
    ):
        with pytest.warns(UserWarning, match="La red se entrenó con vóxeles de 1,00") as caught:
            call()
        assert len([w for w in caught if "vóxeles de" in str(w.message)]) == 1
    say(trained, spacing_mm=None)  # as a card without it
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="La red se entrenó")
        inference_run.segment(trained, tmp_path / "raw" / ONE, tmp_path / "b.nii")


@pytest.mark.parametrize("wrong", [[1.0, 1.0], [0.0, 1, 1], ["a", 1, 1], "1"])
def test_a_card_with_a_size_that_cannot_be_is_refused(trained, tmp_path, capsys, wrong):
    say(trained, spacing_mm=wrong)
    assert "spacing_mm" in message(capsys, "predict", trained, tmp_path)


# ---- masks as programs write them


@pytest.fixture
def one(tmp_path):
    written = write_case(tmp_path, ONE)
    images = {kind: tmp_path / ONE / file_name(ONE, kind) for kind in MODALITIES}
    return images, tmp_path / ONE / file_name(ONE, "seg"), written["seg"]


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16"])
def test_real_labels_under_a_header_of_whole_numbers(one, tmp_path, dtype):
    images, mask, labels = one
    seg = nibabel.load(mask)
    header = seg.header.copy()
    header.set_data_dtype(dtype)
    values = np.asarray(seg.dataobj).astype(float)
    nibabel.save(nibabel.Nifti1Image(values, seg.affine, header), tmp_path / "s.nii.gz")
    stored = np.asarray(nibabel.load(tmp_path / "s.nii.gz").dataobj)
    if dtype == "uint8":
        assert not np.array_equal(stored, labels) and abs(stored - labels).max() < 0.01
    found = brats.load_case(brats.case("a", "2020", images, tmp_path / "s.nii.gz"))[1]
    np.testing.assert_array_equal(found, labels.T)


@pytest.mark.parametrize(
    "stored, slope, inter",
    [
        (np.array([0, 64, 128, 255]), 4 / 255, 0.3),  # not one label that could be meant
        (np.array([0, 32, 64, 255]), 4 / 255, 0),  # 0.5 lies between two labels
        (np.array([0, 1, 2, 4]), 0.5, 0),  # steps too wide to tell
        (np.array([0, 1, 2, 4]), 1.0, 0.5),
    ],
)
def test_a_scale_that_does_not_meet_whole_numbers_is_refused(one, tmp_path, stored, slope, inter):
    images, _, labels = one
    data = nifti(np.resize(stored, labels.shape).astype("u1"), slope=slope, inter=inter)
    case = brats.case("a", "2020", images, put(tmp_path / "s.nii", data))
    with pytest.raises(CourseError, match="se esperaban números enteros"):
        brats.load_case(case)


@pytest.mark.parametrize("axes", [1, 2, 4])
@pytest.mark.parametrize("kind", ["flair", "seg"])
@pytest.mark.parametrize("ending", ["", ".gz"])
def test_further_axes_of_one_are_left_out(one, tmp_path, kind, axes, ending):
    images, mask, labels = one
    files = {**images, "seg": mask}
    expected = brats.load_case(brats.case("a", "2020", images, mask))
    array = np.asarray(nibabel.load(files[kind]).dataobj)
    longer = nifti(array.reshape(*array.shape, *[1] * axes))
    files[kind] = put(tmp_path / f"longer.nii{ending}", longer)
    case = brats.case("a", "2020", {k: files[k] for k in MODALITIES}, files["seg"])
    for found, right in zip(brats.load_case(case), expected, strict=True):
        np.testing.assert_array_equal(found, right)
    path = brats.save_mask(case, expected[1], tmp_path / "out.nii")
    assert nibabel.load(path).shape == labels.shape


@pytest.mark.parametrize("shape", [(12, 14, 10, 2), (12, 14, 1, 10), (12, 14)])
def test_axes_that_are_not_one_are_refused(tmp_path, shape):
    path = put(tmp_path / "x.nii", nifti(np.ones(shape, "i2")))
    with pytest.raises(CourseError, match="se esperaba un volumen de tres ejes"):
        brats.case("a", "2020", {"flair": path})


PLACELESS = {"numpy": np.eye(4), "itk": np.diag([-1.0, -1, 1, 1]), "none": None}


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize("name", PLACELESS)
def test_a_mask_that_lost_its_place_is_refused_and_the_lines_mend_it(tmp_path, name, ending):
    layout, case_name = ("2021", "BraTS2021_00001") if ending else ("2020", ONE)
    written = write_case(tmp_path, case_name, layout)
    mask = tmp_path / case_name / file_name(case_name, "seg", layout)
    nibabel.save(nibabel.Nifti1Image(written["seg"], PLACELESS[name]), mask)
    before = mask.read_bytes()
    with pytest.raises(CourseError, match="Solo si") as caught:
        brats.find_cases(tmp_path)
    assert mask.read_bytes() == before
    # an image that the message cannot know the student puts in
    image = tmp_path / case_name / file_name(case_name, "t1", layout)
    text = str(caught.value).replace("IMAGEN.nii.gz", str(image))
    exec(typed(text), {})
    (case,) = brats.find_cases(tmp_path)
    np.testing.assert_array_equal(brats.load_case(case)[1], written["seg"].T)


@pytest.mark.parametrize("name", ["numpy", "itk"])
def test_cases_that_do_not_say_how_the_head_lies_are_told_once(tmp_path, name):
    for case in (ONE, TWO):
        write_case(tmp_path, case, affine=PLACELESS[name])
    with pytest.warns(UserWarning, match="no dicen cómo está puesta la cabeza") as caught:
        found = brats.find_cases(tmp_path)
    assert len(found) == 2 and len(caught) == 1
    assert f"2\u00a0casos no dicen cómo está puesta la cabeza ({ONE}, …" in str(caught[0].message)


def typed(text):
    """The lines of Python in a message, as a student types them."""
    return "\n".join(line.strip() for line in text.splitlines() if line.startswith("    "))


def test_the_lines_stand_alone_where_a_case_is_named_by_hand(one):
    images, mask, labels = one
    nibabel.save(nibabel.Nifti1Image(labels, np.eye(4)), mask)
    with pytest.raises(CourseError) as caught:
        brats.case("a", "2020", images, mask)
    exec(typed(str(caught.value)), {})
    found = brats.load_case(brats.case("a", "2020", images, mask))[1]
    np.testing.assert_array_equal(found, labels.T)


def test_an_image_that_lost_its_place_is_the_one_to_mend(one):
    images, mask, _ = one
    flair = np.array(nibabel.load(images["flair"]).dataobj)  # the first file, not the other one
    nibabel.save(nibabel.Nifti1Image(flair, np.eye(4)), images["flair"])
    with pytest.raises(CourseError) as caught:
        brats.case("a", "2020", images, mask)
    exec(typed(str(caught.value)), {})
    brats.load_case(brats.case("a", "2020", images, mask))
    np.testing.assert_array_equal(np.asarray(nibabel.load(images["flair"]).dataobj), flair)


@pytest.mark.parametrize(
    "affine",
    [
        [[-1, 0, 0, 11], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]],
        [[-1, 0, 0, 5], [0, -1, 0, 239], [0, 0, 1, 0], [0, 0, 0, 1]],
        np.diag([-2.0, -2, 2, 1]),
    ],
)
def test_another_true_place_is_not_mended_by_copying(one, affine):
    """A mask that was turned or moved: its voxels may be in another order."""
    images, mask, labels = one
    put(mask, nifti(labels, np.asarray(affine, float)))
    with pytest.raises(CourseError) as caught:
        brats.case("a", "2020", images, mask)
    assert "nib.save" not in str(caught.value) and "está en otro lugar" in str(caught.value)


# ---- the place to write is tried before the work


@pytest.fixture
def no_work(monkeypatch):
    def load_keras():
        raise AssertionError("the work began before the place was tried")

    monkeypatch.setattr(inference_run.start, "load_keras", load_keras)


def test_a_place_in_a_file_is_told_before_the_work(trained, tmp_path, capsys, no_work):
    write_case(tmp_path, ONE)
    put(tmp_path / "file", b"mine")
    text = message(capsys, "predict", trained, tmp_path / ONE, "-o", tmp_path / "file" / "m.nii")
    assert "No se pudo escribir" in text and "Qué hacer" in text


@pytest.mark.parametrize("code", [errno.EROFS, errno.EACCES, errno.ENOSPC])
def test_a_disk_that_refuses_is_told_before_the_work(
    trained, tmp_path, capsys, no_work, monkeypatch, code
):
    write_case(tmp_path, ONE)

    def refuse(*_, **__):
        raise OSError(code, "refused")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    text = message(capsys, "predict", trained, tmp_path / ONE, "-o", tmp_path / "m.nii")
    assert "No se pudo escribir" in text and not (tmp_path / "m.nii").exists()


def test_volumes_are_shown_where_the_mask_cannot_be_written(trained, tmp_path, capsys, monkeypatch):
    write_case(tmp_path, ONE)

    def full(case, labels, path):
        raise CourseError("el disco está lleno")

    monkeypatch.setattr(brats, "save_mask", full)
    text = message(capsys, "predict", trained, tmp_path / ONE, "-o", tmp_path / "m.nii")
    assert "el disco está lleno" in text
    assert re.search(rf"{ONE}:  WT \d+,\d\s+ml   TC \d+,\d\s+ml   ET", text)


@pytest.mark.parametrize("ending", ["", ".gz"])
def test_an_answer_never_takes_the_expert_s_name_beside_the_images(
    trained, tmp_path, capsys, no_work, ending
):
    name = "BraTS20_Validation_001"
    write_case(tmp_path, name, mask=False)
    taken = tmp_path / name / f"{name}_seg.nii{ending}"
    text = message(capsys, "predict", trained, tmp_path / name, "-o", taken)
    assert "la máscara de un experto" in text and not taken.exists()
    (better,) = re.findall(r"por ejemplo (\S+\.nii\.gz)", text)
    assert is_mask_name(taken.name) and not is_mask_name(better)
