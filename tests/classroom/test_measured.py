"""A delivered run measured again: on the teacher's data, whatever the delivery says."""

import json
import os
import shutil
from types import SimpleNamespace

import keras
import numpy as np
import pytest

import course
from course.classroom import told
from course.classroom.copies import Copies
from course.classroom.measured import _of_card, _of_split, measure
from course.classroom.rows import Row, compare
from course.datasets import brats, catalog
from course.evaluation import fingerprint, run
from course.evaluation.run import parted
from course.export import export
from tests import fakes


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """The teacher's folder: MNIST with three test pictures, and those."""
    folder = tmp_path_factory.mktemp("teacher")
    return folder, fakes.write_mnist(folder / "mnist")[1]


def network(seed=0):
    keras.utils.set_random_seed(seed)
    layers = [
        keras.Input((28, 28, 1), name="pixels"),
        keras.layers.Rescaling(1 / 255),
        keras.layers.Flatten(),
        keras.layers.Dense(10, activation="softmax"),
    ]
    return keras.Sequential(layers)


def scores_of(model, pictures, labels):
    """By hand: a sum, the largest of ten, a share."""
    kernel, bias = model.layers[-1].get_weights()
    answers = (pictures.reshape(len(pictures), -1) / 255 @ kernel + bias).argmax(1)
    return {"accuracy": float((answers == labels).mean())}


@pytest.fixture(scope="module")
def honest(mine, tmp_path_factory):
    """A run whose card says nothing but the truth, of a student's own folder."""
    pictures, labels = mine[1]
    data = {**catalog.origin("mnist", "sample").as_dict(), "source": "/home/ana/mnist"}
    card = {
        "task": "classification",
        "class_names": list("0123456789"),
        "data": {**data, "title": "copia propia, no verificada", "made_up": False},
        "preparation": "digit",
        "seed": 7,
        "scores": scores_of(network(), pictures, labels),
        "test_data": fingerprint.of_arrays(pictures, labels),
    }
    return export(network(), tmp_path_factory.mktemp("honest"), card=card).parent


@pytest.fixture
def changed(honest, tmp_path):
    """A copy of the run, and a function that changes keys of its card."""
    folder = shutil.copytree(honest, tmp_path / "run")

    def change(**changes):
        card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
        (folder / "card.json").write_text(json.dumps({**card, **changes}), encoding="utf-8")
        return folder

    return change


def test_an_honest_run_has_the_score_of_its_network_and_no_flag(honest, mine):
    found = measure(honest, Copies(mine[0]))
    assert found.why == "" and found.flags == []
    assert (found.score, found.n, found.parameters) == ("exactitud", 3, 7850)
    assert found.value == scores_of(network(), *mine[1])["accuracy"]
    assert 0 <= found.low < found.high <= 1 and found.interval
    assert found.data == "copia propia, no verificada" and found.picture


def test_nothing_is_drawn_that_nobody_sees(honest, mine, monkeypatch):
    reports, scored = [], run.scored
    monkeypatch.setattr(run, "scored", lambda *a: reports.append(scored(*a)) or reports[-1])
    found = measure(honest, Copies(mine[0]))
    [report] = reports
    assert set(report.figures) == {"confusion", "mistakes"} and found.value is not None
    assert not any(report.figures.values())


def test_what_a_run_says_of_its_score_is_compared_and_never_believed(changed, mine):
    true = scores_of(network(), *mine[1])["accuracy"]
    folder = changed(scores={"accuracy": true + 0.5})
    (folder / "report.json").write_text('{"scores": {"accuracy": 0.99, "log_loss": "x"}}')
    found = measure(folder, Copies(mine[0]))
    assert found.value == true
    assert [flag.partition(" dice exactitud ")[0] for flag in found.flags] == [
        "card.json",
        "report.json",
    ]


def test_nearly_a_point_of_a_share_is_more_than_versions_make():
    now = SimpleNamespace(scores={"accuracy": 0.9907, "rmse": 50}, score_text=lambda *a: str(a[1]))
    said = parted({"accuracy": 0.9999, "rmse": 50.4}, now)
    assert said == [("exactitud", "0.9999", "0.9907")]
    assert parted({"accuracy": 0.9947, "rmse": 50.6}, now) == [("RMSE", "50.6", "50")]


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"class_names": list("01234567")}, "la tarjeta no es de este modelo: nombra 8 clases"),
        ({"parameters": 10}, "la tarjeta no es de este modelo: dice 10 parámetros y son 7850"),
        ({"test_data": {"n": 3, "sha256": "0"}}, "otros datos de prueba que los tuyos"),
        (
            {"test_data": {"n": 1, "sha256": "0"}},
            "dice que se midió en 1, y aquí en 3\u00a0imágenes",
        ),
        ({"test_data": {"n": [1] * 99}}, "se midió en [1, 1, 1, 1,"),
    ],
)
def test_a_card_that_does_not_fit_is_flagged(changed, mine, changes, words):
    found = measure(changed(**changes), Copies(mine[0]))
    assert words in " ".join(found.flags)
    # eight names are too few for the labels; all else is measured
    assert bool(found.why) == ("class_names" in changes) and "\n" not in found.why


@pytest.mark.parametrize(
    "lesson, made_up, flags",
    [
        ("taller0_fundamentos", False, []),
        ("taller2_cnn_mnist", False, ["no son los datos del taller"]),
        ("taller0_fundamentos", True, ["datos inventados"]),
    ],
)
def test_a_sample_is_flagged_where_a_lesson_has_other_data(changed, lesson, made_up, flags):
    data = {**catalog.origin("mnist", "sample").as_dict(), "made_up": made_up}
    folder = changed(data=data)
    (folder / "settings.json").write_text(json.dumps({"lesson": lesson}))
    assert _of_card(told.read(folder), network(), SimpleNamespace(parameters=7850)) == flags


def test_the_path_in_a_card_is_never_read(changed, mine, tmp_path):
    """Even where it leads to data on the teacher's disk, with other pictures."""
    fakes.write_sign_mnist(tmp_path / "secret")
    data = catalog.origin("sign_mnist", "sample").as_dict()
    folder = changed(data={**data, "source": str(tmp_path / "secret")})
    assert "no contiene sign_mnist_train.csv" in measure(folder, Copies(mine[0])).why
    nothing = measure(folder, Copies())
    assert nothing.why.startswith("en este disco no hay una copia de Sign")
    assert "Qué hacer: python -m course data fetch sign_mnist" in nothing.why
    assert nothing.parameters == 7850 and nothing.weights and nothing.score == ""
    folder = changed(data={**data, "dataset": "../secret"})
    assert "los pone cada estudiante" in measure(folder, Copies(mine[0])).why
    folder = changed(data={**data, "dataset": "folders"})
    assert measure(folder, Copies(mine[0])).why == "la muestra del Taller 6 no se mide aquí."


def test_a_copy_is_read_once(honest, mine, monkeypatch):
    from course.datasets import mnist

    read = []
    usual = mnist.load_data
    monkeypatch.setattr(mnist, "load_data", lambda *a, **k: read.append(a) or usual(*a, **k))
    copies, said = Copies(mine[0]), told.read(honest)
    for _ in range(2):
        origin, (pictures, labels), _ = copies.of(said.card, said.origin)
        assert (pictures == mine[1][0]).all() and (labels == mine[1][1]).all()
    assert len(read) == 1


def test_the_weights_alone_make_two_networks_the_same(honest, tmp_path):
    card = json.loads((honest / "card.json").read_text())
    again = keras.models.clone_model(network(), clone_function=renamed)
    again.set_weights(network().get_weights())
    again = export(again, tmp_path / "again", card=card).parent
    other = export(network(seed=1), tmp_path / "other", card=card).parent
    first, same, different = (measure(run, Copies()).weights for run in (honest, again, other))
    assert first == same != different
    assert (honest / "model.keras").read_bytes() != (again / "model.keras").read_bytes()


def test_the_network_that_the_kit_brings_is_nobody_s_own():
    found = measure(course.FOLDER / "demo" / "digits", Copies("/nowhere"))
    compare([Row("Ana", "ana.zip", found=found)])
    assert found.flags[0] == "los mismos pesos que la red que trae el curso"


def renamed(layer):
    return type(layer).from_config({**layer.get_config(), "name": f"mine_{layer.name}"})


def test_a_network_that_brings_code_is_not_loaded(changed, mine, tmp_path):
    trap = tmp_path / "trap"
    where = str(trap)
    layers = [keras.Input((28, 28, 1)), keras.layers.Lambda(lambda x: os.mkdir(where) or x)]
    keras.Sequential(layers).save(tmp_path / "bad.keras")
    trap.rmdir()
    folder = changed()
    shutil.copy(tmp_path / "bad.keras", folder / "model.keras")
    found = measure(folder, Copies(mine[0]))
    assert "trae código (Lambda)" in found.why and not trap.exists()
    assert str(folder) not in found.why and found.parameters is None


@pytest.mark.parametrize(
    "name, data, words",
    [
        ("model.keras", None, "no trae model.keras"),
        ("model.keras", b"PK", "no es un modelo que Keras"),
        ("card.json", None, "no se sabe con qué datos se entrenó: falta card.json"),
        ("card.json", b'{"card_version": 9}', "no se sabe con qué datos se entrenó: card.json"),
        ("card.json", b"[" * 100_000, "no se sabe con qué datos se entrenó: card.json"),
    ],
)
def test_what_is_missing_or_broken_is_told(changed, mine, name, data, words):
    path = changed() / name
    path.unlink() if data is None else path.write_bytes(data)
    found = measure(path.parent, Copies(mine[0]))
    assert words in found.why and found.score == ""


def test_a_card_cannot_ask_for_a_thousand_brains(changed, mine):
    data = catalog.origin("brats2020", "sample").as_dict()
    for more in ({"cases": 1000}, {"held_out": ["BraTS20_Sintetico_1000"]}):
        folder = changed(
            **{"task": "segmentation", "data": data, "class_names": ["a"], "held_out": []} | more
        )
        assert "pide 1000 cerebros inventados" in measure(folder, Copies(mine[0])).why


def test_a_card_cannot_ask_for_x_rays_that_fill_the_disk(changed, mine):
    data = {**catalog.origin("chest_xray", "sample").as_dict(), "source": "kaggle"}
    inputs = [{"name": "pixels", "shape": [1024, 1024, 1], "dtype": "float32"}]
    found = measure(changed(data=data, inputs=inputs), Copies(mine[0]))
    assert found.why.startswith("la tarjeta pide radiografías de 1024 píxeles, y aquí se miden de")


def test_a_card_cannot_ask_for_ten_thousand_classes(changed, mine):
    found = measure(changed(class_names=[str(n) for n in range(10_000)]), Copies(mine[0]))
    assert found.why == "la tarjeta nombra 10\u00a0000 clases, y aquí se miden a lo más 100."


def test_a_test_part_of_one_s_own_is_flagged(changed, mine):
    found = measure(changed(data_seed=5), Copies(mine[0]))
    assert found.flags == [
        "la parte de prueba es otra que la del taller: la apartó con la semilla 5"
    ]


def test_held_out_cases_are_those_of_the_lesson_and_its_seed(monkeypatch):
    origin = catalog.origin("brats2020", "sample")
    card = {"task": "segmentation", "cases": 8, "modalities": ["flair"], "seed": 3}
    names = [f"BraTS20_Training_{n:03}" for n in range(1, 9)]
    cases = [SimpleNamespace(name=name, patient=name, grade="HGG") for name in names]
    monkeypatch.setattr(brats, "open_cases", lambda source, n, modalities: cases[:n])
    chosen = [case.name for case in brats.split(cases, 0.25, seed=3)[1]]
    assert _of_split({**card, "held_out": chosen[::-1]}, origin) == []
    for other in (chosen[:1], names[:1], names):
        assert "semilla 3" in _of_split({**card, "held_out": other}, origin)[0]
    assert _of_split({**card, "cases": 1, "held_out": names[:1]}, origin)  # cannot be parted


# ---- what it says itself


def test_what_a_run_says_of_itself_is_read_as_far_as_it_can_be(changed):
    folder = changed()
    (folder / "settings.json").write_text('{"lesson": "taller2_cnn_mnist"}')
    (folder / "history.csv").write_text("epoch,loss,time_s\n1,0.5,90\n2,0.4,30\n")
    (folder / "ejercicios.json").write_text('{"2.1": {"right": true}, "3.1": {"tries": 1}}')
    said = told.read(folder)
    assert (said.lesson, said.minutes, said.seed) == ("taller2_cnn_mnist", 2, 7)
    assert list(said.exercises) == ["2.1"] and said.faults == []
    (folder / "settings.json").write_text('{"lesson": "<script>"}')
    (folder / "history.csv").write_text("nothing")
    (folder / "ejercicios.json").write_text("[]")
    said = told.read(folder)
    assert (said.lesson, said.minutes, said.exercises) == ("", None, {})
    assert [fault.split()[0] for fault in said.faults] == ["history.csv", "ejercicios.json:"]
    assert np.isclose(said.scores["card.json"]["accuracy"], said.card["scores"]["accuracy"])
