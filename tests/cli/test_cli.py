"""The command line: what is typed, what is printed, and with which code it ends."""

import importlib.metadata
import json
import pathlib
import re
import subprocess
import sys

import keras
import numpy as np
import pytest
from keras import layers
from PIL import Image

from course import cli
from course.cli import main
from course.datasets import catalog
from course.datasets.download.cache import Cache
from course.export import export
from course.kaggle import lessons
from tests import ROOT


@pytest.fixture
def kernels(tmp_path, monkeypatch):
    """A folder of lessons: two whole ones and a folder without its file."""
    folder = tmp_path / "kernels"
    for name in ("taller1_mlp_regresion", "taller2_cnn_mnist"):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}.py").write_text(
            "import pathlib, sys\n"
            "print(__name__, pathlib.Path(__file__).name, *sys.argv[1:])\n"
            "from course.errors import CourseError\n"
            "if '--fail' in sys.argv: raise CourseError('epochs: se esperaba 1 o más.')\n"
            "if '--stop' in sys.argv: raise KeyboardInterrupt\n"
            "if '--help' in sys.argv: sys.exit(0)\n"
            "if '--bug' in sys.argv: {}['bug']\n"
        )
    (folder / "taller9_vacio").mkdir()
    monkeypatch.setattr(lessons, "KERNELS", folder)
    return folder


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory):
    """A run that answers with the quarter of the picture that holds the most ink."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1), name="pixels"),
            layers.Rescaling(1 / 255, name="scale"),
            layers.AveragePooling2D(14, name="quarters"),
            layers.Flatten(name="flatten"),
            layers.Dense(10, activation="softmax", name="output"),
        ],
        name="quarters",
    )
    kernel = np.zeros((4, 10), "float32")
    kernel[range(4), range(4)] = 20
    model.layers[-1].set_weights([kernel, np.zeros(10, "float32")])
    card = {
        "task": "classification",
        "class_names": list("0123456789"),
        "data": catalog.origin("mnist", "sample").as_dict(),
        "preparation": "digit",
        "seed": 0,
    }
    return export(model, tmp_path_factory.mktemp("digits"), card=card).parent


@pytest.fixture(scope="session")
def houses_run(tmp_path_factory):
    """A run that answers twice the median income, and knows the ocean's words."""
    words = layers.StringLookup(vocabulary=["INLAND", "ISLAND"], output_mode="one_hot")
    names = ("longitude", "latitude", "housing_median_age", "total_rooms", "total_bedrooms")
    names += ("population", "households", "median_income")
    inputs = {name: keras.Input((1,), name=name) for name in names}
    inputs["ocean_proximity"] = keras.Input((1,), name="ocean_proximity", dtype="string")
    # the missing bedrooms must not reach the answer, 0 × NaN would be NaN
    rooms = keras.ops.nan_to_num(inputs["total_bedrooms"])
    numbers = [rooms if name == "total_bedrooms" else inputs[name] for name in names]
    row = layers.Concatenate()([*numbers, words(inputs["ocean_proximity"])])
    model = keras.Model(inputs, layers.Dense(1, name="price")(row), name="houses")
    kernel = np.zeros((11, 1))
    kernel[names.index("median_income")] = 2
    model.get_layer("price").set_weights([kernel, np.zeros(1)])
    card = {
        "task": "regression",
        "unit": "100 000 $",
        "data": catalog.origin("california", "sample").as_dict(),
        "preparation": None,
        "seed": 0,
    }
    return export(model, tmp_path_factory.mktemp("houses"), card=card).parent


def change_card(run, folder, **changes):
    """A copy of a run with another card."""
    (folder / "model.keras").write_bytes((run / "model.keras").read_bytes())
    card = json.loads((run / "card.json").read_text(encoding="utf-8"))
    (folder / "card.json").write_text(json.dumps({**card, **changes}), encoding="utf-8")
    return folder


def message(capsys, *arguments):
    """The message of a command that must end with 2, whatever was printed before."""
    assert main([str(argument) for argument in arguments]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


# ---- words


@pytest.mark.parametrize(
    "arguments, hint",
    [
        (["rnu", "taller2"], "no tiene la orden 'rnu'. ¿Querías decir run?"),
        (["dat"], "¿Querías decir data?"),
        (["data", "lst"], "course data no tiene la orden 'lst'. ¿Querías decir list?"),
        (["xyz"], "no tiene la orden 'xyz'. Se esperaba una de: data, run, evaluate, predict, "),
        (["data", "fetch", "minst"], "¿Querías decir mnist?"),
        (["data", "verify", "mnist", "californa"], "¿Querías decir california?"),
    ],
)
def test_a_typo_gets_the_nearest_word(capsys, arguments, hint):
    assert hint in message(capsys, *arguments)


@pytest.mark.parametrize(
    "arguments", [[], ["data"], ["run"], ["predict", "x"], ["data", "list", "-z"]]
)
def test_what_is_missing_or_unknown_ends_with_usage_and_2(capsys, arguments):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "uso: python -m course" in capsys.readouterr().err


def test_help_shows_commands_that_can_be_typed(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--help"])
    assert end.value.code == 0
    assert "python -m course run taller2 --source sample" in capsys.readouterr().out


def test_as_a_process_a_message_goes_to_stderr_and_the_code_is_2():
    answer = subprocess.run(
        [sys.executable, "-m", "course", "run", "talle2"], cwd=ROOT, capture_output=True, text=True
    )
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "No hay un taller" in answer.stderr and "Traceback" not in answer.stderr


# ---- data


def test_data_list_names_every_data_set_with_its_handle(capsys):
    assert main(["data", "list"]) == 0
    head, *rows = capsys.readouterr().out.splitlines()
    assert head.split() == ["NOMBRE", "TÍTULO", "KAGGLE", "LICENCIA", "AQUÍ"]
    assert [row.split()[0] for row in rows] == catalog.names()
    for row in rows:
        info = catalog.get(row.split()[0])
        assert f"{info.handle}@{info.version}" in row and info.licence in row
        assert row.endswith("no")  # the suite's home is empty


def test_data_fetch_prints_the_folder(capsys, monkeypatch, tmp_path):
    asked = []

    def fetch(name, *, data_dir=None):
        asked.append((name, data_dir))
        return tmp_path

    monkeypatch.setattr("course.datasets.fetch", fetch)
    assert main(["data", "fetch", "mnist", "--data-dir", "here"]) == 0
    assert asked == [("mnist", "here")]
    assert capsys.readouterr().out.strip() == str(tmp_path)


def test_data_verify_says_how_each_file_is_and_ends_with_2_for_a_bad_one(capsys, monkeypatch):
    from course.datasets.download import inventory
    from course.datasets.download.verify import FileState

    verdicts = [
        FileState(pathlib.Path("a.csv"), "sha256"),
        FileState(pathlib.Path("b.csv"), "form"),
    ]
    monkeypatch.setattr(inventory, "check", lambda name, data_dir: verdicts)
    assert main(["data", "verify", "mnist"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "mnist: a.csv: bien, por su sha256",
        "mnist: b.csv: bien, por su form",
    ]
    verdicts[1] = FileState(pathlib.Path("b.csv"), "form", "it is empty")
    assert "Dañados: mnist.\nQué hacer: " in message(capsys, "data", "verify", "mnist")


def test_data_verify_says_so_where_nothing_can_be_compared(capsys, tmp_path):
    normal = Cache(catalog.get("chest_xray"), tmp_path).folder / "chest_xray/train/NORMAL"
    normal.mkdir(parents=True)
    (normal / "IM-0115-0001.jpeg").touch()
    assert main(["data", "verify", "chest_xray", "--data-dir", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("chest_xray: nada que comparar: ")


def test_data_verify_record_prints_the_block(capsys, monkeypatch):
    from course.datasets.download import inventory

    monkeypatch.setattr(inventory, "record", lambda name, data_dir: f"  # {name}")
    assert main(["data", "verify", "mnist", "california", "--record"]) == 0
    assert capsys.readouterr().out == "  # mnist\n  # california\n"


def test_data_verify_of_nothing_says_what_to_type(capsys):
    assert "python -m course data fetch mnist" in message(capsys, "data", "verify")


# ---- run


@pytest.mark.parametrize("name", ["taller2", "taller2_cnn_mnist", "Taller2", "taller2_cnn"])
def test_run_runs_that_very_file_with_its_flags(capsys, kernels, name):
    argv = list(sys.argv)
    assert main(["run", name, "--source", "sample", "--epochs=3"]) == 0
    expected = "__main__ taller2_cnn_mnist.py --source sample --epochs=3\n"
    assert capsys.readouterr().out == expected
    assert sys.argv == argv


def test_a_lesson_is_not_taken_for_its_second_part(kernels):
    (kernels / "taller2b_mas").mkdir()
    (kernels / "taller2b_mas" / "taller2b_mas.py").write_text("")
    assert lessons.find("taller2").stem == "taller2_cnn_mnist"
    assert lessons.find("Taller2b").stem == "taller2b_mas"


def test_run_passes_help_and_exit_codes_on(capsys, kernels):
    with pytest.raises(SystemExit) as end:
        main(["run", "taller2", "--help"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("__main__ taller2_cnn_mnist.py --help")


@pytest.mark.parametrize(
    "name, hint",
    [
        ("taler2", "No hay un taller 'taler2'. ¿Querías decir taller2?"),
        ("taller2_cnn_minst", "¿Querías decir taller2_cnn_mnist?"),
        ("taller9", "No hay un taller 'taller9'"),
        (
            "taller",
            "empiezan 2 talleres. Se esperaba uno de: taller1_mlp_regresion, taller2",
        ),
    ],
)
def test_run_of_no_lesson_suggests_one(capsys, kernels, name, hint):
    assert hint in message(capsys, "run", name)


def test_run_in_a_bare_wheel_says_where_the_lessons_live(capsys, kernels, monkeypatch):
    monkeypatch.setattr(lessons, "KERNELS", kernels / "nowhere")
    text = message(capsys, "run", "taller2")
    assert "los talleres están en la carpeta kernels/ del repositorio del curso" in text


def test_a_lesson_s_message_ends_with_2_ctrl_c_with_130_and_a_bug_shows_itself(capsys, kernels):
    assert message(capsys, "run", "taller2", "--fail") == "epochs: se esperaba 1 o más.\n"
    assert main(["run", "taller2", "--stop"]) == 130
    assert "Detenido. La misma orden con --resume" in capsys.readouterr().err
    with pytest.raises(KeyError, match="bug"):
        main(["run", "taller2", "--bug"])


# ---- evaluate


def test_evaluate_scores_on_the_data_that_the_card_names(capsys, digits_run, tmp_path):
    run = change_card(digits_run, tmp_path)
    before = {path.name: path.read_bytes() for path in run.iterdir()}
    assert main(["evaluate", str(run)]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("Exactitud ") and "no es MNIST" in printed
    assert f"Informe: {run / 'report.html'}" in printed
    saved = json.loads((run / "report.json").read_text(encoding="utf-8"))
    assert saved["origin"] == catalog.origin("mnist", "sample").as_dict()
    assert 0 < saved["scores"]["accuracy"] < 0.5  # four quarters cannot read ten digits
    for name, content in before.items():
        assert (run / name).read_bytes() == content


def test_evaluate_of_houses_takes_raw_columns(capsys, houses_run, tmp_path):
    from course.datasets import california

    run = change_card(houses_run, tmp_path, data_seed=3)
    assert main(["evaluate", str(run)]) == 0
    assert "R²" in capsys.readouterr().out
    saved = json.loads((run / "report.json").read_text(encoding="utf-8"))
    columns, prices = california.load_data("sample", seed=3)[1]
    expected = np.abs(2 * columns["median_income"] - prices).mean()
    assert saved["scores"]["mae"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(
    "n, row, kept",
    [
        (1600, {}, True),
        (300, {}, False),  # scored on another test part
        (1600, {"behind": "much"}, False),  # somebody wrote in it
        (1600, {"scores": {"r2": 0.5}}, False),
    ],
)
def test_evaluate_keeps_what_stood_beside_the_network(houses_run, tmp_path, n, row, kept):
    run = change_card(houses_run, tmp_path)
    beside = {
        "scores": {"r2": 0.5, "rmse": 1.0, "mae": 0.8},
        "intervals": {"r2": [0.4, 0.6], "rmse": [0.9, 1.1], "mae": None},
        "behind": 0.1,
        "behind_interval": [0.0, 0.2],
    }
    report = {"n": n, "baselines": {"Un bosque": {**beside, **row}}}
    (run / "report.json").write_text(json.dumps(report), encoding="utf-8")
    assert main(["evaluate", str(run)]) == 0
    assert ("Un bosque" in (run / "report.html").read_text(encoding="utf-8")) == kept


@pytest.mark.parametrize(
    "changes, words",
    [
        ({"data": {"dataset": "mnist"}}, "el origen de los datos"),
        (
            {"data": catalog.origin("california", "sample").as_dict()},
            "classification con 'california'",
        ),
        ({"data": catalog.origin("mnist", "/no/such/folder").as_dict()}, "/no/such/folder"),
        ({"data": {**catalog.origin("mnist", "sample").as_dict(), "dataset": "cats"}}, "'cats'"),
        ({"card_version": 9}, "card_version: se esperaba 1"),
        ({"class_names": ["a"] * 10}, "nombres distintos"),
    ],
)
def test_evaluate_of_a_card_that_does_not_fit_writes_nothing(
    capsys, digits_run, tmp_path, changes, words
):
    run = change_card(digits_run, tmp_path, **changes)
    assert words in message(capsys, "evaluate", run)
    assert sorted(path.name for path in run.iterdir()) == ["card.json", "model.keras"]


def test_evaluate_takes_no_seed_that_is_none(capsys, houses_run, tmp_path):
    run = change_card(houses_run, tmp_path, data_seed="x")
    assert "data_seed: se esperaba un número entero" in message(capsys, "evaluate", run)


def test_evaluate_of_no_run_is_told_before_keras_is_loaded():
    code = (
        "import sys; from course.cli import main; print(main(sys.argv[1:]), 'keras' in sys.modules)"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code, "evaluate", "nowhere"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert answer.stdout == "2 False\n"
    assert answer.stderr.startswith("nowhere no existe: se esperaba la carpeta de una corrida")


# ---- predict


def draw(path, corner, size=400):
    """A page with a drawn square, whose line is thickest in one corner."""
    page = np.full((size, size), 255, "uint8")
    box = page[100:300, 100:300]
    box[:] = 0
    box[20:180, 20:180] = 255
    rows, columns = (slice(0, 80) if low else slice(120, 200) for low in corner)
    box[rows, columns] = 0
    Image.fromarray(page).save(path)
    return path


def test_predict_prints_the_three_likeliest_of_each_picture(capsys, digits_run, tmp_path):
    first = draw(tmp_path / "first.png", corner=(True, True))
    Image.open(first).transpose(Image.Transpose.ROTATE_180).save(
        tmp_path / "turned.jpg", quality=95
    )
    assert main(["predict", str(digits_run), str(first), str(tmp_path / "turned.jpg")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 and lines[0].startswith(f"{first}:  ")
    answers = lines[0].split(":  ")[1].split("   ")  # "3 93,2 %", with a no-break space
    shares = [float(answer.split()[1].replace(",", ".")) for answer in answers]
    assert len(shares) == 3 and shares == sorted(shares, reverse=True) and sum(shares) <= 100.2


def test_predict_prepares_a_photo_by_its_card(digits_run, tmp_path):
    from course.inference.run import predict

    run = change_card(digits_run, tmp_path, preparation="photo")
    for quarter, (row, column) in enumerate([(0, 0), (0, 1), (1, 0), (1, 1)]):
        photo = np.zeros((300, 500), "uint8")  # the middle square is columns 100 to 400
        photo[150 * row : 150 * row + 150, 100 + 150 * column : 250 + 150 * column] = 255
        Image.fromarray(photo).save(tmp_path / "photo.png")
        [ranking] = predict(run, [tmp_path / "photo.png"])
        name, share = ranking[0]
        assert name == str(quarter)
        # softmax of one 20 and nine 0, to be done on paper
        assert share == pytest.approx(np.exp(20) / (np.exp(20) + 9), rel=1e-5)


def test_predict_tells_what_is_wrong_with_which_picture(capsys, digits_run, tmp_path):
    good = draw(tmp_path / "good.png", corner=(True, False))
    Image.new("L", (50, 50), 200).save(tmp_path / "blank.png")
    (tmp_path / "text.png").write_text("no picture")
    for name, words in {
        "blank.png": "parece vacía",
        "text.png": "no es una imagen",
        "none.png": "no existe",
    }.items():
        text = message(capsys, "predict", digits_run, good, tmp_path / name)
        assert words in text and name in text


def test_predict_with_a_regression_run_says_what_to_do_instead(capsys, houses_run, tmp_path):
    text = message(capsys, "predict", houses_run, draw(tmp_path / "house.png", (True, True)))
    assert "recibe columnas" in text and "median_income" in text
    assert "course.export.load" in text and f"python -m course evaluate {houses_run}" in text


def test_predict_needs_to_know_how_a_picture_is_prepared(capsys, digits_run, tmp_path):
    run = change_card(digits_run, tmp_path, preparation=None)
    text = message(capsys, "predict", run, draw(tmp_path / "digit.png", (True, True)))
    assert "su preparation es None y el modelo recibe [28, 28, 1]" in text


def test_a_library_that_is_lacking_is_told_whichever_it_is(monkeypatch, tmp_path, capsys):
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = {re.match(r"[\w-]+", line)[0].lower() for line in lines if line[:1] not in ("", "#")}
    known = importlib.metadata.packages_distributions()
    assert {known[name][0].lower() for name in cli._REQUIRED} == wanted
    monkeypatch.setitem(sys.modules, "tqdm", None)  # the desk imports it when it begins
    (tmp_path / "Ana").mkdir()
    (tmp_path / "Ana" / "model.keras").touch()
    assert main(["entregas", str(tmp_path), "-o", str(tmp_path / "notas.csv")]) == 2
    assert re.match(r"Falta .*tqdm.*\nQué hacer: (pip install|source)", capsys.readouterr().err)
