"""Train the network that the package brings, course/demo/digits; print how well it reads.

    python benchmarks/demo_network.py                     MNIST fetched from Kaggle
    python benchmarks/demo_network.py --source FOLDER     a folder that holds a copy of MNIST

Taller 2 itself is run, with one seed. The official test's score is that of its report. The drawings
are scikit-learn's 1,797 digits, 8×8 cells by 43 people whom MNIST does not know, each enlarged
somewhere on a canvas of 400×400, as the page has it: once smoothly, with the greys of the cells,
once as strokes of full ink with a hard edge, whose small gaps an 8×8 grid no longer has. Either is
brought into MNIST's form (preprocessing on), or the whole canvas is shrunk to 28×28 (off).
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys

import numpy as np

FOLDER = pathlib.Path(__file__).parents[1] / "course" / "demo" / "digits"
RUN = pathlib.Path("runs/demo_network")  # read where it is there already
CANVAS = 400
SEED = 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--source", default="kaggle")
    source = parser.parse_args().source
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    if not (RUN / "report.json").exists():
        command = [sys.executable, "-m", "course", "run", "taller2", "--source", source]
        subprocess.run([*command, "--seed", str(SEED), "--run-dir", str(RUN)], check=True)
    keep(RUN)


def keep(run):
    """Score a run on drawings and write it where the package has its network."""
    from course import files
    from course.export import load
    from course.spanish import percent

    model, card = load(run)
    card["data"] |= of_the_catalogue(card["data"])
    card["drawings"] = {"seed": SEED, **scores_of_drawings(model)}
    settings = json.loads((run / "settings.json").read_text())
    card["settings"] = {key: settings[key] for key in ("epochs", "batch_size", "learning_rate")}
    with files.whole(FOLDER / "model.keras") as part:
        part.write_bytes((run / "model.keras").read_bytes())
    files.write(FOLDER / "card.json", files.json_text(card))
    tested, drawn = card["test_data"]["n"], card["drawings"]
    print(f"{FOLDER}, {(FOLDER / 'model.keras').stat().st_size / 1e6:.2f} MB, seed {SEED}")
    print(f"official test, {tested} pictures: {percent(card['scores']['accuracy'])}")
    for edge in ("smooth", "hard"):
        on, off = (percent(drawn[edge][name]) for name in ("preprocessed", "as_drawn"))
        print(f"{drawn['n']} drawings, {edge}: preprocessing on {on}, off {off}")


def of_the_catalogue(data):
    """What a card says of data whose bytes are the catalogue's, wherever they lay."""
    from course.datasets import catalog

    info = catalog.get("mnist")
    if "sha256 del catálogo" not in (data["checked"] or ""):
        raise SystemExit(f"Expected MNIST's own files. Received: {data['checked']}")
    about = {"source": "kaggle", "handle": info.handle, "version": info.version}
    return about | {"title": info.title}


def scores_of_drawings(model):
    """The part of the drawings that a model reads right, by their edge and preparation."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    scores = {"n": len(digits.target)}
    for edge in ("smooth", "hard"):
        rng = np.random.default_rng(SEED)
        canvases = [drawing(image / 16, edge, rng) for image in digits.images]
        scores[edge] = {}
        for name, prepare in {"preprocessed": centered, "as_drawn": shrunk}.items():
            pictures = np.stack([prepare(canvas) for canvas in canvases])[..., None]
            answers = model.predict(pictures.astype("float32"), verbose=0)
            scores[edge][name] = float(np.mean(answers.argmax(axis=1) == digits.target))
    return scores


def drawing(image, edge, rng):
    """An 8×8 digit as uint8 `(400, 400)`, of some size and somewhere on the canvas.

    A cell says which part of it the pen covered. Cut at the level at which all strokes together
    cover as much, what is smooth gets a hard edge again.
    """
    from scipy import ndimage

    cells = np.pad(image, 1)
    zoom = rng.integers(180, 361) / len(cells)
    ink = ndimage.zoom(cells, zoom, order=3, mode="grid-constant", grid_mode=True)
    if edge == "hard":
        ink = ndimage.gaussian_filter(ink, zoom / 6)
        ink = ink > np.quantile(ink, 1 - cells.mean())
    canvas = np.zeros((CANVAS, CANVAS), "uint8")
    top, left = rng.integers(0, CANVAS - np.array(ink.shape) + 1)
    canvas[top : top + len(ink), left : left + len(ink)] = np.rint(255 * np.clip(ink, 0, 1))
    return canvas


def centered(canvas):
    from course.datasets.pictures import center_digit

    return center_digit(canvas)


def shrunk(canvas):
    from PIL import Image

    return np.asarray(Image.fromarray(canvas).resize((28, 28), Image.Resampling.BOX))


if __name__ == "__main__":
    main()
