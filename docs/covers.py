"""The picture on top of each lesson's notebook, made of a figure that the lesson draws.

    python -m course run taller2 --source sample      # … each lesson whose cover is made
    python docs/covers.py runs
    python -m course notebooks build

A cover is at most 40 kB, since it travels inside the notebook: it is made narrower until it fits.
"""

import io
import pathlib
import sys

from PIL import Image

FIGURES = {
    "taller0_fundamentos": "xor.png",
    "taller1_mlp_regresion": "sobreajuste.png",
    "taller2_cnn_mnist": "mapas.png",
    "taller3_cnn_senas": "oclusion.png",
    "taller4_unet_brats": "modalidades.png",
    "taller5_aplicaciones": "torax.png",
    "taller5b_deteccion": "cajas.png",
    "taller6_proyecto": "muestras.png",
}
KERNELS = pathlib.Path(__file__).parent.parent / "kernels"
MOST_BYTES = 40_000
COLORS = 64


def cover(path):
    """A figure as PNG bytes, as wide as fits into `MOST_BYTES`, 720 pixels at most."""
    with Image.open(path) as figure:
        figure = figure.convert("RGB")
    for width in range(min(720, figure.width), 100, -40):
        size = width, round(figure.height * width / figure.width)
        small = figure.resize(size, Image.Resampling.LANCZOS)
        file = io.BytesIO()
        # this method keeps the few pixels of an outline in their colour; k-means, greys grey
        few = small.quantize(COLORS, Image.Quantize.MAXCOVERAGE, kmeans=1, dither=Image.Dither.NONE)
        few.save(file, "png", optimize=True)
        if file.tell() <= MOST_BYTES:
            return file.getvalue()


if __name__ == "__main__":
    runs = pathlib.Path(sys.argv[1])
    for lesson, name in FIGURES.items():
        figure = runs / lesson / "figures" / name
        if not figure.is_file():  # that lesson was not run: its cover stays
            continue
        content = cover(figure)
        (KERNELS / lesson / "portada.png").write_bytes(content)
        print(f"{lesson}: {name}, {len(content) / 1000:.0f} kB")
