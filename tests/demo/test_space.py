"""A Space's folder: what it holds, what its README says, and that a name in a card does no harm."""

import json
import pathlib
import sys
import types

import pytest
import yaml

import course
from course.demo import space
from course.errors import CourseError

NASTY = "a: b\n---\n| <script>alert(1)</script> [x](javascript:alert(1)) `*_# 'q\" #\x07 ñ"


def card(**changes):
    """A card as `export` writes it; `data` is changed key by key."""
    data = {
        "dataset": "mnist",
        "title": "MNIST",
        "made_up": False,
        "licence": "CC BY-SA 3.0",
        "citation": "Y. LeCun, 1998",
        "checked": None,
    }
    tensor = {"name": "x", "shape": [28, 28, 1], "dtype": "float32"}
    return {
        "card_version": 1,
        "task": "classification",
        "name": "cnn",
        "inputs": [tensor],
        "outputs": [{**tensor, "shape": [2]}],
        "class_names": ["0", "1"],
        "preparation": "digit",
        "parameters": 181594,
        "scores": {"accuracy": 0.99412, "loss": None},
        "seed": 7,
        "versions": {"keras": "3.15.1"},
        "created": "2026-11-27T01:02:03+00:00",
        **changes,
        "data": {**data, **changes.get("data", {})},
    }


@pytest.fixture
def run(tmp_path, monkeypatch):
    """A run's folder, whose page is made by a stand-in: no Keras is needed for the rest."""

    class OnlyServed(CourseError):
        why = "U-Net no"

    def export_web(run, folder):
        (pathlib.Path(folder) / "index.html").write_text(f"page of {run}", encoding="utf-8")

    page = types.ModuleType("course.demo.page")
    page.export_web = export_web
    page.OnlyServed = OnlyServed
    monkeypatch.setitem(sys.modules, "course.demo.page", page)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "runs" / "taller2"
    folder.mkdir(parents=True)
    (folder / "model.keras").write_bytes(b"PK network")
    (folder / "card.json").write_text(json.dumps(card()), encoding="utf-8")
    (folder / "history.csv").write_text("epoch,loss\n1,0.5\n")
    return folder


def front_of(text):
    """What Hugging Face reads: all between the first two lines of three dashes."""
    _, front, body = text.split("---\n", 2)
    return yaml.safe_load(front), body


def readme(tmp_path, *, gradio=False, **changes):
    return front_of(space.readme(tmp_path, card(**changes), gradio=gradio))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_static_space_is_a_page_and_a_readme(run):
    folder = space.build(run)
    assert folder == pathlib.Path("build/space/taller2")
    assert names(folder) == ["README.md", "index.html"]
    front, _ = front_of((folder / "README.md").read_text(encoding="utf-8"))
    assert front["sdk"] == "static" and "sdk_version" not in front


def test_a_gradio_space_has_the_network_and_all_that_its_server_needs(run):
    folder = space.build(run, "hoja", gradio=True)
    assert names(folder) == ["README.md", "app.py", "course", "requirements.txt", "run"]
    assert names(folder / "run") == ["card.json", "model.keras"]
    assert (folder / "run/model.keras").read_bytes() == b"PK network"
    compile((folder / "app.py").read_text(), "app.py", "exec")
    front, _ = front_of((folder / "README.md").read_text(encoding="utf-8"))
    assert front["sdk"] == "gradio" and front["app_file"] == "app.py"
    assert tuple(map(int, front["sdk_version"].split("."))) >= (6, 20)
    assert front["python_version"] == "3.12"
    asked = (folder / "requirements.txt").read_text().splitlines()
    assert asked[0] == "gradio>=6.20"
    assert {line.partition(">=")[0] for line in asked[1:]} == set(space._NEEDED)
    package = folder / "course"
    assert (package / "datasets.yaml").is_file() and (package / "requirements.txt").is_file()
    assert (package / "demo/space.py").read_bytes() == pathlib.Path(space.__file__).read_bytes()
    assert not list(package.rglob("__pycache__"))


def test_an_earlier_space_is_replaced_and_nothing_else_is(run):
    space.build(run, "hoja", gradio=True)
    space.build(run, "hoja")
    assert names(pathlib.Path("hoja")) == ["README.md", "index.html"]
    pathlib.Path("hoja/carta.txt").write_text("mine")
    with pytest.raises(CourseError, match="hoja ya existe y no es un Space de este programa"):
        space.build(run, "hoja")
    assert names(pathlib.Path("hoja")) == ["README.md", "carta.txt", "index.html"]


@pytest.mark.parametrize("readme", [None, "# mine\n", b"\xff"])
def test_a_folder_of_another_kind_stays(run, readme):
    folder = pathlib.Path("otra")
    folder.mkdir()
    (folder / "index.html").write_text("mine")
    if readme:
        (folder / "README.md").write_bytes(readme if type(readme) is bytes else readme.encode())
    before = names(folder)
    with pytest.raises(CourseError, match="queda como está"):
        space.build(run, folder)
    assert names(folder) == before and (folder / "index.html").read_text() == "mine"


def test_a_file_in_the_folder_s_place_stays(run):
    pathlib.Path("hoja").write_text("mine")
    with pytest.raises(CourseError, match="queda como está"):
        space.build(run, "hoja")
    assert pathlib.Path("hoja").read_text() == "mine"


def test_a_page_that_cannot_be_made_leaves_the_earlier_one(run):
    folder = space.build(run)

    def refuses(run, folder):
        raise CourseError("no")

    sys.modules["course.demo.page"].export_web = refuses
    with pytest.raises(CourseError, match="no"):
        space.build(run)
    assert names(folder) == ["README.md", "index.html"] and names(folder.parent) == ["taller2"]


def test_a_network_that_no_page_holds_is_for_a_gradio_space(run):
    page = sys.modules["course.demo.page"]

    def refuses(run, folder):
        raise page.OnlyServed("…")

    page.export_web = refuses
    with pytest.raises(CourseError, match="U-Net no.\nQué hacer: agrega --gradio"):
        space.build(run)
    assert names(space.build(run, gradio=True)) == ["README.md", "app.py", "course"] + [
        "requirements.txt",
        "run",
    ]


def test_a_run_that_is_not_finished_is_told(run):
    (run / "card.json").unlink()
    with pytest.raises(CourseError, match="terminada"):
        space.build(run)
    assert not pathlib.Path("build").exists()


def test_the_score_stands_with_its_conditions(tmp_path):
    report = {"headline": "Exactitud 99,41 % en 10 000 imágenes (con 95 % de confianza …)"}
    (tmp_path / "report.json").write_text(json.dumps(report), encoding="utf-8")
    _, body = readme(tmp_path)
    assert f"**{report['headline']}**" in body and "en la parte de prueba" in body
    assert "2026-11-27, Keras 3.15.1, semilla 7" in body and "181\u00a0594" in body
    assert "CC BY-SA 3.0" in body and "Y. LeCun, 1998" in body


def test_without_a_report_the_card_s_numbers_are_shown(tmp_path):
    assert "**accuracy 0,9941**" in readme(tmp_path)[1]
    _, body = readme(tmp_path, test_data={"n": 10_000, "sha256": "…"})
    assert "**accuracy 0,9941, en 10\u00a0000\u00a0ejemplos**" in body
    assert "no se sabe cuánto acierta" in readme(tmp_path, scores={"loss": None})[1]
    assert "no se sabe cuánto acierta" in readme(tmp_path, scores=None)[1]


def test_made_up_and_medical_are_said_on_top(tmp_path):
    _, body = readme(tmp_path)
    assert "inventados" not in body and "médico" not in body
    _, body = readme(
        tmp_path,
        task="segmentation",
        regions=["WT", "TC", "ET"],
        preparation="brain",
        data={"made_up": True},
    )
    facts = body.index("| Qué hace |")
    assert body.index("**Datos inventados.**") < facts
    assert body.index("**No es un dispositivo médico.**") < facts
    assert "3\u00a0respuestas: WT, TC, ET" in body
    _, body = readme(tmp_path, preparation="photo", data={"dataset": "chest_xray"})
    assert "No es un dispositivo médico" in body


def test_limits_are_those_of_the_network(tmp_path):
    assert "no lee números de varias cifras" in readme(tmp_path)[1]
    assert "otra luz" in readme(tmp_path, preparation="photo")[1]
    changes = {"task": "regression", "unit": "100 000 dólares", "preparation": None}
    _, body = readme(tmp_path, **changes)
    assert "Fuera de los valores que vio" in body and "un número, en 100 000 dólares" in body


@pytest.mark.parametrize("gradio", [False, True])
@pytest.mark.parametrize("task", ["classification", "regression", "segmentation"])
def test_hugging_face_takes_the_front_matter(tmp_path, task, gradio):
    changes = {"task": task, "unit": "m", "regions": ["WT"]}
    front, body = readme(tmp_path, gradio=gradio, **changes)
    assert len(front["short_description"]) <= 60
    assert {front["colorFrom"], front["colorTo"]} <= {"blue", "indigo"}  # of the eight it knows
    assert front["license"] == "apache-2.0" and space.TAG in front["tags"]
    assert ("se envía a él" in body) == gradio and ("en tu navegador" in body) != gradio


@pytest.mark.parametrize("gradio", [False, True])
def test_names_with_markup_and_colons_stay_names(tmp_path, gradio):
    front, body = readme(
        tmp_path,
        gradio=gradio,
        class_names=[NASTY, "b"],
        seed=NASTY,
        versions={"keras": NASTY},
        created=NASTY,
        data={"title": NASTY, "licence": NASTY, "citation": NASTY, "checked": NASTY},
    )
    assert front["title"] == f"Red neuronal · {NASTY}" and set(front) >= {"sdk", "tags"}
    assert front["sdk"] == ("gradio" if gradio else "static")
    assert "<script" not in body and "&lt;script&gt;" in body
    assert r"\[x\](javascript" in body and "\n---\n" not in body
    table = [line for line in body.splitlines() if line.startswith("| ")]
    assert all(line.replace(r"\|", "").count("|") == 3 for line in table[1:])
    assert len(body.splitlines()) == len(readme(tmp_path, data={"checked": "x"})[1].splitlines())


def test_a_report_that_is_no_json_is_told(run):
    (run / "report.json").write_text("{")
    with pytest.raises(CourseError, match="report.json no se puede leer"):
        space.build(run)


def test_the_package_finds_its_files_where_the_space_has_them(run):
    package = space.build(run, "hoja", gradio=True) / "course"
    assert {path.name for path in package.iterdir()} >= {
        path.name for path in course.FOLDER.iterdir() if path.suffix == ".py"
    }
