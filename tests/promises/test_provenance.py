"""What was not compared is not called by the catalogue's name; a run knows its data again."""

import gzip
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import types
import warnings

import keras
import numpy as np
import pytest
import yaml
from keras import layers

import course
from course.cli import main
from course.datasets import california, catalog, fetch, mnist, sign_mnist
from course.datasets.download import answers, cache
from course.errors import CourseError
from course.evaluation import evaluate_classifier, evaluate_segmenter, fingerprint
from course.export import export
from tests import ROOT
from tests.fakes import HOUSING_ROWS, housing_csv, idx, pictures, write_mnist, write_sign_mnist
from tests.kaggle_stub import KaggleStub

NAMES = [
    f"{part}-{kind}"
    for part in ("train", "t10k")
    for kind in ("images.idx3-ubyte", "labels.idx1-ubyte")
]
UNKNOWN = ("copia propia, no verificada", "no indicada", "no indicada", None)


@pytest.fixture
def known(tmp_path, monkeypatch):
    """The course's catalogue, with a MNIST and a housing table of a few bytes as the known ones."""
    tree = yaml.safe_load((ROOT / "datasets.yaml").read_text(encoding="utf-8"))
    folder = tmp_path / "known"
    parts = write_mnist(folder)
    for file, array in zip(tree["mnist"]["files"], [a for p in parts for a in p], strict=True):
        data = idx(array)
        file.update(size_bytes=len(data), sha256=hashlib.sha256(data).hexdigest())
        file["content"] = {"kind": "idx", "shape": list(array.shape)}
        if array.ndim == 1:
            values, counts = np.unique(array, return_counts=True)
            file["content"]["histogram"] = dict(zip(values.tolist(), counts.tolist(), strict=True))
    path = tmp_path / "datasets.yaml"
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    usual = course.beside
    monkeypatch.setattr(course, "beside", lambda n: path if n == "datasets.yaml" else usual(n))
    catalog._cached.cache_clear()
    yield folder
    catalog._cached.cache_clear()


def bears(name, source):
    """What an origin calls the data, and by whose licence, citation and handle."""
    found = catalog.origin(name, source)
    return found.title, found.licence, found.citation, found.handle


def verified(name="mnist"):
    info = catalog.get(name)
    return f"{info.title}, copia propia", info.licence, info.citation, None


def others(folder):
    """Four files under MNIST's names, as long and with as many of each label, other pictures."""
    parts = write_mnist(folder)
    for name, array in zip(NAMES, [array for part in parts for array in part], strict=True):
        (folder / name).write_bytes(idx(255 - array if array.ndim == 3 else array[::-1]))
    return folder


# ---- a folder of one's own


def test_files_under_mnist_s_names_are_not_mnist(tmp_path):
    write_mnist(tmp_path)
    mnist.load_data(tmp_path)
    assert bears("mnist", tmp_path) == UNKNOWN
    write_sign_mnist(tmp_path)
    assert bears("sign_mnist", tmp_path) == UNKNOWN
    (tmp_path / "housing.csv").write_bytes(housing_csv())
    assert bears("california", tmp_path) == UNKNOWN
    assert bears("brats2020", tmp_path) == UNKNOWN  # of which no hash is known
    assert bears("mnist", tmp_path / "nowhere") == UNKNOWN


def test_one_other_byte_is_another_set(known):
    assert bears("mnist", known) == verified()
    assert "sha256 del catálogo" in catalog.origin("mnist", known).checked
    data = bytearray((known / NAMES[2]).read_bytes())
    data[-1] ^= 1
    stamp = os.stat(known / NAMES[2])
    (known / NAMES[2]).write_bytes(data)
    os.utime(known / NAMES[2], ns=(stamp.st_atime_ns, stamp.st_mtime_ns))  # its time kept
    assert bears("mnist", known) == UNKNOWN
    assert NAMES[2] in catalog.origin("mnist", known).checked


@pytest.mark.parametrize("form", ["dotted", "dashed", "nested"])
@pytest.mark.parametrize("packing", ["plain", "gz", "gz named plainly"])
def test_the_known_bytes_are_known_in_every_form(known, tmp_path, form, packing):
    expected = write_mnist(tmp_path / "mine", form, gz=packing != "plain")
    if packing == "gz named plainly":
        for path in (tmp_path / "mine").rglob("*.gz"):
            path.rename(path.with_suffix(""))
    np.testing.assert_array_equal(mnist.load_data(tmp_path / "mine")[1][0], expected[1][0])
    assert bears("mnist", tmp_path / "mine") == verified()


def test_a_folder_by_any_of_its_names(known, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "link").symlink_to(known)
    (known / "below").mkdir()
    monkeypatch.chdir(known)
    for source in (f"{known}/", "~/known", "../known", tmp_path / "link", ".", "./"):
        mnist.load_data(source)
        assert bears("mnist", source) == verified()
        assert catalog.origin("mnist", source).source == str(known.resolve())
    monkeypatch.chdir(known / "below")
    assert catalog.origin("mnist", "..").source == str(known.resolve())


def test_two_projects_with_a_folder_of_one_name_are_two(known, tmp_path, monkeypatch):
    sources = []
    for home in ("a", "b"):
        shutil.copytree(known, tmp_path / home / "datos")
        monkeypatch.chdir(tmp_path / home)
        sources.append(catalog.origin("mnist", "datos").source)
    assert sources == [str(tmp_path / home / "datos") for home in ("a", "b")]


def test_labels_of_another_are_named(known):
    (known / NAMES[3]).write_bytes(idx(np.array([1, 2, 3], "uint8")))
    with pytest.warns(UserWarning, match=r"train-images.* son los de MNIST. .*t10k-labels.*: no"):
        mnist.load_data(known)
    assert bears("mnist", known) == UNKNOWN


@pytest.mark.parametrize("pairs", [(0, 2), (1, 3), (2, 0)])
def test_a_file_of_the_other_part_is_named(known, pairs):
    one, other = (known / NAMES[i] for i in pairs)
    one.write_bytes(other.read_bytes())
    with pytest.raises(CourseError) as error:
        mnist.load_data(known)
    assert str(one) in str(error.value) and f"contiene {other.name}" in str(error.value)


def test_train_and_test_changed_for_each_other_are_named(known):
    for name in NAMES[:2]:
        one, other, aside = known / name, known / name.replace("train", "t10k"), known / "aside"
        one.rename(aside)
        other.rename(one)
        aside.rename(other)
    with pytest.raises(CourseError, match="contiene t10k-images.* no train-images"):
        mnist.load_data(known)


def test_of_two_forms_the_known_one_is_read(known):
    good = (known / NAMES[0]).read_bytes()
    (known / f"{NAMES[0]}.gz").write_bytes(gzip.compress(good))
    (known / NAMES[0]).write_bytes(good[:-5])  # damaged, and it would come first
    (x, _), _ = mnist.load_data(known)
    assert idx(x) == good and bears("mnist", known) == verified()


def test_of_two_forms_that_differ_none_is_taken_in_silence(tmp_path):
    write_mnist(tmp_path)
    first, second = tmp_path / NAMES[0], tmp_path / "train-images-idx3-ubyte"
    second.write_bytes(first.read_bytes())
    mnist.load_data(tmp_path)  # the same twice
    second.write_bytes(idx(pictures(5, seed=9)))
    with pytest.raises(CourseError, match="candidatos") as error:
        mnist.load_data(tmp_path)
    assert str(first) in str(error.value) and str(second) in str(error.value)


# ---- what Kaggle sent or mounted


@pytest.fixture
def inside_kaggle(known, tmp_path, monkeypatch):
    """A notebook at Kaggle whose proxy does not answer. Returns the mount."""
    monkeypatch.setattr(answers, "time", types.SimpleNamespace(sleep=lambda s: None))
    mount = tmp_path / "input"
    mount.mkdir()
    for name, value in {
        "KAGGLE_KERNEL_RUN_TYPE": "Interactive",
        "KAGGLE_DATA_PROXY_URL": "http://127.0.0.1:9",
        "KAGGLE_DATA_PROXY_TOKEN": "x",
        "KAGGLE_USER_SECRETS_TOKEN": "x",
        "KAGGLE_CACHE_MOUNT_FOLDER": str(mount),
        "COURSE_MOUNT_LIMIT_S": "0.3",
    }.items():
        monkeypatch.setenv(name, value)
    return mount


@pytest.mark.parametrize("name", ["mnist-invertido", "datasets/ana/mnist-dataset"])
def test_another_mount_is_not_taken_but_named(inside_kaggle, name, capsys):
    other = others(inside_kaggle / name)
    with pytest.raises(CourseError) as error:
        mnist.load_data("kaggle")
    (advised,) = re.findall(r"source = '(.+)'", str(error.value))  # typed in a notebook
    assert advised == str(other)
    mnist.load_data(advised)
    assert bears("mnist", advised) == UNKNOWN


def test_another_mount_with_the_known_bytes_bears_the_name(inside_kaggle, known):
    others(inside_kaggle / "a-first")
    shutil.copytree(known, inside_kaggle / "mine")
    (x, _), _ = mnist.load_data("kaggle")
    assert idx(x) == (known / NAMES[0]).read_bytes()
    origin = catalog.origin("mnist", "kaggle")
    assert (origin.title, origin.handle) == ("MNIST", "hojjatk/mnist-dataset")
    assert "sha256 del catálogo" in origin.checked


def test_other_bytes_under_the_handle_are_used_and_said(inside_kaggle):
    others(inside_kaggle / "datasets" / "hojjatk" / "mnist-dataset")
    with pytest.warns(UserWarning) as told:
        mnist.load_data("kaggle")
    words = [re.search("coincide: (.+?)\\.", str(w.message))[1] for w in told]
    assert words == ["su forma", "su forma, cuántas veces está cada categoría"] * 2
    origin = catalog.origin("mnist", "kaggle")
    assert origin.title == "MNIST" and origin.checked.startswith("distinto del espejo")
    assert "train-images.idx3-ubyte, del que coincide su forma" in origin.checked


def test_where_no_hash_is_known_the_report_says_so(inside_kaggle):
    case = inside_kaggle / "brats20-dataset-training-validation/BraTS2020_TrainingData"
    (case / "MICCAI_BraTS2020_TrainingData/BraTS20_Training_001").mkdir(parents=True)
    assert catalog.origin("brats2020", "kaggle").checked.startswith("hash no visto")
    assert catalog.origin("mnist", "kaggle").checked is None  # nothing has come yet


def test_a_file_replaced_with_its_time_kept_is_examined_again(known, tmp_path, monkeypatch):
    folder = cache.Cache(catalog.get("mnist")).folder
    shutil.copytree(known, folder)
    fetch("mnist")
    path = folder / NAMES[1]
    stamp = os.stat(path)
    path.write_bytes(path.read_bytes()[:-1] + b"\x07")
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    monkeypatch.setattr("course.datasets.download.fetch.download", lambda *a: folder)
    with pytest.raises(CourseError, match="no es lo que describe datasets.yaml"):
        fetch("mnist")


# ---- two processes


FETCH = """
import pathlib, sys, course
course.beside = lambda name: pathlib.Path(sys.argv[1])
from course.datasets import fetch
from course.errors import CourseError
try:
    print(fetch("mnist"))
except CourseError as error:
    sys.exit(str(error))
"""


def test_two_processes_that_fetch_at_once_both_end_well(known, tmp_path):
    with KaggleStub() as stub:
        names = {path.name: path.read_bytes() for path in known.iterdir()}
        stub.serve("hojjatk/mnist-dataset", names)
        for _ in range(2):
            stub.hang(1.5, on="storage")
        environment = {**os.environ, **stub.environment(tmp_path / "home")}
        command = [sys.executable, "-c", FETCH, str(tmp_path / "datasets.yaml")]
        both = [
            subprocess.Popen(
                command,
                cwd=ROOT,
                env=environment,
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            for _ in range(2)
        ]
        answered = [one.communicate(timeout=60) for one in both]
        assert [one.returncode for one in both] == [0, 0], answered
        assert len({out for out, _ in answered}) == 1
        assert stub.names().count("storage") == 1  # the second took what the first brought
    assert sum("Otro proceso está trayendo" in err for _, err in answered) == 1


def test_another_s_kagglehub_on_the_cache_is_no_fault_of_the_disk(known, monkeypatch):
    folder = cache.Cache(catalog.get("mnist")).folder
    monkeypatch.setattr(answers, "time", types.SimpleNamespace(sleep=lambda s: None))
    tries = []

    def download(handle, path=None):
        tries.append(handle)
        if len(tries) == 1:
            raise FileNotFoundError(2, "No such file", "1.archive")  # the other deleted it
        shutil.copytree(known, folder)
        return str(folder)

    monkeypatch.setattr("kagglehub.dataset_download", download)
    assert fetch("mnist") == folder and len(tries) == 2
    shutil.rmtree(folder)
    tries.clear()
    monkeypatch.setattr("kagglehub.dataset_download", lambda *a: tries.clear() or download(*a))
    with pytest.raises(CourseError, match="otro proceso borró archivos") as error:
        fetch("mnist")
    assert "No se pudo escribir" not in str(error.value)


def test_who_holds_the_cache_without_end_is_named(known, monkeypatch):
    kept = cache.Cache(catalog.get("mnist"))
    monkeypatch.setattr(cache, "_IDLE_S", 0.3)
    with kept.alone(), pytest.raises(CourseError, match="Otro proceso tiene ocupada"):
        fetch("mnist")


def test_a_cache_that_may_not_be_locked_is_used_all_the_same(known, monkeypatch):
    shutil.copytree(known, cache.Cache(catalog.get("mnist")).folder)

    def refuse(file):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(cache, "_lock", refuse)
    with cache.Cache(catalog.get("mnist")).alone():
        assert fetch("mnist").is_dir()


# ---- training and test part


@pytest.mark.parametrize("reader", [mnist, sign_mnist])
def test_the_training_part_given_as_test_part(tmp_path, reader):
    if reader is mnist:
        write_mnist(tmp_path)
        for kind in ("images.idx3-ubyte", "labels.idx1-ubyte"):
            shutil.copy(tmp_path / f"train-{kind}", tmp_path / f"t10k-{kind}")
    else:
        write_sign_mnist(tmp_path)
        shutil.copy(tmp_path / "sign_mnist_train.csv", tmp_path / "sign_mnist_test.csv")
    with pytest.raises(CourseError, match="100.%.*iguales, entre las de entrenamiento"):
        reader.load_data(tmp_path)


def test_some_test_pictures_in_the_training_part(tmp_path):
    (images, _), (tested, _) = write_mnist(tmp_path)
    (tmp_path / NAMES[2]).write_bytes(idx(np.concatenate([images[:1], tested[1:]])))
    with pytest.warns(UserWarning, match=r"de 3.imágenes de prueba, 33,3.% \(1.imagen\)"):
        mnist.load_data(tmp_path)


def houses(n):
    """`n` rows that differ."""
    rows = [HOUSING_ROWS[i % 6].split(",") for i in range(n)]
    return [",".join([*row[:3], f"{900 + i}.0", *row[4:]]) for i, row in enumerate(rows)]


def test_a_table_twice_in_its_file_and_the_advice_that_mends_it(tmp_path):
    (tmp_path / "housing.csv").write_bytes(housing_csv(houses(60)))
    expected = california.load_data(tmp_path)
    (tmp_path / "housing.csv").write_bytes(housing_csv(houses(60) * 2))
    with pytest.warns(UserWarning, match="también están, iguales") as told:
        california.load_data(tmp_path)
    text = str(told[0].message)
    assert re.search(r"de 24.filas de prueba, \d\d(,\d)?.% \(\d+.filas\)", text)
    exec("\n".join(line[4:] for line in text.splitlines() if line.startswith("    ")), {})
    found = california.load_data(tmp_path)  # without a warning, which would be an error here
    np.testing.assert_array_equal(found[1][1], expected[1][1])


@pytest.mark.parametrize("divisor", [1e5, 1e3, 1e-3])
def test_a_target_that_cannot_be_dollars(tmp_path, divisor):
    rows = [row.split(",") for row in houses(12)]
    for row in rows:
        row[8] = str(float(row[8]) / divisor)
    (tmp_path / "housing.csv").write_bytes(housing_csv([",".join(row) for row in rows]))
    with pytest.raises(CourseError, match="median_house_value va en dólares.*Llegó: "):
        california.load_data(tmp_path)


# ---- a run and its data


def quarters():
    """A network that answers with the quarter of the picture that holds the most ink."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1), name="pixels"),
            layers.AveragePooling2D(14),
            layers.Flatten(),
            layers.Dense(10, activation="softmax"),
        ]
    )
    kernel = np.zeros((4, 10), "float32")
    kernel[range(4), range(4)] = 1 / 12
    model.layers[-1].set_weights([kernel, np.zeros(10, "float32")])
    return model


@pytest.fixture(scope="module")
def model():
    return quarters()


def scored(model, source, run, limit=None, page=False, **card):
    """A run as a lesson leaves it: measured, exported, reported."""
    _, (x, y) = mnist.load_data(source)
    report = evaluate_classifier(
        model,
        x[:limit, ..., None],
        y[:limit],
        class_names=mnist.CLASS_NAMES,
        origin=catalog.origin("mnist", source),
    )
    export(model, run, card=report.card(preparation="digit", **card))
    if page:
        report.save(run)
    return report


@pytest.fixture
def datos(tmp_path):
    """A folder with four files of one's own."""
    write_mnist(tmp_path / "datos")
    return tmp_path / "datos"


def test_a_run_is_not_scored_on_whatever_has_the_folder_s_name(
    model, tmp_path, monkeypatch, capsys
):
    for home in ("a", "b"):
        write_mnist(tmp_path / home / "datos")
    monkeypatch.chdir(tmp_path / "a")
    scored(model, "datos", "run")
    (tmp_path / "b/datos" / NAMES[3]).write_bytes(idx(np.array([5, 5, 5], "uint8")))
    monkeypatch.chdir(tmp_path / "b")
    assert main(["evaluate", "../a/run"]) == 0  # a's data, where a's run found them
    assert f"en 3{chr(160)}imágenes" in capsys.readouterr().out
    report = json.loads((tmp_path / "a/run/report.json").read_text(encoding="utf-8"))
    assert report["origin"]["source"] == str(tmp_path / "a/datos")


@pytest.mark.parametrize("change", ["fewer", "more", "a label", "a pixel", "another order"])
def test_other_data_in_the_run_s_folder_are_refused_and_nothing_is_overwritten(
    model, tmp_path, capsys, change
):
    _, (x, y) = write_mnist(tmp_path / "datos")
    scored(model, tmp_path / "datos", tmp_path / "run", page=True)
    before = {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()}
    if change == "fewer":
        x, y = x[:2], y[:2]
    elif change == "more":
        x, y = pictures(4, seed=8), np.arange(4, dtype="uint8")
    elif change == "a label":
        y[0] += 1
    elif change == "a pixel":
        x[0, 0, 0] ^= 1
    else:
        x, y = x[::-1], y[::-1]
    (tmp_path / "datos" / NAMES[2]).write_bytes(idx(x))
    (tmp_path / "datos" / NAMES[3]).write_bytes(idx(y))
    assert main(["evaluate", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert re.search(rf"se midió en 3 \(sha256 .+ hay {len(y)} \(sha256", error)
    assert {p: p.read_bytes() for p in (tmp_path / "run").rglob("*") if p.is_file()} == before
    write_mnist(tmp_path / "datos")  # what the message says
    assert main(["evaluate", str(tmp_path / "run")]) == 0


def test_a_run_of_fewer_cases_is_scored_on_the_same_ones(model, datos, tmp_path, capsys):
    report = scored(model, datos, tmp_path / "run", limit=2)
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith(report.headline) and "Atención" not in printed


@pytest.mark.parametrize(
    "lacking, words",
    [
        ({"test_data": None}, "con qué datos se midió."),
        ({"scores": None}, "qué puntaje obtuvo."),
        ({"test_data": None, "scores": {}}, "con qué datos se midió, ni qué puntaje obtuvo."),
    ],
)
def test_what_an_old_card_does_not_say_is_not_compared_and_that_is_told(
    model, datos, tmp_path, capsys, lacking, words
):
    scored(model, datos, tmp_path / "run", **lacking)
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    printed = capsys.readouterr().out
    assert f"Sin comparar: la tarjeta de la corrida no dice {words}\n" in printed
    assert "Atención" not in printed
    assert words in (tmp_path / "run/report.html").read_text("utf-8")


@pytest.mark.parametrize("recorded", [True, False])
def test_a_score_that_parts_from_the_card_s_is_said(model, datos, tmp_path, capsys, recorded):
    """The network was measured on divided pixels; `course evaluate` gives it what the card says."""
    others = {} if recorded else {"test_data": None}
    scored(model, datos, tmp_path / "run", scores={"accuracy": 0.855}, **others)
    assert main(["evaluate", str(tmp_path / "run")]) == 0
    (line,) = [one for one in capsys.readouterr().out.splitlines() if one.startswith("Atención")]
    assert "exactitud 85,5" in line and " y ahora " in line
    assert ("con los mismos datos" in line) == recorded
    assert "Atención: según la tarjeta" in (tmp_path / "run/report.html").read_text("utf-8")


def test_the_score_is_shown_where_the_page_cannot_be_written(
    model, datos, tmp_path, capsys, monkeypatch
):
    scored(model, datos, tmp_path / "run")
    order, usual = [], pathlib.Path.write_bytes

    def refuse(self, data):
        if self.parent == tmp_path / "run":
            order.append("tried")
            raise PermissionError(13, "Permission denied")
        return usual(self, data)

    monkeypatch.setattr(pathlib.Path, "write_bytes", refuse)
    predict = keras.Model.predict
    monkeypatch.setattr(
        keras.Model, "predict", lambda *a, **k: order.append("work") or predict(*a, **k)
    )
    assert main(["evaluate", str(tmp_path / "run")]) == 2
    printed = capsys.readouterr()
    assert printed.out.startswith("Exactitud ") and "Informe" not in printed.out
    assert printed.err.count("No se pudo escribir") == 1 and "Traceback" not in printed.err
    assert order == ["tried", "work"]
    (advised,) = re.findall("python -m course (.+) COPIA", printed.err)
    shutil.copytree(tmp_path / "run", tmp_path / "copy")
    assert main([advised, str(tmp_path / "copy")]) == 0


def test_the_score_is_shown_where_the_figures_cannot_be_written(model, datos, tmp_path, capsys):
    scored(model, datos, tmp_path / "run")
    (tmp_path / "run/figures").write_text("")
    assert main(["evaluate", str(tmp_path / "run")]) == 2
    printed = capsys.readouterr()
    assert printed.out.startswith("Exactitud ") and "No se pudo escribir" in printed.err


def test_a_fingerprint_is_of_the_values_not_of_their_type():
    x, y = pictures(3), [1, 2, 3]
    one = fingerprint.of_arrays(x, y)
    for same in (x[..., None], x.astype("float32"), x.astype("int64")):
        assert fingerprint.of_arrays(same, np.array(y, "uint8")) == one
    assert fingerprint.of_arrays(x / 255, y) != one
    columns = {"a": np.array([1.0, np.nan]), "b": np.array(["x", "y"], object)}
    backwards = dict(reversed(columns.items()))
    assert fingerprint.of_arrays(columns, y[:2]) == fingerprint.of_arrays(backwards, y[:2])
    other = {**columns, "b": np.array(["x", "z"], object)}
    assert fingerprint.of_arrays(columns, y[:2]) != fingerprint.of_arrays(other, y[:2])


def test_cases_are_known_by_their_masks_in_any_order():
    def judged(names, corner=4):
        def case(name):
            labels = np.zeros((4, 8, 8), "uint8")
            labels[1:3, 2:6, 2:6], labels[1, 2, 2] = 4, corner
            image = np.ones((4, 8, 8, 1))
            return types.SimpleNamespace(
                name=name, image=image, labels=labels, spacing_mm=(1, 1, 1), edition="2020"
            )

        answer = np.zeros((4, 8, 8, 3))
        answer[1:3, 2:6, 2:6] = 1
        origin = catalog.origin("brats2020", "sample")
        report = evaluate_segmenter(
            None, map(case, names), origin=origin, predict=lambda *_: answer
        )
        return report.card()["test_data"]

    assert judged("ab") == judged("ba") and judged("ab")["n"] == 2
    assert len({judged(n, c)["sha256"] for n, c in (("ab", 4), ("ac", 4), ("ab", 0))}) == 3


# ---- the real ones


@pytest.mark.realdata
@pytest.mark.parametrize(
    "name, place", [("mnist", "hojjatk"), ("sign_mnist", "datamunge"), ("california", "camnugent")]
)
def test_the_real_data_bear_their_names(tmp_path, name, place):
    if not os.environ.get("COURSE_TEST_DATA"):
        pytest.skip("COURSE_TEST_DATA is not set")
    (archive,) = pathlib.Path(os.environ["COURSE_TEST_DATA"], "kaggle", place).glob("*.zip")
    shutil.unpack_archive(archive, tmp_path)
    reader = {"mnist": mnist, "sign_mnist": sign_mnist, "california": california}[name]
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is shared between the parts
        reader.load_data(tmp_path)
    assert bears(name, tmp_path) == verified(name)
