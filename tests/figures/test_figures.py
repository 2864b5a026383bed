import io
import subprocess
import sys
import types

import numpy as np
import pytest
from matplotlib import colors
from matplotlib.text import Text
from PIL import Image

from course import figures
from course.figures import style
from course.models import cnn, mlp, unet

ORIGIN = "muestra: dígitos de scikit-learn, no es MNIST"
TITLE = f"Un título — {ORIGIN}"
NAMES = ("gato", "perro", "pez")
NAN = float("nan")
BRAIN = np.random.default_rng(0).uniform(0, 1, (3, 12, 10, 4))


def grey(n, size=8):
    return np.random.default_rng(0).integers(0, 256, (n, size, size), dtype="uint8")


def words(figure):
    """All text of a figure: above the axes and inside of them."""
    found = [text.get_text() for text in figure.texts]
    for axes in figure.axes:
        found += [text.get_text() for text in axes.texts]
    return [text for text in found if text]


BOX = (2, 3, 30, 31)  # of a picture of 40×40
FIGURES = {
    "samples": lambda: figures.samples(grey(9), np.arange(9) % 3, NAMES, title=TITLE),
    "learning_curves": lambda: figures.learning_curves(
        {"loss": [2, 1], "val_loss": [2, 3], "accuracy": [0, 1], "mae": [1, 2]}, title=TITLE
    ),
    "confusion": lambda: figures.confusion([[9, 1, 0], [0, 9, 0], [0, 0, 1]], NAMES, title=TITLE),
    "mistakes": lambda: figures.mistakes(
        grey(7), [0] * 7, [[0.2, 0.5, 0.3]] * 7, NAMES, title=TITLE
    ),
    "predicted_against_true": lambda: figures.predicted_against_true(
        [1, 2, 3], [1, 2.5, 2], unit="metros", title=TITLE
    ),
    "residuals": lambda: figures.residuals([1, 2, 3], [1, 2.5, 2], unit="metros", title=TITLE),
    "curves_1d": lambda: figures.curves_1d(
        [0, 1, 2], [0, 1, 0], {2: [0, 0, 0], 64: [0, 1, 0]}, truth=[0, 1, 0], title=TITLE
    ),
    "suppression": lambda: figures.suppression(
        grey(1, 40)[0], [[0, 1, 0.5]], [BOX, BOX], [(BOX, "7 · 99 %")], [BOX], title=TITLE
    ),
    "detections": lambda: figures.detections(
        grey(2, 40), [[(BOX, "99 %")], []], [[BOX], []], title=TITLE
    ),
    "precision_recall": lambda: figures.precision_recall(
        {"dígitos": ([1, 0.5], [0.5, 1], (1, 0.5)), "nada": ([], [], (None, 0))}, title=TITLE
    ),
    "few_examples": lambda: figures.few_examples(
        {"congelada": {1: 0.7, 50: 0.9}, "desde cero": {1: 0.4, 50: 0.9}}, title=TITLE
    ),
    "filters": lambda: figures.filters(np.ones((3, 3, 2, 5)), TITLE),
    "feature_maps": lambda: figures.feature_maps(
        grey(1)[0], {"level1_relu": BRAIN[0], "level2_relu": np.zeros((3, 3, 9))}, title=TITLE
    ),
    "grad_cam": lambda: figures.grad_cam(
        grey(2), [np.eye(2), np.zeros((3, 3))], NAMES[:2], title=TITLE
    ),
    "occlusion": lambda: figures.occlusion(
        grey(2), [np.eye(8), -np.eye(8)], NAMES[:2], title=TITLE
    ),
    "modalities": lambda: figures.modalities(BRAIN, BRAIN[..., :3] > 0.9, title=TITLE),
    "overlay": lambda: figures.overlay(
        BRAIN[:2, ..., 0],
        BRAIN[:2, ..., 1:] > 0.8,
        BRAIN[:2, ..., :3] > 0.7,
        NAMES[:2],
        title=TITLE,
    ),
    "attention": lambda: figures.attention(
        BRAIN[0, ..., 0], {"up1_attention": BRAIN[0, ..., 1]}, title=TITLE
    ),
    "dice_by_case": lambda: figures.dice_by_case(
        {"WT": [0.9, 0.8], "TC": [0.7, 1], "ET": [0, 1]}, title=TITLE
    ),
    "neurons": lambda: figures.network(mlp((30,), 1, units=(128, 128, 8)), title=TITLE),
    "maps": lambda: figures.network(cnn((28, 28, 1), 10, filters=(16, 64, 96)), title=TITLE),
    "u_net": lambda: figures.network(
        unet((None, None, None, 4), 3, filters=(8, 16, 32, 64), attention=True), title=TITLE
    ),
    "side_by_side": lambda: figures.side_by_side(
        {"Una": grey(1)[0], "La mitad": grey(1)[0, :4]}, title=TITLE
    ),
    "learning_rate": lambda: figures.learning_rate(
        lambda step: 1 / (1 + step), steps=3, epochs=2, title=TITLE
    ),
    "answer": lambda: figures.answer(
        grey(1)[0],
        [0.05] * 20,
        [f"una clase de nombre largo, la {i}" for i in range(20)],
        title=TITLE,
    ),
    "dice": lambda: figures.dice(np.eye(4), np.ones((4, 4)), title=TITLE),
    "roc": lambda: figures.roc([0, 0, 1], [0, 1, 1], chosen=(0, 1), threshold=0.5, title=TITLE),
    "roc_curves": lambda: figures.roc_curves(
        {"validación": ([0, 0, 1], [0, 1, 1]), "prueba": ([0, 0.5, 1], [0, 0.8, 1])}, title=TITLE
    ),
    "calibration": lambda: figures.calibration(
        [
            {"from": 0, "to": 0.1, "n": 8, "predicted": 0.02, "observed": 0, "interval": (0, 0.4)},
            {"from": 0.9, "to": 1, "n": 20640, "predicted": 1, "observed": 1, "interval": (0.9, 1)},
        ],
        title=TITLE,
    ),
    "marked": lambda: figures.marked(
        grey(1), {"verdad": np.eye(8, dtype=int)[None]}, NAMES[:2], ["una foto"], title=TITLE
    ),
    "places": lambda: figures.places([-122, -118], [38, 34], [5, 2], unit="metros", title=TITLE),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_names_its_origin_and_clips_nothing(name):
    figure = FIGURES[name]()
    assert figure.get_label() == TITLE
    assert words(figure)[:2] == ["Un título", ORIGIN]
    with Image.open(io.BytesIO(figures.png(figure))) as picture:
        assert picture.text["Title"] == TITLE
        assert all(200 <= side <= 1500 for side in picture.size)
    frame = figure.bbox
    for text in figure.findobj(lambda artist: isinstance(artist, Text) and artist.get_text()):
        box = text.get_window_extent()
        shown = text.get_visible() and box.width > 0 and text.axes is not None
        if shown or text in figure.texts:
            assert box.x0 >= -1 and box.x1 <= frame.width + 1, text
            assert box.y0 >= -1 and box.y1 <= frame.height + 1, text


def test_a_long_title_is_wrapped_into_the_figure():
    figure = figures.learning_curves({"loss": [1]}, title="palabra " * 30 + "— " + "origen " * 30)
    width = figure.bbox.width
    assert len(figure.texts) > 4
    assert all(text.get_window_extent().x1 <= width for text in figure.texts)


def test_the_callers_settings_are_neither_used_nor_changed():
    code = """
import matplotlib, sys
from course import figures
matplotlib.rcParams.update({"font.size": 30, "axes.facecolor": "black"})
before = dict(matplotlib.rcParams)
figure = figures.confusion([[1]], ["a"], title="t")
figures.png(figure)
assert figure.axes[0].get_facecolor() == (1, 1, 1, 1)
assert figure.axes[0].xaxis.label.get_size() == 10
assert dict(matplotlib.rcParams) == before
assert "matplotlib.pyplot" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_colours_stay_apart_for_colour_blind_readers():
    # Viénot, Brettel and Mollon 1999: how a protanope and a deuteranope see linear RGB
    blind = [
        [[0.11238, 0.88762, 0], [0.11238, 0.88762, 0], [0.00401, -0.00401, 1]],
        [[0.29275, 0.70725, 0], [0.29275, 0.70725, 0], [-0.02234, 0.02234, 1]],
    ]
    pairs = [(style.BLUE, style.ORANGE), (style.BLUE, style.VERMILLION)]
    for matrix in [np.eye(3), *blind]:
        for pair in pairs:
            seen = [matrix @ np.array(colors.to_rgb(name)) ** 2.2 for name in pair]
            assert np.abs(np.subtract(*np.clip(seen, 0, 1) ** (1 / 2.2))).max() > 0.35


# ---- learning curves


def curve(figure, panel, label):
    for line in figure.axes[panel].lines:
        if line.get_label().startswith(label):
            return line
    raise AssertionError(label)


def test_curves_from_a_dict_and_from_the_rows_of_a_csv_are_the_same():
    rows = [
        {"epoch": "1", "accuracy": "0.5", "loss": "2.0", "val_loss": ""},
        {"epoch": "2", "accuracy": "0.7", "loss": "1.0", "val_loss": "1.5"},
    ]
    columns = {"accuracy": [0.5, 0.7], "loss": [2, 1], "val_loss": [None, 1.5]}
    for history in (rows, columns, types.SimpleNamespace(history=columns)):
        figure = figures.learning_curves(history, title="t")
        assert [axes.get_title(loc="left") for axes in figure.axes] == ["Pérdida", "Exactitud"]
        line = curve(figure, 0, "entrenamiento")
        assert line.get_xdata().tolist() == [1, 2] and line.get_ydata().tolist() == [2, 1]
        assert curve(figure, 0, "validación").get_label() == "validación (mejor: 1,5, época 2)"


def test_keras_own_csv_counts_from_0_and_the_figure_from_1():
    rows = [{"epoch": 0, "loss": 1}, {"epoch": 1, "loss": 2}]
    figure = figures.learning_curves(rows, title="t")
    assert curve(figure, 0, "entrenamiento").get_xdata().tolist() == [1, 2]


def test_best_is_the_lowest_loss_and_the_highest_accuracy():
    history = {"loss": [3, 1, 2], "val_accuracy": [0.1, 0.9, 0.5], "accuracy": [0.2, 0.3, 0.4]}
    figure = figures.learning_curves(history, title="t")
    assert curve(figure, 0, "entrenamiento").get_label().endswith("(mejor: 1, época 2)")
    assert curve(figure, 1, "validación").get_label().endswith("(mejor: 0,9, época 2)")


def test_the_learning_rate_is_no_curve():
    figure = figures.learning_curves({"loss": [1, 2], "learning_rate": [1, 1]}, title="t")
    assert len(figure.axes) == 1


def test_one_epoch_is_a_point():
    line = curve(figures.learning_curves({"loss": [0.3]}, title="t"), 0, "entrenamiento")
    assert line.get_marker() == "o" and len(line.get_xdata()) == 1


@pytest.mark.parametrize("lost", [NAN, float("inf"), 1e99])
def test_a_loss_that_is_not_finite_is_marked(lost):
    figure = figures.learning_curves({"loss": [1, 2, lost, lost]}, title="t")
    assert curve(figure, 0, "NaN").get_label() == "NaN desde la época 3"
    assert figures.png(figure)


def test_nothing_but_nan_is_drawn():
    assert figures.png(figures.learning_curves({"loss": [NAN], "val_loss": [NAN]}, title="t"))


@pytest.mark.parametrize("history", [{}, [], {"loss": []}, {"epoch": [1]}])
def test_no_epoch_is_refused(history):
    with pytest.raises(ValueError, match="at least one epoch"):
        figures.learning_curves(history, title="t")


# ---- confusion


def test_confusion_writes_the_counts_and_leaves_zeros_empty():
    figure = figures.confusion([[8, 2, 0], [0, 1234, 0], [0, 0, 3]], NAMES, title="t")
    cells = {text.get_position(): text.get_text() for text in figure.axes[0].texts}
    # (column, row): the answer goes across, the truth down
    assert cells == {(0, 0): "8", (1, 0): "2", (1, 1): "1234", (2, 2): "3"}


def test_confusion_colours_mistakes_otherwise_than_hits_and_even_rare_ones():
    figure = figures.confusion([[9999, 1], [0, 10]], ["a", "b"], title="t")
    cells = figure.axes[0].images[0].get_array()
    hit, rare, nothing = cells[0, 0], cells[0, 1], cells[1, 0]
    assert hit[2] > hit[0] and rare[0] > rare[2]  # blue, orange
    assert np.abs(rare - nothing).max() > 0.05


def test_confusion_of_an_absent_class_says_so():
    figure = figures.confusion([[1, 0], [0, 0]], ["a", "b"], title="t")
    assert words(figure) == ["t", "1", "sin ejemplos"]


def test_confusion_needs_a_name_for_each_class():
    with pytest.raises(ValueError, match=r"Expected a \(3, 3\) matrix"):
        figures.confusion([[1, 0], [0, 0]], NAMES, title="t")


def test_confusion_has_room_for_24_letters():
    letters = list("ABCDEFGHIKLMNOPQRSTUVWXY")
    figure = figures.confusion(np.full((24, 24), 432), letters, title="t")
    figures.png(figure)
    cell = figure.axes[0].get_window_extent().width / 24
    assert all(text.get_window_extent().width < cell for text in figure.axes[0].texts)


# ---- pictures


def test_samples_have_a_row_for_each_class():
    figure = figures.samples(grey(5), [0, 0, 0, 2, 2], NAMES, title="t", columns=2)
    assert len(figure.axes[0].images) == 4
    assert words(figure) == ["t", "gato", "perro", "sin ejemplos", "pez"]


def test_samples_are_spread_over_the_class():
    images = np.arange(9, dtype="uint8").reshape(9, 1, 1) * np.ones((1, 4, 4), "uint8")
    figure = figures.samples(images, [0] * 9, ["a"], title="t", columns=3)
    shown = [image.get_array()[0, 0] * 255 for image in figure.axes[0].images]
    assert shown == pytest.approx([0, 4, 8])


@pytest.mark.parametrize("shape", [(2, 8, 8, 1), (2, 8, 8, 3)])
def test_samples_take_channels(shape):
    assert figures.png(figures.samples(np.zeros(shape, "uint8"), [0, 1], "ab", title="t"))


def test_floats_up_to_1_and_up_to_255_look_the_same():
    pictures = [
        figures.samples(np.full((1, 2, 2), value), [0], "a", title="t").axes[0].images[0]
        for value in (255.0, 1.0)
    ]
    assert [picture.get_array().max() for picture in pictures] == [1, 1]


def test_mistakes_are_the_least_believed_truths_first():
    labels = [0, 1, 2, 0, 1]
    probabilities = np.array(
        [[0.9, 0.1, 0], [0.6, 0.3, 0.1], [0.96, 0, 0.04], [0.3, 0.4, 0.3], [0.1, 0.8, 0.1]]
    )
    figure = figures.mistakes(grey(5), labels, probabilities, NAMES, title="t", count=2)
    found = [text.replace("\u00a0", " ") for text in words(figure)]
    assert [found[0], " ".join(found[1:-8]), *found[-8:]] == [
        "t",
        "3 errores en 5 imágenes; aquí, los 2 peores. Naranja: lo que respondió la red. "
        "Azul: la verdad.",
        *("dijo gato", "96 %", "era pez", "4 %"),
        *("dijo gato", "60 %", "era perro", "30 %"),
    ]


def test_a_long_class_name_leaves_the_cells_their_room():
    figure = figures.confusion(np.eye(3, dtype=int), ["a", "m" * 70, "c"], title="Confusión")
    figure.draw_without_rendering()
    (axes,) = figure.axes
    short, long, _ = axes.get_yticklabels()
    assert axes.get_window_extent().width > 3 * 0.6 * figure.dpi
    assert long.get_window_extent().width < 2.6 * figure.dpi and short.get_fontsize() == 9.5


def test_without_mistakes_the_figure_says_so_and_shows_the_least_sure_answers():
    probabilities = np.array([[0.9, 0.1], [0.4, 0.6], [0.995, 0.005]])
    figure = figures.mistakes(grey(3), [0, 1, 0], probabilities, "ab", title="t")
    text = " ".join(words(figure)).replace("\u00a0", " ")
    assert "Ningún error en 3 imágenes." in text
    assert text.endswith("es b 60 % es a 90 % es a >99 %")


def test_one_wrong_sample():
    figure = figures.mistakes(grey(1), [0], [[0.001, 0.999]], "ab", title="t")
    text = " ".join(words(figure)).replace("\u00a0", " ")
    assert "1 error en 1 imagen." in text and text.endswith("dijo b >99 % era a <1 %")


def test_filters_of_several_channels_say_that_they_are_averaged():
    assert not any("Promedio" in t for t in words(figures.filters(np.ones((3, 3, 1, 4)), "t")))
    assert any("Promedio de 3" in t for t in words(figures.filters(np.ones((3, 3, 3, 4)), "t")))


def test_a_filter_is_blue_where_it_adds_and_orange_where_it_takes_away():
    kernel = np.array([[1.0, -1.0, 0.0]]).reshape(1, 3, 1, 1)
    added, taken, nothing = figures.filters(kernel, "t").axes[0].images[0].get_array()[0]
    assert added[2] > added[0] and taken[0] > taken[2] and nothing.min() > 0.98


def test_filters_that_are_all_zero_or_have_no_channels():
    assert figures.png(figures.filters(np.zeros((3, 3, 1, 1)), "t"))
    with pytest.raises(ValueError, match="Expected kernels"):
        figures.filters(np.zeros((3, 3)), "t")


# ---- numbers


@pytest.mark.parametrize("values", [([1], [1]), ([5, 5, 5], [5, 5, 5]), ([0, 0], [0, 0])])
def test_regression_figures_of_one_case_and_of_a_constant(values):
    for draw in (figures.predicted_against_true, figures.residuals):
        axes = draw(*values, unit="m", title="t").axes[0]
        assert np.ptp(axes.get_xlim()) > 0 and np.ptp(axes.get_ylim()) > 0


def test_residuals_are_prediction_minus_truth():
    figure = figures.residuals([1, 2], [1.5, 1], unit="m", title="t")
    assert figure.axes[0].collections[0].get_offsets().tolist() == [[1.5, 0.5], [1, -1]]


def test_ticks_have_a_decimal_comma():
    figure = figures.predicted_against_true([0, 1], [0, 1], unit="m", title="t")
    figures.png(figure)
    labels = [tick.get_text() for tick in figure.axes[0].get_xticklabels()]
    assert "0,5" in " ".join(labels) or "0,2" in " ".join(labels)
    assert not any("." in label for label in labels)


def test_curves_1d_measures_the_distance_from_the_truth():
    fits = {1: [1, 1], "grande": [0, 0]}
    figure = figures.curves_1d([9], [9], fits, grid=[1, 0], truth=[0, 0], title="t")
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["1\u00a0neurona", "grande"]
    assert [axes.get_xlabel()[-5:] for axes in figure.axes] == ["1,000", "0,000"]
    line = figure.axes[0].lines[0]
    assert line.get_xdata().tolist() == [0, 1]  # drawn from left to right


# ---- show


def test_show_writes_a_png_makes_the_folders_and_says_where(tmp_path, capsys):
    path = tmp_path / "figures" / "deep" / "a.png"
    figures.show(FIGURES["confusion"](), path)
    with Image.open(path) as picture:
        assert picture.format == "PNG"
    assert [p.name for p in path.parent.iterdir()] == ["a.png"]
    assert capsys.readouterr().out == f"Figura: {path}\n"


def test_show_displays_in_a_notebook_only(monkeypatch, tmp_path, capsys):
    shown = []
    ipython, display = types.ModuleType("IPython"), types.ModuleType("IPython.display")
    display.Image = lambda data: data
    display.display = shown.append
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    for shell in (None, types.SimpleNamespace(), types.SimpleNamespace(kernel=object())):
        ipython.get_ipython = lambda shell=shell: shell
        figures.show(FIGURES["confusion"]())
    assert len(shown) == 1 and shown[0].startswith(b"\x89PNG")
    figures.show(FIGURES["confusion"](), tmp_path / "a.png")  # still in the notebook
    assert len(shown) == 2 and not capsys.readouterr().out


def test_the_same_figure_gives_the_same_bytes():
    assert figures.png(FIGURES["mistakes"]()) == figures.png(FIGURES["mistakes"]())


def test_accuracy_is_drawn_over_how_many_examples_there_were():
    curves = {"congelada": {1: 0.7, 50: 0.9}, "desde cero": {1: 0.5, 50: 0.95}}
    (axes,) = figures.few_examples(curves, title="Pocos ejemplos").axes
    drawn = {line.get_label(): dict(zip(*line.get_data(), strict=True)) for line in axes.lines}
    assert drawn == curves
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "50"]
    assert axes.get_xscale() == "log" and axes.get_ylim()[0] == 0


def test_the_learning_rate_is_drawn_over_the_epochs():
    """2 steps in each of 3 epochs; the last step begins half an epoch before the end."""
    rate = figures.learning_rate(lambda step: 0.1 / (1 + step), steps=2, epochs=3, title="La tasa")
    (line,) = rate.axes[0].lines
    assert line.get_xdata().tolist() == [0, 0.5, 1, 1.5, 2, 2.5]
    assert line.get_ydata()[[0, 1, 5]].tolist() == pytest.approx([0.1, 0.05, 0.1 / 6])


def test_an_answer_has_the_likeliest_of_many_and_all_of_few_in_their_order():
    many = [0.01, 0.3, 0.02, 0.2, 0.03, 0.1, 0.04, 0.05, 0.06, 0.07, 0.08, 0.04]
    figure = figures.answer(grey(1)[0], many, list("abcdefghijkl"), title="Doce")
    assert [word for word in words(figure)[1:] if len(word) == 1] == list("bdfkjihgle")
    figure = figures.answer(grey(1)[0], [0.1, 0.6, 0.3], list("abc"), title="Tres")
    assert words(figure)[1:] == ["a", "10\u00a0%", "b", "60\u00a0%", "c", "30\u00a0%"]
    for chosen, share in ((None, 0.6), (2, 0.3)):  # the likeliest; the one that a threshold decides
        figure = figures.answer(grey(1)[0], [0.1, 0.6, 0.3], "abc", title="Tres", chosen=chosen)
        blue, *others = [
            patch.get_width()
            for patch in figure.axes[0].patches
            if patch.get_facecolor()[2] > 0.6 and patch.get_facecolor()[0] < 0.1
        ]
        assert np.isclose(blue, share * 2.6) and not others


def test_the_count_of_dice_is_that_of_its_squares():
    truth, answer = np.zeros((2, 4, 4), int)
    truth[1:3, 1:3], answer[1, 2:], answer[2, 1:], answer[3, 2] = 1, 1, 1, 1
    figure = figures.dice(truth, answer, title="Dice")
    assert words(figure)[1:] == [
        *("verdad: 4", "respuesta: 6", "en las dos: 3", "Dice = 2·3 / (4 + 6) = 0,60")
    ]
    colored = [patch for patch in figure.axes[0].patches if patch.get_facecolor()[:3] != (1, 1, 1)]
    assert len(colored) == 4 + 6 + 3
