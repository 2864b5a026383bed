"""Pictures in the browser come out as in course.datasets.pictures: at most one grey level apart."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from course.datasets import pictures
from course.datasets.samples import digits as samples
from course.errors import CourseError

pytestmark = pytest.mark.browser


def as_js(array):
    height, width, channels = (*array.shape, 1)[:3]
    pixels = array.ravel().tolist()
    return {"pixels": pixels, "height": height, "width": width, "channels": channels}


def in_browser(page, call, array, *more):
    """What a function of picture.js makes of a picture, or its message."""
    made = page.script(
        "const picture = {...arguments[0], pixels: Uint8Array.from(arguments[0].pixels)};"
        f"try {{ const made = {call}; return {{...made, pixels: Array.from(made.pixels)}}; }}"
        "catch (error) { return error.message; }",
        as_js(array),
        *more,
    )
    if isinstance(made, str):
        return made
    channels = [made["channels"]] if made.get("channels", 1) > 1 else []
    return np.array(made["pixels"], int).reshape(made["height"], made["width"], *channels)


def in_python(prepare, *given):
    try:
        return prepare(*given).astype(int)
    except CourseError as error:
        return str(error)


def agree(one, other):
    """Level for level, but for one; or both refuse, with the same first words."""
    if isinstance(one, str) or isinstance(other, str):
        return str(one)[:30] == str(other)[:30]
    return one.shape == other.shape and np.abs(one - other).max() <= 1


@pytest.fixture
def opened(page, build):
    page.open(build("digits"))
    return page


def drawing(rng):
    """A few thick strokes at random places of a small canvas, of random darkness."""
    ink = np.zeros(rng.integers(30, 120, 2), "uint8")
    for _ in range(rng.integers(1, 5)):
        top, left = rng.integers(0, np.array(ink.shape) - 10)
        height, width = rng.integers(3, 30, 2)
        ink[top : top + height, left : left + width] = rng.integers(20, 256)
    return ink


def test_a_drawing_is_centred_as_in_python(opened):
    rng = np.random.default_rng(0)
    for _ in range(50):
        ink = drawing(rng)
        made = in_browser(opened, "centerDigit(picture)", ink)
        assert agree(made, in_python(pictures.center_digit, ink))
    assert in_browser(opened, "centerDigit(picture)", np.zeros((9, 9), "uint8")).max() == 0


@pytest.mark.parametrize("size", [(28, 28), (64, 48), (7, 90)])
@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_photograph_is_cut_and_shrunk_as_in_python(opened, size, channels):
    rng = np.random.default_rng(0)
    for _ in range(8):
        shape = (*rng.integers(8, 150, 2), *channels)
        photo = rng.integers(60, 200, shape).astype("uint8")
        made = in_browser(opened, "preparePhoto(picture, ...arguments[1])", photo, size)
        assert agree(made, in_python(pictures.prepare_photo, photo, size)), shape
    gray = np.full((30, 30, *channels), 90, "uint8")
    made = in_browser(opened, "preparePhoto(picture, ...arguments[1])", gray, size)
    assert agree(made, in_python(pictures.prepare_photo, gray, size)) and isinstance(made, str)


@pytest.mark.parametrize("channels", [(), (3,)])
def test_a_whole_picture_is_fitted_as_in_python(opened, channels):
    rng = np.random.default_rng(0)
    for size in (28, 64, 7):
        for _ in range(5):
            photo = rng.integers(0, 256, (*rng.integers(8, 150, 2), *channels)).astype("uint8")
            made = in_browser(opened, "prepareSquare(picture, arguments[1])", photo, size)
            assert agree(made, in_python(pictures.prepare_square, photo, size)), photo.shape
    gray = np.full((30, 60, *channels), 90, "uint8")
    made = in_browser(opened, "prepareSquare(picture, arguments[1])", gray, 28)
    assert agree(made, in_python(pictures.prepare_square, gray, 28)) and isinstance(made, str)


def pages():
    """50 pages with one digit: shadows, noise, a frame, light ink, a speck beside it; 5 others."""
    (digits, _), _ = samples.load_data()
    rng = np.random.default_rng(1)
    for i in range(50):
        height, width = rng.integers(90, 500, 2)
        side = int(min(height, width) * rng.uniform(0.35, 0.75))
        digit = np.asarray(Image.fromarray(digits[i]).resize((side, side), Image.BICUBIC)) / 255
        page = rng.uniform(120, 250) + np.tile(
            np.linspace(0, rng.uniform(-60, 5), width), (height, 1)
        )
        top, left = (height - side) // 2, (width - side) // 2
        page[top : top + side, left : left + side] -= digit * rng.uniform(60, 115)
        page += rng.normal(0, rng.choice([0, 1, 3]), page.shape)
        if i % 7 == 3:
            page[:, :3] = 20
        if i % 10 == 9:
            page = 255 - page
        if i % 11 == 10:
            page[5:12, 5:30] = 0
        yield page.clip(0, 255).astype("uint8")
    blank = np.full((100, 80), 255, "uint8")
    blot, ruled, framed, tiny = blank.copy(), blank.copy(), blank.copy(), blank.copy()
    blot[20:80, 15:65] = 0
    ruled[20:22] = 0
    framed[40:60, 28:32] = framed[0] = framed[-1] = framed[:, 0] = framed[:, -1] = 0
    tiny[50:53, 40] = 0
    yield from (blank, blot, ruled, framed, tiny)


def test_a_page_with_a_digit_is_read_as_in_python(opened):
    for number, sheet in enumerate(pages()):
        made = in_browser(opened, "prepareDigit(picture)", sheet)
        assert agree(made, in_python(pictures.prepare_digit, sheet)), (number, made)


# ---- files of every kind, read by the browser itself


def photograph(rng, kind):
    """A smooth picture with an edge, in one of the kinds that telephones and programs write."""
    height, width = rng.integers(40, 200, 2)
    y, x = np.mgrid[:height, :width] / max(height, width)
    color = rng.uniform(40, 215, 3) + 40 * np.sin(rng.uniform(2, 9, 3) * (x + y)[..., None])
    color[int(height / 3) : int(height / 2)] *= 0.4
    image = Image.fromarray(color.clip(0, 255).astype("uint8"))
    file = io.BytesIO()
    if kind == "turned":
        exif = Image.Exif()
        exif[0x0112] = 6  # a telephone held upright
        image.save(file, "JPEG", quality=92, exif=exif)
    elif kind == "transparent":
        image.putalpha(Image.fromarray((255 * (x > 0.4)).astype("uint8")))
        image.save(file, "PNG")
    elif kind == "light ink":
        clear = Image.new("RGBA", image.size, (255, 255, 255, 0))
        clear.paste((240, 240, 240, 255), (0, 0, width // 2, height // 2))
        clear.save(file, "PNG")
    else:
        mode = {"gray": "L", "palette": "P"}.get(kind, "RGB")
        format = {"jpeg": "JPEG", "webp": "WEBP", "bmp": "BMP"}.get(kind, "PNG")
        image.convert(mode).save(file, format, **({"lossless": True} if kind == "webp" else {}))
    return file.getvalue()


KINDS = ("png", "gray", "palette", "jpeg", "webp", "bmp", "turned", "transparent", "light ink")


def test_fifty_files_are_read_as_in_python(opened, tmp_path):
    rng = np.random.default_rng(0)
    for number in range(50):
        kind = KINDS[number % len(KINDS)]
        path = tmp_path / f"{number}.bin"
        path.write_bytes(photograph(rng, kind))
        made = opened.driver.execute_async_script(
            "const [file, done] = arguments;"
            "const bytes = Uint8Array.from(atob(file), (letter) => letter.charCodeAt(0));"
            "openPicture(new Blob([bytes]))"
            "  .then((bitmap) => preparePhoto(levelsOf(bitmap, 1), 28, 28))"
            "  .then((photo) => done(Array.from(photo.pixels)))"
            "  .catch((error) => done(error.message));",
            base64.b64encode(path.read_bytes()).decode(),
        )
        if isinstance(made, list):
            made = np.reshape(made, (28, 28))
        expected = in_python(pictures.prepare_photo, pictures.read_image(path))
        assert agree(made, expected), (kind, number)
