"""Every lesson's last section, "Para probar", done in a notebook, cell by cell.

On the sample, one epoch. A kernel for each lesson: it runs the lesson once, then each item as a
student does it: a cell is changed, or a setting, and what follows is run again.
"""

import math
import os
import re
import sys
from dataclasses import dataclass

import nbclient
import nbformat
import pytest

from course.kaggle import lessons, notebooks
from tests import ROOT

pytestmark = pytest.mark.to_try


@dataclass
class Item:
    """What an item asks for; `words` are how its text begins.

    `changes`: what stands in a cell → what stands there instead, without a change of settings;
    `env`: the settings that are given; `cell`: a new cell at the end; `refused`: run from the
    changed cell on, `fit` says that the run has another training, and what to do is then done;
    `alone`: nothing that follows depends on the cell.
    `code` is False for what is no code: to look, to draw, to think.
    """

    words: str
    changes: dict | None = None
    env: dict | None = None
    cell: str = ""
    refused: bool = False
    alone: bool = False
    code: bool = True
    printed: str = ""


def thought(words):
    return Item(words, code=False)


XOR = 'MLP((2, 8, 1), activation="tanh", loss="binary_crossentropy", seed=s.seed)'
CNN3 = "cnn((28, 28, 1), num_classes=24, filters=(16, 64, 96, 128))"
PLAIN = {
    'trainer = keras.Sequential([keras.Input((28, 28, 1)), light, model], name="entrenamiento")': (
        "trainer = model"
    ),
    ", augment=deform": "",
}
DEFORMED = """\
            keras.layers.RandomRotation(0.05, fill_mode="nearest"),
            keras.layers.RandomZoom(0.2, 0.2, fill_mode="nearest"),
            keras.layers.RandomTranslation(0.1, 0.1, fill_mode="nearest"),
            keras.layers.RandomContrast(0.5),
            keras.layers.RandomGaussianBlur(0.5, kernel_size=3),
            keras.layers.RandomErasing(0.5, scale=(0.02, 0.15)),
"""
SAVE = "from PIL import Image\nImage.fromarray(x_test[0, ..., 0]).save('{}')\n"
WEB = "!python -m course export {run} --web pagina && ls pagina"
BORROWED = """\
file = "x.weights.h5"
keras.applications.MobileNetV2((128, 128, 3), weights=None, include_top=False).save_weights(file)
"""
NOUN = "group_noun=record.group_noun,"
KEPT = "kept = detection.non_maximum_suppression(boxes, scores, threshold=0.3)"
ITEMS = {
    "taller0_fundamentos": [
        Item(
            'Cambia `"tanh"` por `"heaviside"`', {XOR: XOR.replace("tanh", "heaviside")}, alone=True
        ),
        Item("Entrena XOR con `MLP((2, 1), …)`", {XOR: XOR.replace("2, 8, 1", "2, 1")}, alone=True),
        Item(
            "Pasa el kernel del ejercicio 0.5 por un dígito",
            cell="print(convolve(x_train[0], [[1, 0, -1]] * 3).shape)",
            printed="(26, 26)",
        ),
        Item(
            "Agrega a `FUNCTIONS` una función con un salto",
            {"BUILDERS = {": 'FUNCTIONS["salto"] = lambda x: 1.0 * (x > 0.3)\nBUILDERS = {'},
            alone=True,
        ),
        thought("En `course/foundations/losses.py`, ¿por qué"),
    ],
    "taller1_mlp_regresion": [
        Item(
            "Cambia `units=(128, 128, 128)` por `()`",
            {"units=(128, 128, 128)": "units=()"},
            refused=True,
        ),
        Item(
            "Quita `*waves` y entrena",
            {"*ratios, *waves]": "*ratios]"},
            refused=True,
        ),
        Item(
            "Quita `normalize` y entrena",
            {"normalize(numbers), words": "numbers, words"},
            refused=True,
        ),
        Item("Entrena con `--limit 500`", env={"LIMIT": 500}),
        thought("Mira en el informe los distritos"),
    ],
    "taller2_cnn_mnist": [
        Item("Quita el aumento de datos (`augment=warp`)", {", augment=warp": ""}),
        Item("Entrena con `--limit 1000`", env={"LIMIT": 1000}),
        Item(
            "Cambia `filters=(16, 64, 96, 128)` por `(8, 16, 32)`",
            {"filters=(16, 64, 96, 128)": "filters=(8, 16, 32)"},
            refused=True,
        ),
        Item(
            "Dibuja un dígito, guárdalo",
            cell=SAVE.format("mi_digito.png")
            + "!python -m course predict {run} mi_digito.png --keep visto && ls visto",
            printed="mi_digito_respuesta.png",
        ),
        Item("Haz una página de tu red", cell=WEB, printed="index.html"),
    ],
    "taller3_cnn_senas": [
        Item(
            'Entrena con la validación `"al azar"`',
            {'choices["por fotografía"]': 'choices["al azar"]'},
        ),
        Item("Quita el aumento de datos", PLAIN),
        thought("¿Qué letras se parecen más"),
        Item(
            "Toma una foto de tu mano",
            cell=SAVE.format("mi_mano.jpg") + "!python -m course predict {run} mi_mano.jpg",
            printed="mi_mano.jpg:  ",
        ),
        Item(
            "Cambia la red por otra de las diapositivas",
            {
                CNN3: "vgg((28, 28, 1), 24, filters=(16, 32, 64), repeats=(2, 2, 2), units=(128,))",
            },
        ),
        Item(
            "Cambia la red por otra de las diapositivas",
            {
                CNN3: "resnet((28, 28, 1), 24, filters=(8, 16, 32), repeats=(1, 1, 1))",
            },
        ),
    ],
    "taller4_unet_brats": [
        Item("Entrena solo con FLAIR", env={"MODALITIES": "flair"}),
        Item("Quita las compuertas (`--no-attention`)", env={"ATTENTION": 0}),
        Item("En 3D: `--dims 3`", env={"DIMS": 3, "PATCH": 32}),
        thought("Busca en el informe el peor caso"),
        Item(
            "Quita el mínimo de ET",
            {"origin=data, least_et_ml=least_et_ml": "origin=data"},
        ),
        Item(
            "Escribe la máscara de un caso",
            cell="case = test_cases[0].images[modalities[0]].parent\n"
            "!python -m course predict {run} {case} -o mascara.nii.gz && ls mascara.nii.gz",
            printed="\nmascara.nii.gz",
        ),
    ],
    "taller5_aplicaciones": [
        Item(
            "Quita la capa `LayerNormalization`",
            {
                "            keras.layers.LayerNormalization(axis=(1, 2, 3), center=False, "
                "scale=False),\n            keras.layers.Rescaling(60, offset=128),\n": "",
            },
            refused=True,
        ),
        Item("Deja en `augmentation` solo `RandomFlip`", {DEFORMED: ""}),
        thought("Si perder a un enfermo cuesta diez veces más"),
        thought("Con las radiografías: ¿bacteria o virus?"),
        Item(
            "Usa otra red prestada",
            {
                "weights = s.weights or (": BORROWED + "weights = file or (",
                "names), s.backbone, weights": 'names), "MobileNetV2", weights',
            },
            alone=True,
            printed="descongelada: aprenden la salida y 4 capas",
        ),
    ],
    "taller5b_deteccion": [
        Item("En `scores >= 0.5`, cambia el umbral", {"scores >= 0.5": "scores >= 0.2"}),
        Item("En `scores >= 0.5`, cambia el umbral", {"scores >= 0.5": "scores >= 0.9"}),
        Item("Quita la supresión de no máximos", {KEPT: "kept = slice(None)"}),
        Item(
            "Entrena con `shift=0` en `canvases.windows`",
            {"nothing, seed=s.seed\n)\nx_val": "nothing, seed=s.seed, shift=0\n)\nx_val"},
        ),
        thought("Un sistema que ayuda a leer mamografías"),
    ],
    "taller6_proyecto": [
        Item(
            "Pregúntale por una imagen nueva",
            cell="photo = record.folder / record.files[0]\n"
            '!python -m course predict {run} "{photo}" --keep respuestas && ls respuestas',
            printed="000_respuesta.png",
        ),
        Item(
            "Mídela otra vez",
            cell="!python -m course evaluate {run}",
            printed="Informe: ",
        ),
        Item("La muestra con máscaras", env={"VARIANT": "masks"}),
        Item("Entrena con menos", env={"LIMIT": 40}),
        thought("Compara `--network transfer` con la `cnn`"),
        Item("Si clasifica, haz de ella una página", cell=WEB, printed="index.html"),
        Item(
            "Si buscas una de dos clases",
            cell="import shutil\n"
            "for name in names[:2]:\n"
            "    shutil.copytree(record.folder / name, f'dos/{name}')",
        ),
        Item(
            "Si buscas una de dos clases",
            {NOUN: NOUN + " positive=names[1],"},
            env={"SOURCE": "dos"},
            printed="sensibilidad",
        ),
    ],
}
# words of cells that train for themselves, with nothing else resting on them: once is enough
ASIDE = {
    "taller1_mlp_regresion": ("def curve(x)", "y = curve(x) + random.normal(0, 0.5"),
    "taller3_cnn_senas": ("few = train[:2700]",),
    "taller5_aplicaciones": ("old, fresh = np.flatnonzero(",),
}
SHORT = {"SOURCE": "sample", "EPOCHS": 1, "LIMIT": 300}
SHORT_TOO = {
    "taller1_mlp_regresion": {"CURVE_EPOCHS": 1},
    "taller4_unet_brats": {"LIMIT": 4, "FILTERS": 4},
    "taller5_aplicaciones": {"TRANSFER_EPOCHS": 1, "LIMIT": 200},
    "taller5b_deteccion": {"BRAINS": 2},
}


def test_each_item_of_each_lesson_is_known():
    assert set(ITEMS) == set(lessons.names())
    for lesson, items in ITEMS.items():
        last = notebooks.cells(lessons.find(lesson))[-1].source
        assert "Para probar" in last
        texts = [" ".join(text.split()) for text in re.split(r"^\d+\. ", last, flags=re.M)[1:]]
        words = list(dict.fromkeys(item.words for item in items))
        assert len(texts) == len(words), f"{lesson}: an item is new, or has gone"
        for text, beginning in zip(texts, words, strict=True):
            assert text.startswith(beginning)


class Notebook:
    """A lesson open in Jupyter, with the cells that are code and no exercise."""

    def __init__(self, lesson, client):
        self.client = client
        self.cells = [
            cell.source
            for cell in notebooks.cells(lessons.find(lesson))
            if cell.cell_type == "code" and "ejercicio" not in cell.metadata.get("tags", ())
        ]
        self.settings = self.first("run = run_dir(")

    def first(self, words):
        return next(place for place, source in enumerate(self.cells) if words in source)

    def run(self, source):
        """Run a cell; returns what it printed."""
        cell = nbformat.v4.new_code_cell(source)
        self.client.nb.cells.append(cell)
        self.client.execute_cell(cell, len(self.client.nb.cells) - 1)
        return "".join(output.get("text", "") for output in cell.outputs)

    def run_from(self, place, cells=None):
        return "".join(map(self.run, (cells or self.cells)[place:]))


@pytest.fixture
def notebook(request, tmp_path):
    lesson = request.param
    client = nbclient.NotebookClient(
        nbformat.v4.new_notebook(),
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    given = SHORT | SHORT_TOO.get(lesson, {})
    variables = {f"COURSE_{name}": str(value) for name, value in given.items()}
    folder = os.path.dirname(sys.executable)  # of the python that `!python` starts
    path = os.pathsep.join([folder, os.environ.get("PATH", "")])
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path, **variables}
    environment.pop("MPLBACKEND", None)
    with client.setup_kernel(env=environment):
        yield Notebook(lesson, client)


@pytest.mark.parametrize("notebook", ITEMS, indirect=True, ids=list(ITEMS))
def test_every_item_is_done_in_a_notebook(notebook, request):
    lesson = request.node.callspec.params["notebook"]
    assert "Informe: " in notebook.run_from(0)
    for words in ASIDE.get(lesson, ()):
        del notebook.cells[notebook.first(words)]
    given = SHORT | SHORT_TOO.get(lesson, {})
    for item in ITEMS[lesson]:
        if not item.code:
            continue
        cells = list(notebook.cells)
        for old, new in (item.changes or {}).items():
            assert sum(old in cell for cell in cells), old
            cells = [cell.replace(old, new) for cell in cells]
        changed = [i for i, cell in enumerate(cells) if cell != notebook.cells[i]]
        if item.refused:
            with pytest.raises(nbclient.exceptions.CellExecutionError) as error:
                notebook.run_from(changed[0], cells)
            assert "ejecuta otra vez la celda «Ajustes» y las que siguen" in str(error.value)
            assert "Traceback" not in str(error.value)
        for name, value in (item.env or {}).items():
            notebook.run(f"%env COURSE_{name}={value}")
        if item.alone:
            printed = "".join(notebook.run(cells[place]) for place in changed)
        elif item.env or changed:
            trains = item.env or "resume(" in "".join(cells[changed[0] :])
            notebook.run(cells[0])  # what is imported may have changed
            start = notebook.settings if trains else changed[0]
            printed = notebook.run_from(start, cells)
            assert "Informe: " in printed and "no se entrenó nada" not in printed
        if "MLP((2, 1)" in item.words:
            assert f"{math.log(2):.4f}".replace(".", ",") in printed
        if item.cell:
            printed = notebook.run(item.cell)
        assert item.printed in printed
        for name in item.env or {}:
            back = f"['COURSE_{name}'] = '{given[name]}'" if name in given else ""
            drop = f".pop('COURSE_{name}')"
            notebook.run(f"import os; os.environ{back or drop}")
