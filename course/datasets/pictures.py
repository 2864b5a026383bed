"""Pictures as a network sees them: reading a file, and MNIST's own centring recipe."""

import os
import warnings

import numpy as np
from scipy import ndimage

from course.errors import CourseError

_SMALLEST = 8  # pixels a side: below that no digit and no hand can be recognised
_MOST_PIXELS = 64_000_000  # a 50-megapixel photograph passes; 20,000×20,000 does not
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
_LIGHT = 191  # a chalk's level, of 255; ink of at most this can be seen on white paper
_FAINTEST_INK = 24  # grey levels between ink and paper; less is a stain or a shadow


def read_image(path):
    """Read a picture file as grey levels, whatever its size and colour mode.

    Transparent parts show white paper (black, if only light ink was drawn), a photograph is turned
    upright as its EXIF note says, and 16 bits become 8 by dividing by 257, so that white stays
    white.

    Args:
        path: a PNG or JPG file (BMP, WEBP and GIF with one frame are read too).

    Returns:
        uint8 array, `(height, width)`, 0 black to 255 white.

    Raises:
        CourseError: there is no such file, or it is a folder, no picture, cut short, animated,
            smaller than 8×8 or larger than 64 million pixels.
    """
    from PIL import Image, UnidentifiedImageError

    if not os.path.isfile(path):
        what = "es una carpeta" if os.path.isdir(path) else "no existe"
        raise CourseError(f"{path} {what}. Se esperaba un archivo PNG o JPG.")
    with warnings.catch_warnings():
        # Pillow warns of large pictures and of odd EXIF or palettes; the checks below decide
        warnings.simplefilter("ignore")
        try:
            with Image.open(path, formats=_FORMATS) as picture:
                picture.verify()  # the checksums of a PNG; afterwards it must be opened again
            with Image.open(path, formats=_FORMATS) as picture:
                _check_header(picture, path)
                return _gray(picture)
        except CourseError:
            raise
        except UnidentifiedImageError as error:
            raise CourseError(
                f"{path} no es una imagen que se pueda leer. Se esperaba un archivo PNG o JPG.\n"
                "Qué hacer: ábrelo en un programa de dibujo y expórtalo como PNG."
            ) from error
        except Image.DecompressionBombError as error:
            raise _too_large(path, "más de 178 millones de píxeles") from error
        except Exception as error:  # a decoder meeting bytes of someone else's: any class at all
            raise CourseError(
                f"{path} está dañado o incompleto, o no tienes permiso para leerlo "
                f"({type(error).__name__}: {error}). Se esperaba un archivo PNG o JPG completo.\n"
                "Qué hacer: cópialo o descárgalo otra vez."
            ) from error


def prepare_digit(image):
    """Make a picture of one digit look like MNIST's: light ink on black, centred, 28×28.

    What the picture's border shows is paper: its median says how light the paper is, its spread
    how much of the rest is shadow and noise. The ink is whatever differs, darker or lighter.

    It takes what `read_image` returns; a blank page is a CourseError.

    Example:

    >>> page = np.full((200, 150), 255, "uint8"); page[40:160, 70:80] = 0
    >>> digit = prepare_digit(page)
    >>> int(digit[0, 0]), int(digit[14, 14])
    (0, 255)
    """
    page = _gray_levels(image)
    longest = max(page.shape)
    if longest > 512:
        page = _resize(page, tuple(max(1, round(512 / longest * side)) for side in page.shape))
    page = page.astype("int16")
    border = np.concatenate([page[0], page[-1], page[1:-1, 0], page[1:-1, -1]])
    paper = round(float(np.median(border)))
    sign = -1 if paper - page.min() >= page.max() - paper else 1  # -1: dark ink on light paper
    noise = max(0, np.percentile(sign * (border - paper), 90))
    ink = np.clip(sign * (page - paper) - noise, 0, None)
    if ink.max() < _FAINTEST_INK:
        raise CourseError(
            "La imagen parece vacía: ninguna tinta se distingue del papel.\n"
            "Qué hacer: dibuja o fotografía un solo dígito, con un margen despejado alrededor."
        )
    return center_digit(_thicken(ink))


def prepare_photo(image, size=(28, 28)):
    """Crop the middle of a photograph to the shape of `size` and shrink it by averaging areas.

    Example:

    >>> photo = np.zeros((60, 100), "uint8"); photo[:, 50:] = 200
    >>> prepare_photo(photo, size=(2, 2)).tolist()
    [[0, 200], [0, 200]]
    """
    image = _gray_levels(image)
    scale = min(image.shape[0] / size[0], image.shape[1] / size[1])
    height, width = (scale * side for side in size)
    top, left = (image.shape[0] - height) / 2, (image.shape[1] - width) / 2
    return _resize(image, size, box=(left, top, left + width, top + height))


def center_digit(ink):
    """Bring a drawn digit to 28×28 as MNIST's makers did.

    The ink's bounding box is scaled, keeping its proportions, into 20×20 pixels, and placed in
    28×28 so that its centre of mass lies in the middle. Source: LeCun, Cortes and Burges, "The
    MNIST database of handwritten digits".

    `ink` is `(height, width)`, any numeric dtype: 0 is paper, the maximum is full ink. The answer
    is uint8; all zeros when there is no ink.
    """
    ink = np.asarray(ink, dtype="float32")
    if ink.ndim != 2:
        raise ValueError(f"Expected ink of shape (height, width). Received: shape {ink.shape}")
    peak = ink.max(initial=0)
    if peak <= 0:
        return np.zeros((28, 28), "uint8")
    box = ink[ndimage.find_objects((ink > 0.1 * peak).view("uint8"))[0]]
    box = np.rint(255 * np.clip(box / peak, 0, 1)).astype("uint8")
    scale = 20 / max(box.shape)
    return _place(_resize(box, tuple(max(1, round(side * scale)) for side in box.shape)))


def _place(digit):
    """Put a digit of at most 20×20 into 28×28 with its centre of mass at pixel (14, 14)."""
    # (14, 14), not (13.5, 13.5): in all of MNIST's pictures it lies within half a pixel of it
    canvas = np.zeros((28, 28), "uint8")
    top, left = (
        int(np.clip(round(14 - center), 0, 28 - side))
        for center, side in zip(ndimage.center_of_mass(digit), digit.shape, strict=True)
    )
    canvas[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return canvas


def _thicken(ink):
    """Widen a pen's thin line to a ninth of the digit's height, a little less than MNIST's own."""
    stroke = ink > ink.max() / 2  # a ball-pen's line would be a third of a pixel at 20×20: grey
    width = 2 * ndimage.distance_transform_edt(np.pad(stroke, 1)).max()
    rows, columns = np.nonzero(stroke)
    missing = round(max(np.ptp(rows), np.ptp(columns)) / 9 - width)
    return ndimage.grey_dilation(ink, size=(missing + 1, missing + 1)) if missing > 0 else ink


def _resize(image, size, box=None):
    """Resize uint8 `(h, w)` to `size`: averages areas on the way down, interpolates upwards."""
    from PIL import Image

    picture = Image.fromarray(image)
    left, top, right, bottom = box or (0, 0, *picture.size)
    shrinks = right - left >= size[1] and bottom - top >= size[0]
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    return np.asarray(picture.resize(size[::-1], method, box=box))


def _gray_levels(image):
    image = np.asarray(image)
    if image.ndim != 2 or image.dtype != "uint8" or image.size == 0:
        raise ValueError(
            "Expected a uint8 image of shape (height, width). "
            f"Received: {image.dtype} of shape {image.shape}"
        )
    return image


def _check_header(picture, path):
    """Raise for what cannot be one small picture, by its header, before a pixel is decoded."""
    width, height = picture.size
    if min(width, height) < _SMALLEST:
        raise CourseError(
            f"{path} tiene {width}×{height} píxeles. Se esperaban al menos {_SMALLEST}×{_SMALLEST}."
        )
    if width * height > _MOST_PIXELS:
        raise _too_large(path, f"{width}×{height} píxeles")
    frames = getattr(picture, "n_frames", 1)
    # an MPO is a phone's JPG with a second view inside; the first is the photograph
    if frames > 1 and picture.format != "MPO":
        raise CourseError(
            f"{path} es una animación de {frames} cuadros. Se esperaba una sola imagen.\n"
            "Qué hacer: guarda como PNG el cuadro que quieras usar."
        )


def _too_large(path, measure):
    return CourseError(
        f"{path} tiene {measure}. Se esperaban como máximo {_MOST_PIXELS // 1_000_000} millones.\n"
        "Qué hacer: redúcela antes; con 1000 píxeles de lado basta."
    )


def _gray(picture):
    """Any mode of Pillow's to uint8 `(height, width)`, on white paper, upright."""
    from PIL import Image, ImageOps

    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):  # 16 bits of grey
        levels = np.asarray(picture).astype("int64")
        gray = ((levels + 128) // 257).clip(0, 255).astype("uint8")
        clear = picture.info.get("transparency")
        return gray if clear is None else np.where(levels == clear, np.uint8(255), gray)
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, _paper(picture))
        picture = Image.alpha_composite(paper, picture)
    elif picture.mode != "L":
        picture = picture.convert("RGB")
    return np.asarray(picture.convert("L"))


def _paper(picture):
    """What lies behind a transparent picture: white, or black where only light ink was drawn."""
    drawn = np.asarray(picture.convert("L"))[np.asarray(picture.getchannel("A")) > 127]
    return "black" if drawn.min(initial=255) > _LIGHT and drawn.size else "white"
