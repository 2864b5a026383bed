"""The page in one file: what it holds, what it never holds, and when it is not written."""

import base64
import functools
import html.parser
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import course
from course import files, models
from course.cli import main
from course.datasets import california, catalog, mnist
from course.datasets.samples import digits
from course.demo import page
from course.errors import CourseError
from course.export import export, load, steps
from tests.demo import javascript
from tests.export.test_steps import any_weights

WEB = course.FOLDER / "demo" / "web"
NASTY = "</script><img src=x onerror=alert(1)><!--<script>"


def write(folder, model, **changes):
    """A finished run."""
    card = {
        "task": "classification",
        "class_names": [str(n) for n in range(model.outputs[0].shape[-1])],
        "data": catalog.origin("mnist", "sample").as_dict(),
        "preparation": "digit",
        "scores": {"accuracy": 0.9},
    }
    export(model, folder, card=card | changes)
    return folder


def classifier(folder, filters=(4, 6), **changes):
    return write(folder, any_weights(models.cnn((28, 28, 1), 10, filters=filters)), **changes)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return classifier(tmp_path_factory.mktemp("runs") / "digits")


@pytest.fixture(scope="module")
def houses(tmp_path_factory):
    """A regression of California's raw columns."""
    numbers = ["longitude", "total_bedrooms", "households"]
    columns = {name: keras.Input((1,), name=name) for name in numbers}
    bedrooms = columns["total_bedrooms"]
    bedrooms = keras.ops.where(keras.ops.isnan(bedrooms), 400.0, bedrooms)
    households = keras.ops.log1p(columns["households"])
    counts = [keras.ops.log1p(bedrooms) - households, households]
    ocean = keras.Input((1,), name="ocean_proximity", dtype="string")
    words = keras.layers.StringLookup(vocabulary=["INLAND", "ISLAND"], output_mode="one_hot")
    features = keras.layers.Concatenate()([columns["longitude"] / 100, *counts, words(ocean)])
    network = any_weights(models.mlp((6,), 1, units=(8,)))
    model = keras.Model({**columns, "ocean_proximity": ocean}, network(features), name="casas")
    return write(
        tmp_path_factory.mktemp("runs") / "houses",
        model,
        task="regression",
        class_names=None,
        unit="cientos de miles de dólares",
        preparation=None,
        data=catalog.origin("california", "sample").as_dict(),
    )


@pytest.fixture(scope="module", autouse=True)
def read_once():
    """The samples are drawn once, not for each page."""
    with pytest.MonkeyPatch.context() as patch:
        for reader in (mnist, california):
            patch.setattr(reader, "load_data", functools.cache(reader.load_data))
        yield


class Parts(html.parser.HTMLParser):
    """The scripts and the tags of a page, as a browser takes them apart."""

    def __init__(self, text):
        super().__init__()
        self.scripts, self.tags, self.attributes = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag):
        self.tags.append(f"/{tag}")

    def handle_data(self, data):
        if self.tags[-1:] == ["script"]:
            self.scripts[-1] += data

    @property
    def setup(self):
        return json.loads(self.scripts[0])


def parts_of(path):
    return Parts(path.read_text(encoding="utf-8"))


# ---- the page


def test_a_page_holds_the_network_and_is_what_its_files_say(run, tmp_path):
    done = page.export_web(run, tmp_path / "new" / "web")
    assert done == page.Exported(tmp_path / "new" / "web" / "index.html", False, False)
    parts = parts_of(done.path)
    setup = parts.setup
    assert (setup["view"], setup["where"], setup["heat"]) == ("digits", "file", [])
    names = ["texts", "network", "picture", "ink", "answer", "digits", "main"]
    own = ["\n" + (WEB / f"{name}.js").read_text(encoding="utf-8") for name in names]
    assert parts.scripts[1:] == own
    assert len(setup["check"]["outputs"]) == 10 and setup["check"]["tolerance"] == 1e-5


def test_the_page_agrees_with_keras_on_its_ten_inputs(run, houses, tmp_path):
    asked, expected, tolerances = [], [], []
    for folder, name in ((run, "a"), (houses, "b")):
        setup = parts_of(page.export_web(folder, tmp_path / name).path).setup
        check = setup["check"]
        inputs = check["inputs"]
        if isinstance(inputs, str):
            bytes_ = np.frombuffer(base64.b64decode(inputs), "uint8")
            inputs = bytes_.reshape(10, -1).tolist()
        asked.append((setup, inputs))
        expected.append(check["outputs"])
        tolerances.append(check["tolerance"])
    received = javascript.answers(asked, tmp_path)
    for one, other, tolerance in zip(received, expected, tolerances, strict=True):
        np.testing.assert_allclose(one, other, atol=tolerance)
    assert np.ptp(expected[0]) > 0.1 and np.ptp(expected[1]) > 0.1  # they do differ


def test_a_regression_brings_what_was_seen_in_training(houses, tmp_path):
    setup = parts_of(page.export_web(houses, tmp_path / "web").path).setup
    assert setup["view"] == "houses"
    columns = {column["name"]: column for column in setup["columns"]}
    assert list(columns) == ["longitude", "total_bedrooms", "households", "ocean_proximity"]
    west = columns["longitude"]
    assert -125 < west["minimum"] < west["median"] < west["maximum"] < -114 and not west["words"]
    assert columns["ocean_proximity"]["median"] in columns["ocean_proximity"]["words"]
    assert columns["ocean_proximity"]["minimum"] is None


def test_what_a_card_says_is_never_markup(tmp_path):
    names = [NASTY, "b", *"cdefghij"]
    data = catalog.origin("mnist", "sample").as_dict() | {"title": NASTY}
    run = classifier(tmp_path / "run", class_names=names, data=data)
    parts = parts_of(page.export_web(run, tmp_path / "web").path)
    assert "img" not in parts.tags and len(parts.scripts) == 8
    assert parts.setup["card"]["class_names"] == names
    assert parts.setup["card"]["data"]["title"] == NASTY


def test_a_page_says_nothing_of_this_machine_and_asks_nothing_from_outside(tmp_path):
    data = catalog.origin("mnist", "sample").as_dict() | {"source": "/home/ana/secret"}
    run = classifier(tmp_path / "run", data=data, settings={"folder": "/home/ana"})
    text = page.export_web(run, tmp_path / "web").path.read_text(encoding="utf-8")
    assert "/home/ana" not in text and str(tmp_path) not in text
    parts = Parts(text)
    assert not [value for key, value in parts.attributes if key == "src" or "//" in (value or "")]
    (policy,) = [value for _, value in parts.attributes if "default-src" in (value or "")]
    assert policy.startswith("default-src 'none'; ")


def test_no_two_scripts_use_one_name():
    defined = {}
    for path in [*WEB.glob("*.js"), *(course.FOLDER / "evaluation" / "page").glob("*.js")]:
        text = path.read_text(encoding="utf-8")
        assert "</script" not in text and "<!--" not in text
        for name in re.findall(r"^(?:async )?(?:function|const|let|class) +(\w+)", text, re.M):
            defined.setdefault(name, []).append(path.name)
    assert {name: where for name, where in defined.items() if len(where) > 1} == {}


def test_taller_2_s_network_fits_into_1_2_mb(tmp_path):
    run = classifier(tmp_path / "run", filters=(16, 64, 96, 128))
    assert page.export_web(run, tmp_path / "web").path.stat().st_size <= 1_200_000


def test_without_the_data_random_inputs_do(tmp_path, capsys):
    data = catalog.origin("mnist", "sample").as_dict() | {"source": str(tmp_path / "gone")}
    run = classifier(tmp_path / "run", data=data)
    assert main(["export", str(run), "--web", str(tmp_path / "web")]) == 0
    said = capsys.readouterr().out
    assert "solo con imágenes al azar" in said and f"Página: {tmp_path}/web/index.html" in said
    assert (tmp_path / "web" / "index.html").resolve().as_uri() in said


def test_the_page_of_a_server_has_no_network(run):
    card = json.loads((run / "card.json").read_text())
    for preparation in ("photo", "square"):
        assert page.view_of(card | {"preparation": preparation}) == "pictures"
    signs = card | {"preparation": "photo", "data": card["data"] | {"dataset": "sign_mnist"}}
    assert page.view_of(signs) == "signs"
    assert page.view_of({"preparation": "brain"}) == "brains"
    if (WEB / "remote.js").is_file():
        setup = Parts(page.page(signs, None, where="server", heat=["grad_cam"])).setup
        assert (setup["network"], setup["view"], setup["heat"]) == (None, "signs", ["grad_cam"])


# ---- the folder


def test_an_earlier_page_is_replaced_and_named(run, tmp_path, capsys):
    page.export_web(run, tmp_path / "web")
    (tmp_path / "web" / "index.html").write_text(page._MARK + "of last year")
    assert main(["export", str(run), "--web", str(tmp_path / "web")]) == 0
    assert "index.html: aquí había una página anterior" in capsys.readouterr().out
    assert len((tmp_path / "web" / "index.html").read_text()) > 10_000


@pytest.mark.parametrize("name", ["index.html", "tesis.docx"])
def test_a_folder_with_other_files_is_left_alone(run, tmp_path, name, capsys):
    (tmp_path / name).write_text("years of work")
    assert main(["export", str(run), "--web", str(tmp_path)]) == 2
    assert "no está vacía y queda como está" in capsys.readouterr().err
    assert os.listdir(tmp_path) == [name]
    assert (tmp_path / name).read_text() == "years of work"


def test_a_file_is_no_folder(run, tmp_path):
    (tmp_path / "web").write_text("")
    with pytest.raises(CourseError, match="es un archivo y queda como está"):
        page.export_web(run, tmp_path / "web")


def test_without_fetching_only_a_copy_on_this_disk_is_tried(monkeypatch):
    card = {"data": catalog.origin("mnist", "kaggle").as_dict(), "inputs": [{"shape": [2, 2, 1]}]}
    asked, kept = [], []
    monkeypatch.setattr(page.inventory, "cached", lambda name: kept or None)
    pictures = np.full((60, 2, 2), 7, "uint8")
    monkeypatch.setattr(
        page.evaluation_run, "test_inputs", lambda *given: asked.append(given) or pictures
    )
    tried = page._tried_with("run", card, "digits", fetch=False)
    assert tried.without_data and tried.inputs.shape == (100, 2, 2, 1) and asked == []
    kept.append("a folder")
    tried = page._tried_with("run", card, "digits", fetch=False)
    assert not tried.without_data and (tried.inputs[:50] == 7).all() and len(asked) == 1


def test_a_disk_that_refuses_is_told_before_the_work(run, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(files.tempfile, "TemporaryFile", refuse)
    monkeypatch.setattr(steps, "steps_of", None)  # nothing slow has begun
    with pytest.raises(CourseError, match="no tienes permiso para escribir ahí"):
        page.export_web(run, tmp_path / "web")


def test_a_disk_that_refuses_at_the_end_leaves_the_earlier_page(run, tmp_path, monkeypatch):
    earlier = page.export_web(run, tmp_path / "web").path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "write_bytes", full)
    with pytest.raises(CourseError, match="el disco está lleno"):
        page.export_web(run, tmp_path / "web")
    assert os.listdir(tmp_path / "web") == ["index.html"]
    assert (tmp_path / "web" / "index.html").read_bytes() == earlier


# ---- the run


def refused(run, folder, match):
    with pytest.raises(CourseError, match=match) as caught:
        page.export_web(run, folder / "web")
    assert not (folder / "web" / "index.html").exists()
    return str(caught.value)


def test_a_run_that_is_not_finished(tmp_path, capsys):
    (tmp_path / "run").mkdir()
    assert main(["export", str(tmp_path / "run"), "--web", str(tmp_path / "web")]) == 2
    assert "no hay model.keras" in capsys.readouterr().err
    assert not (tmp_path / "web").exists()


def test_a_run_of_a_newer_keras(tmp_path, monkeypatch):
    run = classifier(tmp_path / "run")
    card = json.loads((run / "card.json").read_text())
    card["versions"]["keras"] = "99.0.0"
    (run / "card.json").write_text(json.dumps(card))

    def refuse(*_, **__):
        raise TypeError("unknown argument")

    monkeypatch.setattr(keras.saving, "load_model", refuse)
    assert 'pip install "keras>=99.0.0"' in refused(run, tmp_path, "está hecho con Keras 99.0.0")


def test_a_layer_without_a_step_leads_to_the_server(tmp_path):
    run = write(tmp_path / "run", models.resnet((28, 28, 1), 3, filters=(4,), repeats=(1,)))
    assert f"python -m course demo {run} (" in refused(run, tmp_path, r"\(Add\) no se puede")


def test_logits_are_no_probabilities(tmp_path):
    run = write(tmp_path / "run", models.cnn((28, 28, 1), 3, (4,), output_activation=None))
    refused(run, tmp_path, "no son probabilidades")


def test_another_answer_than_keras_is_never_written(run, tmp_path, monkeypatch):
    usual = steps.answer
    monkeypatch.setattr(steps, "answer", lambda *given: usual(*given) + np.float32(2e-5))
    refused(run, tmp_path, "respondería otra cosa que Keras: se aparta 2.0e-05")


def test_a_segmentation_and_a_giant_are_for_the_server(run, tmp_path):
    card = json.loads((run / "card.json").read_text())
    for changes, words in (
        ({"preparation": "brain"}, "Una segmentación no cabe"),
        ({"parameters": 138_357_544}, "demasiado grande para un archivo"),
    ):
        with pytest.raises(CourseError, match=words):
            page._view_in_a_file(card | changes, run)
    with pytest.raises(CourseError, match="no sabe mostrar esta red"):
        page.view_of(card | {"preparation": None})


def test_where_the_room_stayed_at_home_the_command_says_so(run, tmp_path):
    shutil.copytree(course.FOLDER, tmp_path / "course", ignore=shutil.ignore_patterns("demo"))
    done = subprocess.run(
        [sys.executable, "-m", "course", "export", str(run), "--web", "web"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Este paquete viajó dentro de una celda")


# ---- the network that the package brings


def test_the_package_s_own_network_reads_digits_and_says_where_it_is_from():
    own = course.FOLDER / "demo" / "digits"
    card = json.loads((own / "card.json").read_text(encoding="utf-8"))
    assert (own / "model.keras").stat().st_size < 1_000_000
    assert card["data"]["source"] == "kaggle" and not card["data"]["made_up"]
    assert card["test_data"]["n"] == 10_000 and card["scores"]["accuracy"] > 0.99
    assert card["drawings"]["n"] == 1797 and card["drawings"]["smooth"]["preprocessed"] >= 0.95
    (images, labels), _ = digits.load_data()  # read anew: the card may say what it likes
    model, _ = load(own)
    answers = model.predict(images[:300, ..., None].astype("float32"), verbose=0)
    assert np.mean(answers.argmax(axis=1) == labels[:300]) >= 0.95
