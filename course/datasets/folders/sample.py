"""The sample of one's own pictures: what the kit draws or carries, written as files."""

import pathlib

import numpy as np

from course.datasets.download import cache
from course.errors import CourseError
from course.files import whole_folder

TITLES = {
    None: "muestra: manos dibujadas en carpetas, no son fotografías",
    "masks": "muestra: dígitos sobre ruido, con sus máscaras",
}
_LETTERS = "ABCILVWY"
_HANDS, _LOOKS = 20, 3  # of each letter; pictures of each hand, which are twins
_CANVASES = 240
_SIDE = 64  # pixels
_FORMAT = 2  # to be raised whenever the sample changes


def sample(folder, variant=None) -> pathlib.Path:
    """Write pictures that need no download, as a student has them: as files in folders.

    Args:
        folder: Where; it must be empty or not there yet.
        variant: None: drawn hands, a folder for each of eight letters, each hand three times in
            other light. "masks": digits on noise in `imagenes`, their ink in `mascaras`.

    Returns:
        The folder, a `pathlib.Path`.

    Raises:
        CourseError: The variant is unknown, or the folder has files or cannot be written.
    """
    folder = pathlib.Path(folder)
    if variant not in TITLES:
        raise CourseError(f"variant: se esperaba None o 'masks'. Llegó: {variant!r}.")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise CourseError(
            f"{folder} ya existe y no está vacía.\nQué hacer: nombra una carpeta nueva."
        )
    with whole_folder(folder) as part:
        (_hands if variant is None else _digits)(part)
    return folder


def kept_sample(variant):
    """The sample in its place beside kagglehub's downloads, written the first time."""
    home = cache.root() / "samples" / f"folders-{variant or 'classes'}-{_FORMAT}"
    return home if home.is_dir() else sample(home, variant)


def _hands(folder):
    from course.datasets.samples import hands

    rng = np.random.default_rng(0)
    images, labels, hand = hands.draw(_HANDS, _LOOKS, rng, letters=_LETTERS, size=_SIDE)
    for label, letter in enumerate(_LETTERS):
        for number, row in enumerate(np.flatnonzero(labels == label)):
            _save(folder / f"seña {letter}" / f"{number:03}.png", images[row])


def _digits(folder):
    from course.datasets.samples import canvases, digits

    (images, labels), _ = digits.load_data()
    pages, boxes, _ = canvases.scatter(images, labels, _CANVASES, size=(_SIDE, _SIDE), most=2)
    for number, (page, frames) in enumerate(zip(pages, boxes, strict=True)):
        mask = np.zeros(page.shape, "uint8")
        for top, left, bottom, right in frames:
            # the noise ends at 39: what is lighter is ink
            mask[top:bottom, left:right] = 255 * (page[top:bottom, left:right] > 100)
        _save(folder / "imagenes" / f"dígitos {number:03}.png", page)
        _save(folder / "mascaras" / f"dígitos {number:03}.png", mask)


def _save(path, image):
    from course.datasets.pictures import png

    path.parent.mkdir(exist_ok=True)
    path.write_bytes(png(image[..., None]))
