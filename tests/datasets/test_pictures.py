"""Pictures of every kind come out as the same grey levels, or as one clear error message."""

import gzip
import io
import os
import pathlib
import struct
import warnings
import zipfile
import zlib

import numpy as np
import pytest
from PIL import Image, ImageFile
from scipy import ndimage

from course.datasets.pictures import (
    center_digit,
    fit_square,
    image_size,
    opened,
    prepare_digit,
    prepare_photo,
    prepare_square,
    read_for_square,
    read_image,
)
from course.errors import CourseError

# a black left half on a white right half: 12 wide, 10 high
HALVES = np.full((10, 12), 255, "uint8")
HALVES[:, :6] = 0


def save(folder, picture, name="picture.png", **options):
    path = folder / name
    picture.save(path, **options)
    return path


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA"])
def test_every_colour_mode_of_png_gives_the_same_levels(tmp_path, mode):
    path = save(tmp_path, Image.fromarray(HALVES).convert(mode))
    levels = read_image(path)
    assert levels.dtype == np.uint8
    assert levels.tolist() == HALVES.tolist()


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_every_colour_mode_of_jpg_gives_nearly_the_same_levels(tmp_path, mode):
    path = save(tmp_path, Image.fromarray(HALVES).convert(mode), "picture.jpg", quality=95)
    levels = read_image(path)
    assert levels.shape == (10, 12)
    assert levels[:, :4].max() < 16 and levels[:, 8:].min() > 239


@pytest.mark.parametrize("kind", ["bmp", "gif", "webp"])
def test_other_single_pictures_are_read_too(tmp_path, kind):
    path = save(tmp_path, Image.fromarray(HALVES), f"picture.{kind}", lossless=True)
    assert read_image(path).tolist() == HALVES.tolist()


def test_colours_become_their_lightness(tmp_path):
    # ITU-R 601: 0.299 red + 0.587 green + 0.114 blue
    stripes = np.zeros((9, 9, 3), "uint8")
    stripes[:3, :, 0] = stripes[3:6, :, 1] = stripes[6:, :, 2] = 255
    levels = read_image(save(tmp_path, Image.fromarray(stripes)))
    assert levels[::3, 0].tolist() == [76, 150, 29]


def test_sixteen_bits_become_eight_by_257(tmp_path):
    levels = np.zeros((8, 8), "uint16")
    levels[0, :5] = 257, 128 * 257, 255 * 257, 128, 129  # half a step, and a little more
    path = save(tmp_path, Image.fromarray(levels))
    assert read_image(path)[0, :5].tolist() == [1, 128, 255, 0, 1]


def test_transparent_parts_are_white_paper(tmp_path):
    ink = np.zeros((8, 9, 4), "uint8")  # black everywhere, and clear
    ink[:, 3:6, 3] = 255
    ink[:, 6:, 3] = 51  # a fifth of black on white: 255 − 51
    assert read_image(save(tmp_path, Image.fromarray(ink)))[0].tolist() == (
        [255, 255, 255, 0, 0, 0, 204, 204, 204]
    )


def test_chalk_alone_lies_on_a_black_board(tmp_path):
    chalk = np.full((8, 9, 4), 255, "uint8")
    chalk[:, :6, 3] = 0
    chalk[:, 6:8, 3] = 51  # a soft edge
    assert read_image(save(tmp_path, Image.fromarray(chalk)))[0].tolist() == [0] * 6 + [51, 51, 255]
    chalk[0, 8, :3] = 0  # and a dark dot: white is paper again
    assert read_image(save(tmp_path, Image.fromarray(chalk)))[0].tolist() == [255] * 8 + [0]


@pytest.mark.parametrize("kind", ["uint8", "uint16"])
def test_a_colour_named_transparent_is_white_paper(tmp_path, kind):
    full = np.iinfo(kind).max
    levels = np.full((8, 8), full // 5, kind)
    levels[:, 4:] = 0
    path = save(tmp_path, Image.fromarray(levels), transparency=0)
    assert read_image(path)[0].tolist() == [51] * 4 + [255] * 4


def test_a_palette_with_transparency_is_composited(tmp_path):
    picture = Image.fromarray(HALVES // 255).convert("P")
    picture.putdata((HALVES // 255).ravel().tolist())
    picture.putpalette([0, 0, 0, 10, 10, 10])
    path = save(tmp_path, picture, transparency=bytes([255, 0]))
    assert read_image(path).tolist() == HALVES.tolist()


def test_a_photograph_is_turned_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its side: turn a quarter clockwise
    path = save(tmp_path, Image.fromarray(HALVES), "photo.jpg", quality=95, exif=exif)
    levels = read_image(path)
    assert levels.shape == (12, 10)
    assert levels[:4].max() < 16 and levels[8:].min() > 239


def test_two_that_read_at_once_leave_the_warnings_as_they_were(tmp_path):
    """Threads overlap so: the second opens its picture before the first is done with its own."""
    Image.new("L", (8, 8)).save(tmp_path / "a.png")
    before = list(warnings.filters)
    first, second = opened(tmp_path / "a.png"), opened(tmp_path / "a.png")
    first.__enter__(), second.__enter__()
    first.__exit__(None, None, None), second.__exit__(None, None, None)
    assert warnings.filters == before


def test_a_phone_s_jpg_with_two_views_is_its_first(tmp_path):
    first, second = Image.fromarray(HALVES).convert("RGB"), Image.new("RGB", (12, 10), "red")
    path = save(
        tmp_path,
        first,
        "photo.jpg",
        format="MPO",
        save_all=True,
        append_images=[second],
        quality=95,
    )
    assert read_image(path)[0, ::11].tolist() == [0, 255]


def bad_pictures(folder):
    """Each kind of bad picture with the words that its error message must hold."""
    halves = Image.fromarray(HALVES)
    frames = [halves, Image.fromarray(HALVES[:, ::-1]), halves.rotate(180)]
    (folder / "text.png").write_text("I am no picture")
    (folder / "empty.png").touch()
    (folder / "folder.png").mkdir()
    save(folder, Image.new("L", (1, 1)), "dot.png")
    save(folder, Image.new("L", (400, 7)), "thin.png")
    save(folder, Image.new("1", (9000, 8000)), "large.png")
    save(folder, frames[0], "frames.png", save_all=True, append_images=frames[1:])
    save(folder, frames[0], "frames.gif", save_all=True, append_images=frames[1:])
    noise = np.random.default_rng(0).integers(0, 256, (64, 64), "uint8")
    for kind in ("png", "jpg"):
        whole = save(folder, Image.fromarray(noise), f"cut.{kind}")
        whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    return {
        "text.png": "no es una imagen",
        "empty.png": "no es una imagen",
        "folder.png": "es una carpeta",
        "none.png": "no existe",
        "dot.png": r"1×1 píxeles\. Se esperaban al menos 8×8",
        "thin.png": "400×7 píxeles",
        "large.png": r"9000×8000 píxeles\. Se esperaban como máximo 64 millones",
        "frames.png": "animación de 3 cuadros",
        "frames.gif": "animación de [23] cuadros",
        "cut.png": "dañado o incompleto",
        "cut.jpg": "dañado o incompleto",
    }


def test_bad_pictures_are_refused_by_name_and_left_alone(tmp_path):
    for name, words in bad_pictures(tmp_path).items():
        path = tmp_path / name
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(CourseError, match=words) as error:
            read_image(path)
        assert str(path) in str(error.value) and "Se esperaba" in str(error.value)
        assert before is None or path.read_bytes() == before


def test_twenty_thousand_square_is_refused_before_its_memory_is_taken(tmp_path, monkeypatch):
    # 20,000 × 20,000 one-bit zeros in a true PNG of 50 kB: it would unpack to 400 MB
    def chunk(kind, body):
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    rows = zlib.compress(bytes(20_000 * 2_501))
    header = struct.pack(">IIBBBBB", 20_000, 20_000, 1, 0, 0, 0, 0)
    path = tmp_path / "huge.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )
    monkeypatch.setattr(ImageFile.ImageFile, "load", None)  # decoding is never reached
    with pytest.raises(CourseError, match="Se esperaban como máximo 64 millones"):
        read_image(path)


# ---- a digit as MNIST's makers would have it


def seven(height=200, width=150, ink=255, paper=0, thickness=14):
    """A drawn 7: a bar and a slanted stroke, with plain arrays."""
    page = np.full((height, width), paper, "uint8")
    page[30 : 30 + thickness, 30:110] = ink
    for row in range(30, 170):
        left = 110 - thickness - (row - 30) * 50 // 140
        page[row, left : left + thickness] = ink
    return page


def box_of(digit):
    rows, columns = np.nonzero(digit)
    return np.ptp(rows) + 1, np.ptp(columns) + 1


def test_center_digit_fills_a_20_box_and_centres_the_mass():
    digit = center_digit(seven())
    assert digit.shape == (28, 28) and digit.dtype == np.uint8 and digit.max() == 255
    assert max(box_of(digit)) == 20
    rows, columns = np.mgrid[:28, :28]
    total = digit.sum(dtype=float)  # the mean place of the ink, written out
    assert abs((digit * rows).sum() / total - 14) <= 0.5
    assert abs((digit * columns).sum() / total - 14) <= 0.5


@pytest.mark.parametrize("scale", [1, 0.004, 65535])
def test_center_digit_does_not_mind_where_how_large_or_how_strong(scale):
    ink = seven() / 255
    expected = center_digit(ink).astype(int)
    moved = np.zeros((450, 500))
    moved[200:400, 300:450] = ink * scale
    assert np.array_equal(center_digit(moved), expected)
    assert np.abs(center_digit(np.kron(ink, np.ones((3, 3))) * scale) - expected).mean() < 1.5


def test_center_digit_of_nothing_and_of_one_dot():
    assert center_digit(np.zeros((50, 40))).max() == 0
    dot = np.zeros((50, 40))
    dot[3, 4] = 9
    assert box_of(center_digit(dot)) == (20, 20)
    with pytest.raises(ValueError, match=r"\(height, width\)"):
        center_digit(np.zeros((5, 5, 3)))


@pytest.mark.parametrize("ink, paper", [(0, 255), (255, 0), (60, 200), (220, 90)])
def test_prepare_digit_takes_dark_ink_on_light_paper_and_the_reverse(ink, paper):
    assert (
        np.abs(prepare_digit(seven(ink=ink, paper=paper)).astype(int) - center_digit(seven())).max()
        <= 1
    )


def test_prepare_digit_leaves_mnist_s_own_form_alone():
    digit = center_digit(seven())
    assert np.abs(prepare_digit(digit).astype(int) - digit).max() <= 1
    assert np.abs(prepare_digit(255 - digit).astype(int) - digit).max() <= 1


def test_prepare_digit_sees_through_shadow_and_noise():
    noise = np.random.default_rng(0).normal(0, 3, (800, 600))
    shadow = np.linspace(0, 30, 600)
    photo = np.clip(np.kron(seven(ink=60, paper=200), np.ones((4, 4))) - shadow + noise, 0, 255)
    digit = prepare_digit(photo.astype("uint8"))
    assert np.abs(digit.astype(int) - center_digit(seven())).mean() < 8
    assert digit[:3].max() == 0 and digit[:, :3].max() == 0


def test_prepare_digit_thickens_a_ball_pen_s_line_to_mnist_s_width():
    page = np.full((400, 300), 255, "uint8")
    page[50:350, 148:152] = 30  # 300 high, 4 wide: a quarter of a pixel in a 20×20 box
    digit = prepare_digit(page)
    assert digit[10:18].max(axis=1).min() > 200  # white, not grey
    assert 2 <= (digit[14] > 100).sum() <= 3


@pytest.mark.parametrize("level", [0, 255, 130])
def test_a_blank_page_is_said_to_be_blank(level):
    with pytest.raises(CourseError, match="parece vacía"):
        prepare_digit(np.full((60, 50), level, "uint8"))


def test_a_page_with_noise_alone_is_blank():
    noise = np.random.default_rng(0).integers(236, 256, (300, 200))
    with pytest.raises(CourseError, match="parece vacía"):
        prepare_digit(noise.astype("uint8"))


@pytest.mark.parametrize("height", [4, 32, 48])
def test_a_stroke_too_small_to_be_a_digit_is_not_called_a_blank_page(height):
    page = np.full((1000, 1000), 255, "uint8")
    page[480 : 480 + height, 496:502] = 0
    with pytest.raises(CourseError, match="es muy pequeño"):
        prepare_digit(page)


@pytest.mark.parametrize("shape", [(40, 50), (50, 40, 3)])
def test_a_square_of_one_grey_is_refused_as_a_photograph_is_whatever_the_black_around_it(shape):
    gray = np.full(shape, 90, "uint8")
    with pytest.raises(CourseError, match="casi de un solo gris"):
        prepare_square(gray, 32)
    gray[:20] = 98
    assert np.array_equal(prepare_square(gray, 32), fit_square(gray, 32))


def test_prepare_photo_takes_the_middle_square_and_averages():
    photo = np.zeros((4, 8), "uint8")
    photo[:, :2] = photo[:, 6:] = 255  # outside the middle square
    photo[:2, 2:4] = [[10, 20], [30, 40]]  # its mean is 25
    assert prepare_photo(photo, size=(2, 2)).tolist() == [[25, 0], [0, 0]]
    assert prepare_photo(photo.T, size=(2, 2)).tolist() == [[25, 0], [0, 0]]


def test_prepare_photo_of_the_right_size_changes_nothing_and_enlarges_small_ones():
    photo = np.random.default_rng(0).integers(0, 256, (28, 28), "uint8")
    assert np.array_equal(prepare_photo(photo), photo)
    assert prepare_photo(HALVES).shape == (28, 28)


def test_a_jpg_that_is_read_at_a_smaller_scale_gives_nearly_the_same_square(tmp_path):
    rough = np.random.default_rng(0).normal(size=(600, 800))
    photo = ndimage.gaussian_filter(rough, 4, mode="wrap")
    photo = np.clip(128 + 40 * photo / photo.std(), 0, 255).astype("uint8")
    path = save(tmp_path, Image.fromarray(photo), "photo.jpg", quality=95)
    small = read_for_square(path, 32)
    assert small.shape == (150, 200) and read_for_square(path, 32, color=True).ndim == 3
    square, of_all = fit_square(small, 32), fit_square(read_image(path), 32)
    assert np.abs(square.astype(int) - of_all).mean() < 2  # read at an eighth: 2.8


@pytest.mark.parametrize("prepare", [prepare_digit, prepare_photo])
def test_only_grey_levels_are_prepared(prepare):
    for wrong in (np.zeros((9, 9, 2), "uint8"), np.zeros((9, 9)), np.zeros((0, 9), "uint8")):
        with pytest.raises(ValueError, match="uint8 image of shape"):
            prepare(wrong)


@pytest.mark.realdata
@pytest.mark.skipif("COURSE_TEST_DATA" not in os.environ, reason="COURSE_TEST_DATA is not set")
def test_center_digit_redraws_mnist_s_own_digits():
    """Enlarged eightfold, moved, and brought back, MNIST's test digits are what they were."""
    archive = pathlib.Path(os.environ["COURSE_TEST_DATA"], "kaggle/hojjatk/mnist-dataset.zip")
    with zipfile.ZipFile(archive) as files:
        name = next(name for name in files.namelist() if "t10k-images" in name)
        raw = files.read(name)
    raw = gzip.open(io.BytesIO(raw)).read() if raw[:2] == b"\x1f\x8b" else raw
    digits = np.frombuffer(raw, "uint8", offset=16).reshape(-1, 28, 28)[:300]
    same = 0
    for digit in digits:
        page = np.zeros((400, 350), "uint8")
        page[90 : 90 + 224, 40 : 40 + 224] = np.kron(digit, np.ones((8, 8), "uint8"))
        again = center_digit(page)
        assert np.abs(np.subtract(ndimage.center_of_mass(again), 14)).max() <= 0.51
        assert max(box_of(again)) <= 20
        same += np.abs(again.astype(int) - digit).mean() < 1
    assert same >= 295  # the others lie half a pixel from the middle, a tie


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.tiff", "a.webp"])
def test_the_size_is_that_of_the_upright_picture(tmp_path, name):
    turned = Image.Exif()
    turned[0x0112] = 8
    for exif in (Image.Exif(), turned):
        Image.new("L", (20, 12)).save(tmp_path / name, exif=exif)
        assert image_size(tmp_path / name) == read_image(tmp_path / name).shape


def test_decimals_without_a_white_are_refused(tmp_path):
    Image.fromarray(np.zeros((9, 9), "float32")).save(tmp_path / "a.tiff")
    with pytest.raises(CourseError, match="no dice cuál es el blanco"):
        read_image(tmp_path / "a.tiff")
