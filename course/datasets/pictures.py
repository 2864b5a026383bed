"""Pictures as a network sees them: reading a file, and MNIST's own centring recipe."""

import contextlib
import io
import os
import threading
import warnings

import numpy as np
from scipy import ndimage

from course.datasets.ink import find_ink
from course.errors import CourseError

_SMALLEST = 8  # pixels a side: below that no digit and no hand can be recognised
_MOST_PIXELS = 64_000_000  # a 50-megapixel photograph passes; 20,000×20,000 does not
_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF")
_LONGEST = 256  # pixels of a page in which a digit is looked for; 20 of them are kept
_LIGHT = 191  # a chalk's level, of 255; ink of at most this can be seen on white paper
_DEPTHS = (8, 10, 12, 14, 16)  # bits of grey that cameras and scanners put into files of 16
_ORIENTATION = 0x0112  # the EXIF note of how the camera was held; 5 to 8 lie on a side
_LEAST_CONTRAST = 8  # of a photograph's 255 levels; with less nothing is to be seen in it


def read_image(path, color=False, enough=None):
    """Read a picture file as grey levels or as colours, whatever its size and colour mode.

    Transparent parts show white paper (black, if only light ink was drawn), and a photograph is
    turned upright as its EXIF note says. Greys of 16 bits become 8. How many of the 16 are used no
    file says, so its lightest level does: white is the largest number of the fewest bits, of 8, 10,
    12, 14 and 16, that hold it. Levels that are all multiples of 257 are 8 bits, widened.

    Args:
        path: a PNG or JPG file (BMP, WEBP, and GIF and TIFF with one frame are read too, and HEIC
            where pillow-heif is installed).
        color: Boolean, whether to read three channels, red, green and blue.
        enough: Integer, a side in pixels. A JPG may come at a half, a quarter or an eighth of its
            size, as long as both sides have so many: ten times as quick. None reads all of it.

    Returns:
        uint8 array, `(height, width)` or `(height, width, 3)`, 0 black to 255 white.

    Raises:
        CourseError: there is no such file, or it is a folder, no picture, cut short, animated,
            smaller than 8×8 or larger than 64 million pixels.
    """
    with opened(path) as picture:
        picture.verify()  # the checksums of a PNG; afterwards it must be opened again
    with opened(path) as picture:
        if enough:
            picture.draft("RGB" if color else "L", (enough, enough))
        return np.asarray(_on_paper(picture, path).convert("RGB" if color else "L"))


def read_for_square(path, size, color=False):
    """Read a picture file that is to be brought into a square; a large JPG quickly.

    Of the scales in which a JPG can be read, the smallest is taken that has at least four pixels
    for each that is wanted. A JPG's own averaging is another than that of areas: with fewer, a
    network would see another picture than on a page, where all of it is read.

    Args:
        path: As for `read_image`, and the same errors.
        size: Integer, the square's side in pixels.
        color: Boolean, whether to read three channels, red, green and blue.

    Returns:
        As `read_image`.
    """
    return read_image(path, color, enough=4 * size)


def image_size(path):
    """The height and width of a picture in pixels, upright, by its header alone.

    Raises:
        CourseError: As `read_image`, as far as a header tells.
    """
    with opened(path) as picture:
        width, height = picture.size
        # a PNG without this note would be decoded to look for one behind its pixels
        noted = picture.format != "PNG" or "exif" in picture.info
        on_its_side = noted and picture.getexif().get(_ORIENTATION, 1) >= 5
    return (width, height) if on_its_side else (height, width)


class _NoWarnings:
    """`warnings.catch_warnings` for several threads: the first in ignores, the last out restores.

    Each by itself would restore what it found: another's "ignore", which then stays for ever.
    """

    def __init__(self):
        self._lock, self._inside = threading.Lock(), 0

    def __enter__(self):
        with self._lock:
            if not self._inside:
                self._caught = warnings.catch_warnings(action="ignore")
                self._caught.__enter__()
            self._inside += 1

    def __exit__(self, *error):
        with self._lock:
            self._inside -= 1
            if not self._inside:
                self._caught.__exit__(*error)


_no_warnings = _NoWarnings()


@contextlib.contextmanager
def opened(path):
    """A picture file as Pillow's picture, not yet decoded; what goes wrong is a CourseError."""
    from PIL import Image, UnidentifiedImageError

    if not os.path.isfile(path):
        what = "es una carpeta" if os.path.isdir(path) else "no existe"
        raise CourseError(f"{path} {what}. Se esperaba un archivo PNG o JPG.")
    formats = _FORMATS + _heic(path)
    with _no_warnings:  # of large pictures, odd EXIF or palettes: the checks below decide
        try:
            with Image.open(path, formats=formats) as picture:
                _check_header(picture, path)
                yield picture
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

    It takes what `read_image` returns. `ink.find_ink` says where the digit is, dark or light,
    whatever lies around it; where there is none, or more than one, it raises CourseError.

    Example:

    >>> page = np.full((200, 150), 255, "uint8"); page[40:160, 70:80] = 0
    >>> digit = prepare_digit(page)
    >>> int(digit[0, 0]), int(digit[14, 14])
    (0, 255)
    """
    page = _levels(image, (2,))
    longest = max(page.shape)
    if longest > _LONGEST:
        scale = _LONGEST / longest
        page = _resize(page, tuple(max(1, round(scale * side)) for side in page.shape))
    return center_digit(_thicken(find_ink(page)))


def prepare_photo(image, size=(28, 28)):
    """Crop the middle of a photograph to the shape of `size` and shrink it by averaging areas.

    Args:
        image: uint8 `(height, width)`, or `(height, width, 3)` in colour.
        size: `(height, width)` in pixels.

    Returns:
        uint8, `size`, with three channels where `image` has them.

    Raises:
        CourseError: the photograph is of one grey: nothing is to be seen in it.

    Example:

    >>> photo = np.zeros((60, 100), "uint8"); photo[:, 50:] = 200
    >>> prepare_photo(photo, size=(2, 2)).tolist()
    [[0, 200], [0, 200]]
    """
    image = _levels(image, (2, 3))
    scale = min(image.shape[0] / size[0], image.shape[1] / size[1])
    # no more than there is: 29 / 28 * 28 is 29.000000000000004
    height, width = (min(scale * side, own) for side, own in zip(size, image.shape, strict=False))
    top, left = (image.shape[0] - height) / 2, (image.shape[1] - width) / 2
    photo = _resize(image, size, box=(left, top, left + width, top + height))
    _check_contrast(photo)
    return photo


def prepare_square(image, size):
    """Bring a picture into a square as `fit_square` does, for a network that is to answer.

    Raises:
        CourseError: the picture is of one grey: nothing is to be seen in it.
    """
    square = fit_square(image, size)
    top, left, height, width = _place_in_square(image, size)
    _check_contrast(square[top : top + height, left : left + width])
    return square


def _check_contrast(photo):
    contrast = int(np.ptp(photo))
    if contrast < _LEAST_CONTRAST:
        raise CourseError(
            "La foto es casi de un solo gris: entre lo más claro y lo más oscuro hay "
            f"{contrast} de 255 niveles. Se esperaban al menos {_LEAST_CONTRAST}.\n"
            "Qué hacer: toma otra foto, con más luz y con el objeto en el centro."
        )


def png(image):
    """A uint8 image, `(height, width)` and 1 or 3 channels, as the bytes of a PNG file."""
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(file, "PNG")
    return file.getvalue()


def fit_square(image, size):
    """Bring a picture into a square: its aspect kept, centred, black around it.

    Args:
        image: uint8 `(height, width)`, or `(height, width, 3)` in colour.
        size: Integer, the side in pixels.

    Returns:
        uint8 `(size, size)`, with three channels where `image` has them.

    Example:

    >>> fit_square(np.full((8, 16), 200, "uint8"), 4).tolist()
    [[0, 0, 0, 0], [200, 200, 200, 200], [200, 200, 200, 200], [0, 0, 0, 0]]
    """
    image = _levels(image, (2, 3))
    top, left, height, width = _place_in_square(image, size)
    square = np.zeros((size, size, *image.shape[2:]), "uint8")
    square[top : top + height, left : left + width] = _resize(image, (height, width))
    return square


def _place_in_square(image, size):
    height, width = (max(1, round(side * size / max(image.shape[:2]))) for side in image.shape[:2])
    return (size - height) // 2, (size - width) // 2, height, width


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
    """Resize uint8 `(h, w)` or `(h, w, 3)`: average areas on the way down, interpolate upwards."""
    from PIL import Image

    picture = Image.fromarray(image)
    left, top, right, bottom = box or (0, 0, *picture.size)
    shrinks = right - left >= size[1] and bottom - top >= size[0]
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    return np.asarray(picture.resize(size[::-1], method, box=box))


def _levels(image, ranks):
    """The image as an array of one of the ranks: 2 for grey, 3 for colour."""
    image = np.asarray(image)
    good = image.ndim == 2 or (image.ndim == 3 and image.shape[2] == 3)
    if image.ndim not in ranks or not good or image.dtype != "uint8" or image.size == 0:
        shapes = {2: "(height, width)", 3: "(height, width, 3)"}
        raise ValueError(
            f"Expected a uint8 image of shape {' or '.join(shapes[rank] for rank in ranks)}. "
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


def _heic(path):
    """The format of an iPhone's photograph, if the file is one; () for any other."""
    with contextlib.suppress(OSError), open(path, "rb") as file:
        start = file.read(32)
        # the kind of file, then its brands: heic, heix, hevc, or a general one and these behind it
        brands = (start[i : i + 3] for i in (8, 16, 20, 24, 28))
        if start[4:8] == b"ftyp" and any(brand in (b"hei", b"hev") for brand in brands):
            try:
                from pillow_heif import register_heif_opener
            except ImportError as error:
                raise CourseError(
                    f"{path} es una foto HEIC, de un iPhone, y falta lo que la lee. Se esperaba un "
                    "archivo PNG o JPG.\n"
                    "Qué hacer: pip install pillow-heif y repite lo mismo, o exporta la foto como "
                    "JPG."
                ) from error
            register_heif_opener()
            return ("HEIF",)
    return ()


def _on_paper(picture, path):
    """Any mode of Pillow's as one of 8 bits, L or RGB, upright, on white paper."""
    from PIL import Image, ImageOps

    wide = picture.tile and "16B" in str(picture.tile[0].args)  # Pillow keeps the upper 8 bits
    picture = ImageOps.exif_transpose(picture)
    if picture.mode.startswith("I"):
        return Image.fromarray(_eight_bits(picture))
    if picture.mode == "F":
        raise CourseError(
            f"{path} tiene números con decimales, y no dice cuál es el blanco. Se esperaban 8 o 16 "
            "bits.\nQué hacer: ábrela en un programa de imágenes y expórtala como PNG."
        )
    if wide and max(most for _, most in picture.convert("RGB").getextrema()) < 64:
        raise CourseError(
            f"{path} tiene colores de 16 bits por canal y usa menos de 14: se vería negra.\n"
            "Qué hacer: ábrela en un programa de dibujo, aclárala y expórtala como PNG de 8 bits."
        )
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        paper = Image.new("RGBA", picture.size, _paper(picture))
        return Image.alpha_composite(paper, picture).convert("RGB")
    return picture if picture.mode == "L" else picture.convert("RGB")


def _eight_bits(picture):
    """Greys of 16 bits, of which fewer may be used, as uint8; see `read_image`."""
    levels = np.asarray(picture).astype("int64")
    opaque = levels != picture.info.get("transparency", -1)
    white = max(255, int(levels.max(where=opaque, initial=0)))
    if np.any(levels[opaque] % 257):
        white = next(2**bits - 1 for bits in _DEPTHS if white < 2**bits)
    else:
        white = 65535
    gray = (255 * levels + white // 2) // white
    return np.where(opaque, gray, 255).clip(0, 255).astype("uint8")


def _paper(picture):
    """What lies behind a transparent picture: white, or black where only light ink was drawn."""
    drawn = np.asarray(picture.convert("L"))[np.asarray(picture.getchannel("A")) > 127]
    return "black" if drawn.min(initial=255) > _LIGHT and drawn.size else "white"
