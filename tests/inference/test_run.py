"""A finished segmentation: scored again on the cases it holds out, and asked for a mask."""

import json
import shutil

import keras
import nibabel
import numpy as np
import pytest
from keras import layers
from PIL import Image

from course.cli import main
from course.datasets import brats, catalog
from course.demo.page import page
from course.errors import CourseError
from course.evaluation.run import evaluate
from course.export import card as cards
from course.export import export
from course.inference.run import predict, segment
from course.spanish import number
from tests import brats_fakes

NAMES = [f"BraTS20_Training_{number:03}" for number in (1, 2, 3, 7)]
TILTED = ((0, 0, 2.0, 5), (1.5, 0, 0, -9), (0, -1.0, 0, 30), (0, 0, 0, 1))  # axes A, I, R


def network(modalities, sides=(None, None)):
    """Says of each voxel how far its first channel lies above 0.5, 1 and 2 (WT, TC, ET)."""
    model = keras.Sequential(
        [
            keras.Input((*sides, len(modalities)), name="slice"),
            layers.Conv2D(3, 1, activation="sigmoid", name="output"),
        ],
        name="steps",
    )
    kernel = np.zeros((1, 1, len(modalities), 3))
    kernel[..., 0, :] = 50
    model.get_layer("output").set_weights([kernel, -50 * np.array([0.5, 1, 2])])
    return model


def card(folder, **changes):
    return {
        "task": "segmentation",
        "edition": "2020",
        "modalities": ["flair", "t1ce"],
        "regions": ["WT", "TC", "ET"],
        "patch": None,
        "held_out": NAMES[2:],
        "preparation": "brain",
        "data": catalog.origin("brats2020", str(folder)).as_dict(),
        "seed": 0,
        **changes,
    }


def steps(arrays, modalities=("flair", "t1ce")):
    """What the network must answer, in stored axes: worked out of the files' own numbers."""
    brain = np.any([arrays[kind] != 0 for kind in modalities], axis=0)
    values = arrays[modalities[0]].astype("float64")
    values = (values - values[brain].mean()) / values[brain].std() * brain
    return np.stack([(values >= limit) & brain for limit in (0.5, 1, 2)], axis=-1)


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    """Four cases, and what was written in each."""
    folder = tmp_path_factory.mktemp("cases")
    return folder, {
        name: brats_fakes.write_case(folder, name, seed=seed) for seed, name in enumerate(NAMES)
    }


@pytest.fixture(scope="module")
def exported(cases, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    return export(network(["flair", "t1ce"]), folder, card=card(cases[0])).parent


@pytest.fixture
def run(exported, tmp_path):
    """A run of its own, to be spoiled."""
    return shutil.copytree(exported, tmp_path / "run")


def changed(run, **changes):
    values = json.loads((run / "card.json").read_text(encoding="utf-8"))
    (run / "card.json").write_text(json.dumps({**values, **changes}), encoding="utf-8")
    return run


def message(capsys, *arguments):
    assert main([str(argument) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


# ---- evaluate


def test_evaluate_scores_the_cases_held_out_and_no_other(run, cases, capsys):
    assert main(["evaluate", str(run)]) == 0
    printed = capsys.readouterr()
    assert "Dice medio WT" in printed.out and f"Informe: {run / 'report.html'}" in printed.out
    assert printed.err.splitlines() == [f"1/2 {NAMES[2]}", f"2/2 {NAMES[3]}"]
    saved = json.loads((run / "report.json").read_text(encoding="utf-8"))
    assert {row["case"] for row in saved["per_case"]} == set(NAMES[2:])
    for row in saved["per_case"]:
        arrays = cases[1][row["case"]]
        answer = steps(arrays)
        for i, labels in enumerate([(1, 2, 4), (1, 4), (4,)]):
            true = np.isin(arrays["seg"], labels)
            dice = 2 * (true & answer[..., i]).sum() / (true.sum() + answer[..., i].sum())
            assert row["regions"][("WT", "TC", "ET")[i]]["dice"] == pytest.approx(dice)
            assert row["regions"]["WT"]["volume_true_ml"] == pytest.approx(
                (arrays["seg"] > 0).sum() / 1000
            )


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"held_out": []}, "no queda ninguno para medirla"),
        ({"held_out": ["BraTS20_Training_099"]}, "De los 1 casos apartados faltan 1 en"),
        ({"edition": "2022"}, "edition: se esperaba '2015' o"),
        ({"modalities": ["t1ce", "flair", "t2"]}, "3 modalidades y el modelo recibe 2 canales"),
        ({"patch": [0, 4]}, "patch: se esperaba dos o tres lados"),
        ({"patch": [8, 8, 8]}, "su patch es [8, 8, 8]"),
        ({"data_seed": -1}, "data_seed: se esperaba de 0 a"),
    ],
)
def test_evaluate_of_a_card_that_does_not_fit_writes_nothing(run, capsys, changes, words):
    assert words in message(capsys, "evaluate", changed(run, **changes))
    assert sorted(path.name for path in run.iterdir()) == ["card.json", "model.keras"]


def test_evaluate_needs_brains(run, capsys):
    data = {**card("x")["data"], "dataset": "mnist", "source": "kaggle"}
    assert "segmentation con 'mnist'" in message(capsys, "evaluate", changed(run, data=data))


def test_evaluate_finds_kaggle_s_cases_again(run, cases, monkeypatch):
    asked = []

    def fetch_named(names, modalities):
        asked.append((names, modalities))
        return brats.find_cases(cases[0], modalities=modalities)

    monkeypatch.setattr(brats, "fetch_named", fetch_named)
    data = catalog.origin("brats2020", "kaggle").as_dict()
    assert evaluate(changed(run, data=data, cases=369))[0].n == 2
    assert asked == [(NAMES[2:], ["flair", "t1ce"])]  # not all 369: they are 33 GB


def test_evaluate_finds_the_made_up_cases_again(run, cases, monkeypatch):
    from course.datasets.samples import brains

    asked = []
    monkeypatch.setattr(brains, "cases", lambda n, seed: asked.append((n, seed)) or cases[0])
    data = catalog.origin("brats2020", "sample").as_dict()
    report, page = evaluate(changed(run, data=data, cases=28, data_seed=3))
    assert asked == [(28, 3)] and report.origin.made_up
    evaluate(changed(run, data=data, cases=None, data_seed=0))
    assert asked[1:] == [(7, 0)]  # an older card does not say; 7 is the highest number held out
    with pytest.raises(CourseError, match="cases: se esperaba un número entero"):
        evaluate(changed(run, data=data, cases="many"))
    assert "Datos inventados" in page.read_text(encoding="utf-8")


# ---- predict


@pytest.mark.parametrize(
    "name, layout, affine",
    [
        ("BraTS20_Validation_004", "2020", brats_fakes.LPS),
        ("BraTS2021_00017", "2021", TILTED),
        ("BraTS-GLI-00003-000", "2023", TILTED),
    ],
)
def test_a_mask_lies_exactly_over_its_case(run, tmp_path, capsys, name, layout, affine):
    arrays = brats_fakes.write_case(
        tmp_path, name, layout, (12, 9, 14), affine, mask=False, kinds=("flair", "t1ce"), seed=5
    )
    output = tmp_path / "out" / "mask.nii.gz"
    assert main(["predict", str(run), str(tmp_path / name), "-o", str(output)]) == 0
    mask = nibabel.load(output)
    picture = nibabel.load(next((tmp_path / name).glob("*")))
    assert mask.shape == picture.shape == (12, 9, 14)
    np.testing.assert_array_equal(mask.affine, picture.affine)
    enhancing = 3 if layout == "2023" else 4  # the numbers of the case's own edition
    whole, core, inner = np.moveaxis(steps(arrays), -1, 0)
    expected = np.where(inner, enhancing, np.where(core, 1, np.where(whole, 2, 0)))
    np.testing.assert_array_equal(np.asarray(mask.dataobj), expected)
    assert len(np.unique(expected)) == 4  # or this test would see little
    voxel_ml = abs(np.linalg.det(np.array(affine)[:3, :3])) / 1000
    printed = capsys.readouterr().out
    assert f"{name}:  WT {number(whole.sum() * voxel_ml, 1)}\u00a0ml" in printed
    assert f"Máscara: {output}  (BraTS {layout}: 1 " in printed


def test_the_mask_s_default_name_is_the_case_s(run, cases, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path, case, volumes_ml = segment(run, cases[0] / NAMES[0])
    assert path.name == f"{NAMES[0]}_mask.nii.gz" and (tmp_path / path).is_file()
    assert case.name == NAMES[0] and list(volumes_ml) == ["WT", "TC", "ET"]


def test_channels_come_in_the_card_s_order(cases, tmp_path):
    modalities = ["t2", "flair"]
    run = export(network(modalities), tmp_path, card=card("x", modalities=modalities)).parent
    path, _, _ = segment(run, cases[0] / NAMES[1], tmp_path / "mask.nii")
    received = np.asarray(nibabel.load(path).dataobj) > 0
    np.testing.assert_array_equal(received, steps(cases[1][NAMES[1]], modalities)[..., 0])


def test_an_existing_file_is_never_overwritten(run, cases, tmp_path, capsys):
    taken = tmp_path / "mine.nii.gz"
    taken.write_bytes(b"days of work")
    text = message(capsys, "predict", run, cases[0] / NAMES[0], "-o", taken)
    assert "ya existe y queda como está" in text and "-o" in text
    assert taken.read_bytes() == b"days of work"
    own = cases[0] / NAMES[0] / f"{NAMES[0]}_seg.nii"
    before = own.read_bytes()
    assert "ya existe" in message(capsys, "predict", run, cases[0] / NAMES[0], "-o", own)
    assert own.read_bytes() == before


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["{cases}"], "hay 4\u00a0casos. Se esperaba la carpeta de uno, como"),
        (["{cases}/nothing"], "nothing, que no existe"),
        (["{cases}/{name}", "{cases}/{name}"], "uno después de otro"),
        (["{cases}/{name}", "-o", "{cases}/mask.png"], "termine en .nii o .nii.gz"),
    ],
)
def test_what_is_not_one_case_is_an_error_and_writes_nothing(
    run, cases, tmp_path, monkeypatch, capsys, arguments, words
):
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    arguments = [text.format(cases=cases[0], name=NAMES[0]) for text in arguments]
    assert words in message(capsys, "predict", run, *arguments)
    assert sorted(tmp_path.rglob("*")) == before
    assert not list(cases[0].rglob("*mask*"))


def test_a_case_without_a_modality_the_network_takes_is_an_error(run, cases, tmp_path, capsys):
    shutil.copytree(cases[0] / NAMES[0], tmp_path / "case")
    (tmp_path / "case" / f"{NAMES[0]}_t1ce.nii").unlink()
    assert "le falta t1ce" in message(capsys, "predict", run, tmp_path / "case", "-o", "m.nii")


def test_a_segmentation_of_something_else_says_that_it_is_none_of_brats(tmp_path, capsys):
    data = catalog.origin("brats2020", "sample").as_dict()
    about = {"task": "segmentation", "regions": ["WT"], "preparation": "brain", "data": data}
    model = keras.Sequential([keras.Input((None, None, 2)), layers.Conv2D(1, 1)])
    other = export(model, tmp_path / "other", card=about).parent
    assert "de segmentación de BraTS" in message(capsys, "predict", other, tmp_path)
    assert "Se esperaba una de BraTS" in message(capsys, "evaluate", other)


def test_each_kind_of_run_says_what_it_takes(run, tmp_path, capsys):
    with pytest.raises(CourseError, match="course predict .* CARPETA -o"):
        predict(run, [tmp_path / "digit.png"])
    houses = keras.Sequential([keras.Input((3,), name="row"), layers.Dense(1, name="price")])
    about = {"task": "regression", "unit": "m", "data": {"dataset": "x"}, "preparation": None}
    other = export(houses, tmp_path / "houses", card=about).parent
    with pytest.raises(CourseError, match="para escribir una máscara.*Llegó: regression"):
        segment(other, tmp_path)
    assert "no segmenta cerebros" in message(capsys, "predict", other, "x.png", "-o", "m.nii")


def test_a_threshold_decides_alike_in_predict_in_evaluate_and_on_the_page(tmp_path, capsys):
    # of whatever it sees it says neumonía with 0.8, which is the likeliest
    model = keras.Sequential([keras.Input((32, 32, 1)), layers.Flatten(), layers.Dense(2)])
    model.add(layers.Softmax())
    model.layers[1].set_weights([np.zeros((1024, 2)), np.log([1, 4])])
    told = {
        "task": "classification",
        "class_names": ["normal", "neumonía"],
        "positive": "neumonía",
        "threshold": 0.9,
        "preparation": "square",
        "data": catalog.origin("chest_xray", "sample").as_dict(),
    }
    run = export(model, tmp_path / "run", card=told).parent
    photo = tmp_path / "photo.png"
    Image.linear_gradient("L").save(photo)
    for threshold, answer, reaches in ((0.9, "normal", "no alcanza"), (0.7, "neumonía", "alcanza")):
        changed(run, threshold=threshold)
        assert main(["predict", str(run), str(photo), "--keep", str(tmp_path / answer)]) == 0
        said = capsys.readouterr().out.replace("\u00a0", " ").splitlines()[0]
        text = f"La probabilidad de neumonía, 80,0 %, {reaches} el umbral de {threshold:.0%}."
        assert said == f"{photo}:  {answer}. {text}".replace("%.", ",0 %.")
        scores = evaluate(run)[0].scores
        assert scores["sensitivity"] == 1 - scores["specificity"] == (answer == "neumonía")
        setup = page(cards.read_run(run), None, where="server")
        assert f'"positive": "neumonía", "threshold": {threshold}' in setup
