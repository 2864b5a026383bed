"""What an error message says to type, typed as it stands there: it leads to the right result.

`next_steps.txt` names the test of each message; many are beside what they are about, the rest here.
"""

import os
import re
from types import SimpleNamespace

import keras
import numpy as np
import pytest
from keras import layers

from course import cli, models
from course.cli import run as cli_run
from course.datasets import brats, catalog, chest_xray, mnist, splits
from course.datasets.batches import Batches
from course.datasets.brats import prepared
from course.datasets.catalog import Origin
from course.datasets.download import answers
from course.demo import hub
from course.errors import CourseError
from course.evaluation import evaluate_classifier, evaluate_segmenter
from course.figures import learning_curves
from course.inference import volumes
from course.kaggle import client as kaggle_client
from course.kaggle import credentials, doctor, push
from course.training import flags as lesson_flags
from course.training import read_history, resume, run_dir, run_folder
from course.training.arrays import as_array
from tests import ROOT
from tests.brats_fakes import nifti, put, write_case
from tests.fakes import write_mnist

ONE, TWO = "BraTS20_Training_001", "BraTS20_Training_002"


def advice(error):
    """The step that a message ends with."""
    return str(error.value).partition("Qué hacer: ")[2]


# ---- the command line

FLAGS = [
    "run taller2 --source kaggle",
    "run taller2 --source sample",
    "run taller2 --limit 2000",
    "run taller2 --resume",
    "run taller2 --run-dir otra",
    "run taller2 --processes 2 --resume",
    "predict runs/x caso -o otra_mask.nii.gz",
    "predict runs/x a.png --keep otra",
    "kernels build taller2 --owner NOMBRE",
    "kernels push taller2 --accelerator NvidiaTeslaT4",
    "kernels push taller2 --accelerator none",
    "kernels push taller2 --timeout 3600",
    "kernels output taller2 -o otra",
    "demo runs/x --port 8080",
    "export runs/x --web otra",
    "space build runs/x --gradio --to otra",
    "demo runs/x --host 127.0.0.1 --cases casos",
    "entregas clase --minutos 20",
    "entregas clase -o notas.csv",
    "entregas clase --source copia",
]


@pytest.mark.parametrize("command", FLAGS)
def test_a_flag_is_one_that_the_command_takes(command):
    given = cli._parser().parse_args(command.split())
    assert callable(given.action)
    if command.startswith("run "):  # what follows a lesson's name is read by the lesson
        _, own = cli_run._processes(given.flags)
        assert lesson_flags._from_flags(lesson_flags._COMMON, own)


def test_what_an_answer_of_a_server_advises_can_be_typed():
    """Kaggle's and Hugging Face's refusals: each command is one, each package is the right one."""
    info = SimpleNamespace(
        name="mnist", handle="a/b", version=1, homepage="https://x", title="t", pinned="p"
    )
    asker = SimpleNamespace(taller="taller2", credential="el token", hide=str)
    tables = [answers._TABLE, answers.data_set(info).rows, hub._asked("ana/x", False, "t").rows]
    tables += [kaggle_client._asked(asker, "ana/x", pushing).rows for pushing in (True, False)]
    todos = [todo for table in tables for _, todo in table.values()]
    todos += [push._todo(said, "taller2") for said in ("session count", "quota", "not found", "")]
    typed = 0
    for todo in todos:
        for command in re.findall(r"python -m course ([^;,.:()`»]+)", todo):
            words = [word for word in command.split() if not word.startswith("{")]
            words = words[: words.index("dice")] if "dice" in words else words
            assert callable(cli._parser().parse_args(words).action)
            typed += 1
    assert len(todos) > 40 and typed > 5


def test_what_the_doctor_says_to_correct_is_a_key_of_the_catalogue(monkeypatch):
    trouble = SimpleNamespace(why="Kaggle responde 404.", todo="")

    def absent(handle):
        raise answers.Unanswered("absent", trouble)

    client = SimpleNamespace(owner="ana", quota=lambda: None, dataset_version=absent)
    monkeypatch.setattr(kaggle_client, "connect", lambda: client)
    said = [line for ok, _, line in doctor._account([SimpleNamespace(problem=None)]) if not ok]
    for line in said:
        key, file = re.search(r"corrige su (\w+) en (\S+)$", line).groups()
        assert f"\n  {key}: " in (ROOT / file).read_text(encoding="utf-8")
    assert len(said) == len(catalog.names())


# ---- Kaggle's credentials


def test_a_new_token_is_found_where_it_was_to_be_put(fresh_home):
    with pytest.raises(CourseError) as error:
        credentials.choose(credentials.find())
    (place,) = re.findall(r"~/(\.kaggle/access_token); después: python", advice(error))
    put(fresh_home / place, b"KGAT_0123456789abcdef0123456789abcdef")
    assert credentials.choose(credentials.find()).problem is None


def test_a_folder_of_kaggle_s_own_that_can_be_written(tmp_path, monkeypatch):
    def refuse(name):
        if not os.environ["KAGGLE_CONFIG_DIR"].startswith(str(tmp_path)):
            raise PermissionError(13, "Permission denied")
        return SimpleNamespace(__version__="1")

    monkeypatch.setattr(kaggle_client.importlib, "import_module", refuse)
    with pytest.raises(CourseError) as error:
        kaggle_client.installed()
    (variable,) = re.findall(r"pon en (\w+) una carpeta", advice(error))
    monkeypatch.setenv(variable, str(tmp_path))
    assert kaggle_client.installed() == "1"


# ---- data


def test_a_variant_comes_by_the_line(monkeypatch):
    monkeypatch.setattr(mnist, "_from_tfds", lambda variant: f"the arrays of {variant}")
    with pytest.raises(CourseError) as error:
        mnist.load_data("sample", variant="fashion_mnist")
    assert eval(advice(error), {"mnist": mnist}) == "the arrays of fashion_mnist"


def test_files_that_got_their_names_back_are_read(tmp_path, monkeypatch):
    folder = tmp_path / "datos"
    write_mnist(folder)
    first, other = sorted(folder.glob("*images*"))
    swapped = folder / "aside"

    def swap():
        first.rename(swapped)
        other.rename(first)
        swapped.rename(other)

    known = {path.read_bytes(): path.name for path in folder.iterdir()}
    monkeypatch.setattr(
        "course.datasets.download.fetch.same_as",
        lambda path, info: next(
            (f for f in info.files if f.path == known.get(path.read_bytes())), None
        ),
    )
    swap()
    with pytest.raises(CourseError) as error:
        mnist.load_data(folder)
    assert "devuelve a cada archivo su nombre" in advice(error)
    swap()  # what the message says
    assert mnist.load_data(folder)[0][0].shape[1:] == (28, 28)


def test_drawn_chests_of_two_classes():
    with pytest.raises(CourseError) as error:
        chest_xray.load_data("sample", classes=3)
    assert "quita classes=3" in advice(error)
    (_, labels, _), _ = chest_xray.load_data("sample", size=32)
    assert set(labels.tolist()) == {0, 1}


def test_more_examples_can_be_split():
    with pytest.raises(CourseError) as error:
        splits.stratified([0, 0, 0, 1])
    assert "usa más ejemplos" in advice(error)
    train, held_out = splits.stratified([0, 0, 0, 1, 1, 1], 0.5)
    assert len(train) + len(held_out) == 6


def test_masked_cells_and_batches_become_arrays():
    values = np.ma.masked_array([1.0, 2.0], [False, True])
    with pytest.raises(CourseError) as error:
        as_array(values, "x")
    (line,) = re.findall(r"values\.filled\(0\)", advice(error))
    assert as_array(eval(line, {"values": values}), "x").tolist() == [1, 0]
    batches = Batches(np.array([1.0, 2.0]), np.array([3.0, 4.0]), 2, 0)
    with pytest.raises(CourseError) as error:
        as_array(batches, "x")
    x, y = re.findall(r"batches\.\w+", advice(error))
    found = [as_array(eval(line, {"batches": batches}), "x").tolist() for line in (x, y)]
    assert found == [[1, 2], [3, 4]]


# ---- brains


def test_cases_of_an_edition_that_the_catalogue_has_not(tmp_path, monkeypatch):
    with pytest.raises(CourseError) as error:
        brats.fetch_cases(1, edition="2023")
    (line,) = re.findall(
        r'después (brats\.find_cases\("CARPETA", edition="2023"\));', advice(error)
    )
    write_case(tmp_path / "CARPETA", "BraTS-GLI-00000-000", layout="2023")
    monkeypatch.chdir(tmp_path)
    (case,) = eval(line, {"brats": brats})
    assert case.edition == "2023"


def test_a_case_with_names_of_its_own_is_named_by_hand(tmp_path, monkeypatch):
    labels = np.zeros((3, 4, 5), "uint8")
    labels[1, 2, 3] = 4
    for name, array in {"f": labels * 9.0, "c": labels * 7.0, "m": labels}.items():
        put(tmp_path / f"{name}.nii", nifti(array))
    with pytest.raises(CourseError) as error:
        brats.find_cases(tmp_path)
    monkeypatch.chdir(tmp_path)
    case = eval(advice(error).splitlines()[-1].strip(), {"brats": brats})
    image, mask = brats.load_case(case)
    assert image.shape == (5, 4, 3, 2) and set(np.unique(mask)) == {0, 4}


def test_cases_with_the_modalities_that_all_have(tmp_path):
    few = ("flair", "t1ce")
    write_case(tmp_path / "a", ONE)
    write_case(tmp_path / "b", TWO, kinds=few)
    cases = brats.find_cases(tmp_path / "a") + brats.find_cases(tmp_path / "b", modalities=few)
    with pytest.warns(UserWarning, match="busca los casos otra vez, con modalities=…"):
        assert len(prepared.prepare(cases, tmp_path / "prepared")) == 1
    cases = brats.find_cases(tmp_path, modalities=few)
    assert len(prepared.prepare(cases, tmp_path / "both")) == 2


def test_a_case_whose_files_were_replaced_is_found_again(tmp_path):
    write_case(tmp_path, ONE)
    (case,) = brats.find_cases(tmp_path)
    write_case(tmp_path, ONE, shape=(12, 14, 11))
    with pytest.raises(CourseError) as error:
        brats.load_case(case)
    assert "busca los casos otra vez con brats.find_cases" in advice(error)
    (again,) = brats.find_cases(tmp_path)
    assert brats.load_case(again)[0].shape[:3] == (11, 14, 12)


def test_a_head_with_its_skull_and_a_mask_of_the_brain(tmp_path):
    image = np.arange(1.0, 61).reshape(3, 4, 5)
    brain = np.zeros((3, 4, 5), "uint8")
    brain[1, 1:3, 1:4] = 1
    images = {"flair": put(tmp_path / "f.nii", nifti(image))}
    case = brats.case("ana", "2020", images)
    with pytest.raises(CourseError) as error:
        brats.load_brain(case, brats.load_case(case)[0])
    (argument,) = re.findall(r'(\w+)="brain.nii.gz"', advice(error))
    named = {argument: put(tmp_path / "brain.nii.gz", nifti(brain))}
    case = brats.case("ana", "2020", images, **named)
    assert brats.load_brain(case, brats.load_case(case)[0]).sum() == brain.sum()


def test_a_mask_gets_a_name_of_its_own(tmp_path):
    write_case(tmp_path, ONE)
    (case,) = brats.find_cases(tmp_path)
    labels = brats.load_case(case)[1]
    with pytest.raises(CourseError) as error:
        brats.save_mask(case, labels, case.mask)
    assert "ponle otro nombre a la máscara" in advice(error)
    assert brats.save_mask(case, labels, tmp_path / "otra.nii").is_file()


# ---- networks and their answers


def classified(model, x, y, names):
    where = Origin("a", None, "sample", None, None, "t", True, "l", "c")
    return evaluate_classifier(model, x, y, class_names=names, origin=where)


PICTURES = np.random.default_rng(0).uniform(0, 255, (12, 8, 8, 1)).astype("float32")
NAMES, CLASSES = ["a", "b", "c"], np.arange(12) % 3


def test_a_network_gets_its_softmax():
    model = models.cnn((8, 8, 1), 3, filters=(2,), output_activation=None)
    with pytest.raises(CourseError) as error:
        classified(model, PICTURES, CLASSES, NAMES)
    wanted = r'(output_activation="softmax"), o .*: model = (.+)'
    argument, line = re.search(wanted, advice(error)).groups()
    longer = eval(line, {"keras": keras, "model": model})
    built = eval(f"models.cnn((8, 8, 1), 3, {argument})", {"models": models})
    for right in (longer, built):
        assert 0 <= classified(right, PICTURES, CLASSES, NAMES).scores["accuracy"] <= 1


def test_a_training_that_ran_away_is_begun_with_the_line():
    def trained(optimizer):
        keras.utils.set_random_seed(0)
        model = models.cnn((8, 8, 1), 3, filters=(2,), batch_norm=False)
        model.compile(optimizer, "sparse_categorical_crossentropy")
        model.fit(PICTURES, CLASSES, epochs=2, verbose=0)
        return model

    with pytest.raises(CourseError) as error:
        classified(trained(keras.optimizers.SGD(1e38)), PICTURES, CLASSES, NAMES)
    (line,) = re.findall(r"keras\.optimizers\.Adam\(\S+?\)", advice(error))
    model = trained(eval(line, {"keras": keras}))
    assert 0 <= classified(model, PICTURES, CLASSES, NAMES).scores["accuracy"] <= 1
    (look,) = re.findall(r"np\.isnan", advice(error))
    assert not eval(look, {"np": np})(PICTURES).any()


def test_a_segmentation_gets_its_activation():
    model = models.unet((16, 16, 1), 3, filters=(2, 4), output_activation=None)
    image = 9 * np.ones((1, 16, 16, 1), "float32")
    model.layers[-1].bias.assign([5.0, 5.0, 5.0])
    with pytest.raises(CourseError) as error:
        volumes.to_labels(np.asarray(model(image)), "2020")
    for activation in re.findall(r'(output_activation="sigmoid"|"softmax")', advice(error)):
        outputs = 3 if "sigmoid" in activation else 4
        argument = activation if "=" in activation else f"output_activation={activation}"
        line = f"models.unet((16, 16, 1), {outputs}, filters=(2, 4), {argument})"
        answer = np.asarray(eval(line, {"models": models})(image))
        assert set(np.unique(volumes.to_labels(answer, "2020"))) <= {0, 1, 2, 4}


def test_an_image_goes_through_normalize():
    model = models.unet((None, None, 1), 3, filters=(2, 4), output_activation="sigmoid")
    image = np.arange(256.0, dtype="float32").reshape(1, 16, 16, 1)
    with pytest.raises(CourseError) as error:
        volumes.predict_volume(model, np.where(image == 9, np.nan, image), patch=(16, 16))
    (function,) = re.findall(r"brats\.normalize", advice(error))
    ready = eval(function, {"brats": brats})(image)
    assert np.isfinite(volumes.predict_volume(model, ready, patch=(16, 16))).all()


def test_weights_that_keras_wrote_without_the_top(tmp_path):
    wrong = tmp_path / "wrong.weights.h5"
    keras.Sequential([keras.Input((2,)), layers.Dense(1)]).save_weights(wrong)
    given = {"input_shape": (32, 32, 3), "num_classes": 2, "backbone": "MobileNetV2"}
    with pytest.raises(CourseError) as error:
        models.transfer_classifier(**given, weights=str(wrong))
    (line,) = re.findall(r"keras\.applications\.\w+\(include_top=False\)", advice(error))
    line = line.replace("=False", "=False, weights=None")  # no network here
    right = tmp_path / "right.weights.h5"
    theirs = eval(line, {"keras": keras})
    theirs.save_weights(right)
    ours = models.transfer_classifier(**given, weights=str(right))
    kernel = next(v for v in ours.weights if v.path.endswith("Conv1/kernel"))
    assert np.array_equal(kernel, theirs.get_layer("Conv1").kernel)


def test_cases_are_read_before_they_are_scored(tmp_path):
    write_case(tmp_path, ONE, shape=(16, 16, 4))
    cases = brats.find_cases(tmp_path)
    model = models.unet((16, 16, 4), 3, filters=(2, 4), output_activation="sigmoid")
    where = Origin("a", None, "sample", None, None, "t", True, "l", "c")
    with pytest.raises(CourseError) as error:
        evaluate_segmenter(model, cases, origin=where)
    line = re.search(r"brats\.volumes\(cases\)", advice(error))[0]
    given = eval(line, {"brats": brats, "cases": cases})
    assert 0 <= evaluate_segmenter(model, given, origin=where).scores["dice_WT"] <= 1


# ---- runs


def settings(**changes):
    return SimpleNamespace(**{"run_dir": None, "resume": False, "seed": 0} | changes)


def test_a_run_is_taken_up_with_its_own_settings_or_begun_anew(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = run_dir("t", settings(run_dir="mine"))
    for key, words in (("resume", "los mismos ajustes"), ("run_dir", "--resume")):
        with pytest.raises(CourseError) as error:
            run_dir("t", settings(run_dir="mine", seed=1, resume=key == "resume"))
        assert words in advice(error)
        assert "sin --resume y con una --run-dir nueva" in advice(error)
    assert run_dir("t", settings(run_dir="mine", resume=True)) == run
    new = run_dir("t", settings(run_dir="another", seed=1))
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert new != run and resume(model, new) == 0


def test_a_foreign_history_is_moved_away(tmp_path):
    path = put(tmp_path / "history.csv", b"my notes\n")
    with pytest.raises(CourseError) as error:
        run_folder.read_rows(tmp_path)
    assert "mueve ese archivo a otra parte" in advice(error)
    path.rename(tmp_path / "notes.csv")
    assert run_folder.read_rows(tmp_path) == []


def test_curves_of_a_run_validated_now_and_then(tmp_path):
    with pytest.raises(CourseError) as error:
        learning_curves({"loss": [3, 2, 1], "val_loss": [2.5]}, title="t")
    put(tmp_path / "history.csv", b"epoch,loss,val_loss\n1,3,\n2,2,2.5\n3,1,\n")
    call, line = re.findall(r"(read_history\(run\)).*\((from [\w.]+ import \w+)\)", advice(error))[
        0
    ]
    names = {"run": tmp_path}
    exec(line, names)
    assert names["read_history"] is read_history
    learning_curves(eval(call, names), title="t")
    every = keras.Sequential([keras.Input((1,)), layers.Dense(1)])
    every.compile("sgd", "mse")
    (argument,) = re.findall(r"validation_freq=1", advice(error))
    x = np.ones((4, 1))
    history = eval(
        f"every.fit(x, x, validation_data=(x, x), epochs=2, verbose=0, {argument})",
        {"every": every, "x": x},
    ).history
    learning_curves(history, title="t")
