import html.parser
import json
import os
import re

import numpy as np
import pytest
from PIL import Image

from course import figures
from course.datasets.catalog import Origin
from course.errors import CourseError
from course.evaluation import evaluate_classifier, evaluate_regressor
from course.evaluation.page.lesson import REPORTS
from course.evaluation.report import Report

MNIST = Origin("mnist", None, "kaggle", "hojjatk/mnist-dataset", 1, "MNIST", False, "CC BY-SA", "x")
DIGITS = Origin(
    "mnist", None, "sample", None, None, "muestra: dígitos de scikit-learn, no es MNIST", False,
    "CC BY 4.0", "Alpaydin",
)  # fmt: skip
MADE_UP = Origin(
    "california", None, "sample", None, None, "muestra: tabla inventada, no son casas reales", True,
    "CC0", "nadie",
)  # fmt: skip


class Model:
    def __init__(self, answers):
        self.answers = np.asarray(answers)

    def predict(self, inputs, batch_size, verbose):
        return self.answers


def classification(origin=MNIST, names=("gato", "perro", "pez"), labels=(0, 1, 1), groups=None):
    probabilities = [[0.9, 0.1, 0.0], [0.7, 0.3, 0.0], [0.2, 0.8, 0.0]]
    images = np.zeros((3, 8, 8), "uint8")
    return evaluate_classifier(
        Model(probabilities), images, labels, class_names=names, origin=origin, groups=groups
    )


def regression(origin=MNIST, targets=(1, 2, 3), **options):
    inputs = {
        "total_rooms": np.array([1.0, np.nan, 12345.0]),
        "latitude": np.array([34.15, 37.8, 36.0], "float32"),
        "sea": np.array(["<1H", "B", "C"]),
    }
    options = {"unit": "cientos de miles de dólares", **options}
    return evaluate_regressor(Model([1, 2, 4]), inputs, targets, origin=origin, **options)


def headline(accuracy, n, interval, origin=MNIST):
    return Report("classification", origin, n, {"accuracy": accuracy}, {"accuracy": interval})


class Page(html.parser.HTMLParser):
    """What a reader and a screen reader get from a page; fails where a tag is not closed."""

    VOID = {"meta", "img", "br", "wbr", "link"}

    def __init__(self, path):
        super().__init__()
        self.source = path.read_text(encoding="utf-8")
        self.tags, self.open, self.texts, self.style = [], [], [], ""
        self.feed(self.source)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "style":
            self.style += data
        elif data.strip():
            self.texts.append(re.sub(r"[\s\u202f]+", " ", data).strip())

    @property
    def text(self):
        return " ".join(self.texts)

    def attributes(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


# ---- the headline


def test_the_headline_is_the_one_that_was_agreed():
    line = headline(0.9952, 10000, (0.99360, 0.99641)).headline
    assert line.replace("\u00a0", " ") == (
        "Exactitud 99,52 % en 10 000 imágenes (con 95 % de confianza entre 99,36 % y 99,64 %)"
    )


def test_a_small_test_set_gets_fewer_digits():
    line = headline(0.95, 360, (0.9223, 0.9681)).headline.replace("\u00a0", " ")
    assert line.startswith("Exactitud 95,0 % en 360 imágenes (con 95 % de confianza entre 92,2 %")


def test_almost_perfect_is_not_called_perfect():
    assert "99,995" in headline(0.99995, 20000, (0.999, 1)).headline


def test_a_stand_in_says_so_in_the_headline():
    assert headline(1, 5, (0.5, 1), DIGITS).headline.endswith(
        " — muestra: dígitos de scikit-learn, no es MNIST"
    )
    assert "—" not in headline(1, 5, (0.5, 1)).headline


def test_a_regression_tells_its_r2():
    line = regression().headline.replace("\u00a0", " ")
    assert line.startswith("R² 0,500 en 3 casos (con 95 % de confianza entre ")


def test_a_report_prints_as_a_table():
    lines = str(regression(baselines={"Regresión lineal": [2, 2, 2]})).splitlines()
    assert [line.split() for line in lines[1:]] == [
        ["R²", "RMSE", "MAE"],
        ["red", "neuronal", "0,500", "0,577", "0,333"],
        ["Regresión", "lineal", "0,000", "0,816", "0,667"],
    ]
    assert str(classification()).splitlines()[1].replace("\u00a0", " ") == (
        "  perro: 50,0 % de 2, se confunde con gato"
    )


def test_everything_printed_fits_a_windows_console():
    assert str(regression()).encode("cp1252") and str(classification(DIGITS)).encode("cp1252")


# ---- the folder


def test_save_writes_json_figures_and_a_page_and_nothing_else(tmp_path):
    page = classification().save(tmp_path / "new" / "run")
    folder = tmp_path / "new" / "run"
    assert page == folder / "report.html"
    files = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    assert files == ["figures/confusion.png", "figures/mistakes.png", "report.html", "report.json"]
    with Image.open(folder / "figures" / "confusion.png") as picture:
        assert picture.text["Title"] == "Matriz de confusión — MNIST"
    values = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    assert values["report_version"] == 1 and values["scores"]["accuracy"] == 2 / 3
    assert values["origin"] == MNIST.as_dict() and values["confusion"][1] == [1, 1, 0]
    assert values["headline"] == classification().headline


def test_json_of_a_regression(tmp_path):
    regression(targets=[2, 2, 2], baselines={"media": [2, 2, 2]}).save(tmp_path)
    values = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert values["scores"]["r2"] is None and values["unit"] == "cientos de miles de dólares"
    assert values["baselines"]["media"]["scores"]["mae"] == 0


def test_saving_again_replaces(tmp_path):
    first = classification().save(tmp_path).read_bytes()
    assert classification().save(tmp_path).read_bytes() == first


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "run").write_text("I was here first")
    with pytest.raises(CourseError, match="No se pudo escribir"):
        classification().save(tmp_path / "run")
    assert (tmp_path / "run").read_text() == "I was here first"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("settings.json", b"{"),
        ("settings.json", b"[1]"),
        ("card.json", b"\xff\xfe"),
        ("history.csv", b"epoch,loss\n1,abc\n"),
        ("history.csv", b"PK\x03\x04\x00\x00"),
        ("history.csv", b"epoch,loss\n1,2,3\n"),
        ("history.csv", b""),
        ("history.csv", b"epoch,loss,a\x00b\n1,2,3\n"),
        ("history.csv", b"epoch,loss\nnan,2\n"),
    ],
)
def test_a_broken_file_of_the_run_is_named_and_nothing_written(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(CourseError, match=name):
        classification().save(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [name]


def test_a_byte_order_mark_and_half_a_character_do_not_matter(tmp_path):
    settings = b"\xef\xbb\xbf" + b'{"source": "\\ud800"}'
    (tmp_path / "settings.json").write_bytes(settings)
    assert "source" in Page(classification().save(tmp_path)).texts


def test_a_run_that_ended_before_its_first_epoch_has_no_curves(tmp_path):
    (tmp_path / "history.csv").write_text("epoch,loss\n")
    page = Page(classification().save(tmp_path))
    assert "Cómo aprendió" not in page.text


# ---- the card


def test_a_card_holds_what_the_report_knows_and_what_the_lesson_adds():
    card = classification().card(preparation="digit", seed=3)
    assert card == {
        "task": "classification",
        "class_names": ["gato", "perro", "pez"],
        "data": MNIST.as_dict(),
        "preparation": "digit",
        "scores": classification().scores,
        "seed": 3,
        "test_data": classification().test_data,
    }
    card = regression().card(preparation=None, scores={"mae": 1.0})
    assert card["unit"] == "cientos de miles de dólares" and card["task"] == "regression"
    assert card["scores"] == {"mae": 1.0} and "class_names" not in card


# ---- the page


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "a run of mine"
    folder.mkdir()
    (folder / "history.csv").write_text("epoch,loss,val_loss\n1,2.0,nan\n2,1.0,1.5\n")
    settings = {
        "lesson": "taller2_cnn_mnist",
        "source": "my folder",
        "epochs": 2,
        "seed": 0,
        "limit": None,
        "units": [8, 4],
    }
    settings |= {"augment": True, "quick": False, "run_dir": "x", "resume": True}
    (folder / "settings.json").write_text(json.dumps(settings))
    card = {
        "name": "cnn", "parameters": 118282, "seed": 0, "range": [0, 255], "commit": None,
        "inputs": [{"name": "image", "shape": [28, 28, 1], "dtype": "float32"}],
        "outputs": [{"name": "keras_tensor_7", "shape": [10], "dtype": "float32"}],
        "versions": {"keras": "3.13.2"}, "created": "2026-11-23T07:12:33+00:00",
    }  # fmt: skip
    (folder / "card.json").write_text(json.dumps(card))
    (folder / "model.keras").write_bytes(b"")
    return folder


def test_the_page_tells_the_whole_run(run):
    page = Page(classification().save(run))
    for text in (
        "Clasificación de imágenes — MNIST",
        "La red acertó en 2 de 3 imágenes de prueba y se equivocó en 1.",
        "hojjatk/mnist-dataset",
        "CC BY-SA",
        "Cómo aprendió",
        "118 282",
        "image, 28 × 28 × 1, float32",
        " 10, float32",
        "0 a 255",
        "2026-11-23, 07:12 UTC",
        "3.13.2",
        "perro",
        "sin ejemplos en la prueba",
    ):
        assert text in page.text, text
    assert "None" not in page.text and "NaN" not in page.text
    assert "keras_tensor" not in page.text


def test_the_page_shows_the_lessons_own_figures(run, monkeypatch):
    drawn = run / "figures"
    (drawn / "more").mkdir(parents=True)
    figure = figures.learning_curves({"loss": [2.0, 1.0]}, title="Uno, «dos» & <tres>")
    for second, name in enumerate(
        ("zeta.png", "años 2.gif", "beta.png", "roc.png", "una_nota.png")
    ):
        figures.show(figure, drawn / name)
        os.utime(drawn / name, (second, second))
    small = Image.new("L", (50, 30))
    small.save(drawn / "años 2.gif", comment="La animación".encode())
    os.utime(drawn / "años 2.gif", (1, 1))
    small.save(drawn / "una_nota.png")
    for name in ("broken.png", "words.txt", "picture.bmp"):
        (drawn / name).write_bytes(b"BM is none of ours")
    page = Page(classification().save(run))
    assert page.texts.count("Las figuras del taller") == 1
    lesson = page.attributes("img")[3:]  # after the curves, the confusion and the mistakes
    titles = ["Uno, «dos» & <tres>", "La animación", "Uno, «dos» & <tres>", "una nota"]
    assert [image["alt"] for image in lesson] == titles
    assert lesson[1]["src"].startswith("data:image/gif;base64,")
    assert (lesson[1]["width"], lesson[1]["height"]) == ("40", "24")
    # the page stays small: what has no room is named, and lies beside it
    room = (drawn / "zeta.png").stat().st_size + 1000
    monkeypatch.setattr("course.evaluation.page.lesson._ROOM", room)
    page = Page(classification().save(run))
    assert [image["alt"] for image in page.attributes("img")[3:]] == [*titles[:2], titles[3]]
    links = [a["href"] for a in page.attributes("a") if a["href"].startswith("figures/")]
    assert links == ["figures/beta.png"] and "Por su tamaño" in page.text


@pytest.mark.parametrize("report", [classification, regression])
def test_what_a_report_draws_is_not_taken_for_the_lessons(report, run):
    assert set(report().figures) < REPORTS
    first = report().save(run).read_bytes()
    assert report().save(run).read_bytes() == first and b"figuras del taller" not in first


def test_overfitting_is_explained_where_there_is_a_validation_to_see_it_in(run):
    assert "Si la validación deja de mejorar" in Page(classification().save(run)).text
    (run / "history.csv").write_text("epoch,loss\n1,2.0\n2,1.0\n")
    page = Page(classification().save(run))
    assert "Cada punto es una época" in page.text and "validación" not in page.text


def test_images_of_one_photograph_are_told(tmp_path):
    page = Page(classification(groups=[4, 4, 8]).save(tmp_path))
    assert "de 2 fotografías: para el intervalo, las de cada fotografía cuentan juntas" in page.text
    assert "fotografía" not in Page(classification().save(tmp_path)).text


def test_the_page_tells_how_to_repeat_the_run(run):
    page = Page(classification().save(run))
    command = next(text for text in page.texts if text.startswith("python -m course run"))
    assert command.startswith(
        "python -m course run taller2_cnn_mnist --source 'my folder' --epochs 2 --seed 0 "
        "--units 8,4 --augment --no-quick python -m course evaluate "
    )
    assert "run-dir" not in command and "resume" not in command


def test_a_folder_without_a_run_names_no_command(tmp_path):
    page = Page(classification().save(tmp_path))
    assert "python -m course" not in page.text and "Los ajustes" not in page.text


def test_the_page_asks_nobody_for_anything(run):
    page = Page(regression(MADE_UP).save(run))
    assert "script" not in {tag for tag, _ in page.tags} and "@import" not in page.style
    assert "url(" not in page.style
    for tag, attributes in page.tags:
        assert not {"srcset", "onclick", "onload", "background"} & set(attributes)
        assert tag not in ("link", "iframe", "object", "embed", "video", "audio")
        if "src" in attributes:
            assert attributes["src"].startswith("data:image/png;base64,")
    policy = page.attributes("meta")[2]["content"]
    assert policy == "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@pytest.mark.parametrize("report", [classification, regression])
def test_the_page_is_accessible(report, run):
    page = Page(report().save(run))
    assert page.attributes("html") == [{"lang": "es"}]
    assert [tag for tag, _ in page.tags].count("h1") == 1
    images = page.attributes("img")
    assert len(images) == 3 and all(len(image["alt"]) > 25 for image in images)
    assert all(int(image["width"]) > 200 and int(image["height"]) > 200 for image in images)
    assert all(cell.get("scope") in ("row", "col") for cell in page.attributes("th"))


def contrast(first, second):
    """WCAG's contrast ratio of two #rrggbb colours."""

    def luminance(color):
        shares = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [s / 12.92 if s <= 0.03928 else ((s + 0.055) / 1.055) ** 2.4 for s in shares]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_the_pages_colours_have_contrast(tmp_path):
    style = Page(classification().save(tmp_path)).style
    pairs = re.findall(r"--(\w+): light-dark\((#\w+), (#\w+)\)", style)
    for scheme in (1, 2):  # light, dark
        colors = {pair[0]: pair[scheme] for pair in pairs}
        for name in ("ink", "soft", "blue"):
            for ground in ("page", "ours"):
                assert contrast(colors[name], colors[ground]) >= 4.5, (name, scheme)
        for ground in ("warm", "field"):
            assert contrast(colors["ink"], colors[ground]) >= 4.5, (ground, scheme)


@pytest.mark.parametrize(
    ("report", "warning"),
    [
        (lambda: regression(MADE_UP), "Datos inventados."),
        (lambda: classification(DIGITS), "No son los datos del taller."),
    ],
)
def test_a_stand_in_warns_in_the_title_and_in_a_banner(report, warning, tmp_path):
    report = report()
    page = Page(report.save(tmp_path))
    assert page.texts[0].endswith(f"— {report.origin.title}")  # <title>
    assert warning in page.text and "--source kaggle" in page.text


def test_real_data_get_no_warning(tmp_path):
    assert "--source kaggle" not in Page(classification().save(tmp_path)).text


def test_the_data_of_a_student_are_named_by_their_folder(tmp_path):
    own = Origin("mnist", None, "mis <datos>", None, None, "MNIST, copia propia", False, "?", "?")
    page = Page(classification(own).save(tmp_path))
    assert "carpeta propia: mis <datos>" in page.text and "kaggle.com" not in page.source


def test_names_are_text_and_never_html(tmp_path):
    report = classification(names=("<script>alert(1)</script>", "$title", "a&b"))
    page = Page(report.save(tmp_path))
    assert "<script>alert(1)</script>" in page.text and "$title" in page.text
    assert "script" not in {tag for tag, _ in page.tags}


def test_a_regression_stands_beside_its_baselines(tmp_path):
    page = Page(regression(baselines={"Regresión lineal": [2, 2, 2]}).save(tmp_path))
    assert page.texts.index("Red neuronal") < page.texts.index("Regresión lineal")
    assert "Ventaja de la red en R²" in page.text
    assert "La red explica el 50 % de la variación de los valores verdaderos." in page.text
    # the worst case first, its columns, what is missing in them; a column's decimals are alike
    assert {"<1H", "12 345", "falta", "sea", "34,15", "37,80", "36,00"} <= set(page.texts)


@pytest.mark.parametrize(
    ("targets", "text"),
    [
        ((2, 2, 2), "El R² no está definido"),
        ((4, 2, 1), "acierta menos que si respondiera siempre"),
    ],
)
def test_an_r2_that_is_no_share_is_put_into_words(targets, text, tmp_path):
    assert text in Page(regression(targets=targets).save(tmp_path)).text


def test_no_mistakes_are_said_on_the_page(tmp_path):
    page = Page(classification(labels=[0, 0, 1]).save(tmp_path))
    assert "La red no se equivocó en ninguna de 3 imágenes." in page.text


def test_one_sample_makes_a_page(tmp_path):
    images = np.zeros((1, 8, 8), "uint8")
    one = evaluate_classifier(Model([[1, 0]]), images, [0], class_names="ab", origin=MNIST)
    assert "acertó en 1 de 1 imagen de prueba, sin ningún error" in Page(one.save(tmp_path)).text
    one = evaluate_regressor(Model([1]), np.zeros((1, 1)), [2], unit="m", origin=MNIST)
    assert "El R² no está definido" in Page(one.save(tmp_path)).text
