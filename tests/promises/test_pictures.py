"""Pictures as people have them come out as the clean drawing, or the message says what was seen.

The pages are drawn with plain arrays; the clean page's answer is what each of them is held against.
"""

import sys
import types

import keras
import numpy as np
import pytest
from PIL import Image

from course.cli import main
from course.datasets import sign_mnist
from course.datasets.pictures import prepare_digit, prepare_photo, read_image
from course.errors import CourseError
from course.export import export, model_file
from course.inference import run as answering
from course.inference.run import predict


def seven(ink=40, paper=230, height=240, width=200):
    """A page with a drawn 7: a bar and a slanted stroke."""
    page = np.full((height, width), paper, "float64")
    page[60:74, 60:140] = ink
    for row in range(60, 190):
        left = 126 - (row - 60) * 50 // 130
        page[row, left : left + 14] = ink
    return page


def bytes_of(page):
    return np.clip(np.rint(page), 0, 255).astype("uint8")


CLEAN = prepare_digit(bytes_of(seven())).astype(int)


def differs(page):
    """Mean difference from the clean drawing, in grey levels; it was 50 to 100 with a frame."""
    return np.abs(prepare_digit(bytes_of(page)) - CLEAN).mean()


def framed(page, width, level):
    page = page.copy()
    page[:width] = page[-width:] = page[:, :width] = page[:, -width:] = level
    return page


def shadow(page, low=0.4):
    return page * np.linspace(1, low, page.shape[1])


def noisy(page, spread=3):
    return page + np.random.default_rng(0).normal(0, spread, page.shape)


def ruled(page, contrast=50):
    page = page.copy()
    page[::24] -= contrast
    page[:, ::24] -= contrast
    return page


def boxed(page):
    page = page.copy()
    page[30:220, 30:34] = page[30:220, 166:170] = 40
    page[30:34, 30:170] = page[216:220, 30:170] = 40
    return page


def two(ink=40):
    return np.hstack([seven(ink), seven(ink)])


PAGES = {
    "a line around": framed(seven(), 1, 0),
    "a wide dark frame": framed(seven(), 30, 20),
    "a pale frame": framed(seven(), 12, 190),
    "a scanner's dark edge": np.pad(seven(), ((0, 0), (25, 0)), constant_values=10),
    "a dark desk": np.pad(seven(), 50, constant_values=60),
    "a large desk": np.pad(seven(), 160, constant_values=60),
    "a drawn box": boxed(seven()),
    "squared paper": ruled(seven()),
    "pencil": noisy(seven(ink=205), 1),
    "a shadow": noisy(shadow(seven(), 0.6)),
    "a desk in the shade": shadow(np.pad(seven(), 50, constant_values=60), 0.6),
    "chalk": noisy(seven(ink=200, paper=60)),
    "a board with a light frame": framed(seven(ink=220, paper=50), 15, 200),
}


@pytest.mark.parametrize("name", PAGES)
def test_what_lies_around_a_digit_does_not_change_it(name):
    # where rulings cross a stroke it is darker, and the rest of it paler than on a clean page
    assert differs(PAGES[name]) < (16 if name == "squared paper" else 8)


@pytest.mark.parametrize("page", [seven(), seven(ink=220, paper=30)])
def test_a_digit_may_reach_one_side_of_the_picture(page):
    assert differs(page[60:]) < 8


@pytest.mark.parametrize(
    "page, words",
    [
        (two(), "hay 2 cosas separadas"),
        (two(ink=255), "hay 2 cosas separadas"),
        (framed(two(), 5, 0), "hay 2 cosas separadas"),
        (np.vstack([two(), two()]), "hay 4 cosas separadas"),
        (framed(seven(ink=230), 20, 20), "llega hasta su borde"),
        (ruled(seven(ink=230)), "llega hasta su borde|una mancha"),
        (np.pad(np.full((40, 40), 40), 100, constant_values=230), "una mancha"),
    ],
)
def test_a_page_without_one_digit_is_told_by_what_it_shows(page, words):
    with pytest.raises(CourseError, match=words):
        prepare_digit(bytes_of(page))


@pytest.mark.parametrize("level", [0, 90, 255])
@pytest.mark.parametrize("spread", [0, 2, 6])
def test_only_a_blank_page_is_called_blank(level, spread):
    page = noisy(np.full((200, 180), level), spread)
    with pytest.raises(CourseError, match="parece vacía.*de 255 niveles"):
        prepare_digit(bytes_of(page))


# ---- sixteen bits


@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_greys_of_any_depth_in_a_file_of_16_bits_are_the_same(tmp_path, bits):
    ramp = np.linspace(0, 2**bits - 1, 100).astype("uint16").reshape(10, 10)
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    expected = np.rint(255 * ramp.astype("float64") / (2**bits - 1))
    assert np.abs(read_image(tmp_path / "ramp.png") - expected).max() <= 0.5


def test_a_camera_s_12_bits_are_as_the_hand_was(tmp_path):
    (_, _), (hands, _) = sign_mnist.load_data("sample")
    for number, hand in enumerate(hands[:5]):
        path = tmp_path / f"{number}.png"
        Image.fromarray(np.kron(hand, np.ones((10, 10))).astype("uint16") * 16).save(path)
        assert np.abs(prepare_photo(read_image(path)).astype(int) - hand).max() <= 1


def test_dark_colours_of_12_bits_in_16_are_refused(tmp_path):
    import struct
    import zlib

    def chunk(kind, body):
        checksum = struct.pack(">I", zlib.crc32(kind + body))
        return struct.pack(">I", len(body)) + kind + body + checksum

    def write(path, most):
        rows = (b"\0" + np.full((8, 3), most, ">u2").tobytes()) * 8
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows))
            + chunk(b"IEND", b"")
        )

    write(tmp_path / "dark.png", 4095)
    with pytest.raises(CourseError, match="usa menos de 14"):
        read_image(tmp_path / "dark.png")
    write(tmp_path / "light.png", 65535)
    assert read_image(tmp_path / "light.png").min() == 255


@pytest.mark.parametrize("level", [0, 130, 255])
def test_a_photograph_of_one_grey_is_refused(level):
    photo = np.full((60, 80), level, "uint8")
    with pytest.raises(CourseError, match="un solo gris.* 0 de 255 niveles"):
        prepare_photo(photo)
    photo[20:30, 30:40] = 128 - level // 2
    prepare_photo(photo)


# ---- HEIC


def test_a_heic_without_its_reader_says_what_it_is(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for brands in (b"heic\0\0\0\0mif1heic", b"mif1\0\0\0\0mif1heic", b"hevc\0\0\0\0"):
        path = tmp_path / "IMG_0001.HEIC"
        path.write_bytes(b"\0\0\0\x18ftyp" + brands + bytes(40))
        with pytest.raises(CourseError, match="foto HEIC") as error:
            read_image(path)
        assert "pip install pillow-heif" in str(error.value) and "Se esperaba" in str(error.value)


def test_a_heic_is_read_where_its_reader_is(tmp_path, monkeypatch):
    photo = np.zeros((9, 9, 3), "uint8")
    photo[..., 0] = 200

    def opener():
        from PIL import ImageFile

        class HeifImage(ImageFile.ImageFile):
            format = "HEIF"

            def _open(self):
                self._mode, self._size, self.tile = "RGB", (9, 9), []

            def load(self):
                self.im = Image.fromarray(photo).im
                return Image.Image.load(self)

        Image.register_open("HEIF", HeifImage, lambda start: start[4:8] == b"ftyp")

    Image.init()  # Pillow's own formats, before they are copied
    monkeypatch.setattr(Image, "OPEN", dict(Image.OPEN))
    monkeypatch.setattr(Image, "ID", list(Image.ID))
    monkeypatch.setitem(
        sys.modules, "pillow_heif", types.SimpleNamespace(register_heif_opener=opener)
    )
    path = tmp_path / "IMG_0001.HEIC"
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(40))
    assert read_image(path, color=True)[0, 0].tolist() == [200, 0, 0]


# ---- colour


def network(folder, channels, side=64, preparation="photo"):
    """Says which of red and green there is more of."""
    model = keras.Sequential(
        [
            keras.Input((side, side, channels)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2, "softmax"),
        ]
    )
    kernel = np.zeros((channels, 2))
    kernel[:2] = np.array([[0.1, -0.1], [-0.1, 0.1]])[:channels]
    model.layers[-1].set_weights([kernel, np.zeros(2)])
    card = {
        "task": "classification",
        "class_names": ["tomate", "palta"],
        "data": {"dataset": "mio"},
        "preparation": preparation,
    }
    return export(model, folder, card=card).parent


def test_a_network_of_three_channels_sees_colours(tmp_path):
    run = network(tmp_path / "run", channels=3)
    levels = {"tomate": (220, 60, 60), "palta": (60, 220, 60)}
    files = []
    for name, level in levels.items():
        for mode, kind in [("RGB", "png"), ("RGBA", "png"), ("CMYK", "jpg"), ("P", "gif")]:
            files.append(tmp_path / f"{name}_{mode}.{kind}")
            Image.new("RGB", (90, 70), level).convert(mode).save(files[-1])
    best = [ranking[0] for ranking in predict(run, files)]
    assert [name for name, _ in best] == ["tomate"] * 4 + ["palta"] * 4
    assert min(share for _, share in best) > 0.99


def test_a_grey_picture_has_three_equal_channels_and_a_grey_network_gets_lightness(tmp_path):
    gradient = np.tile(np.arange(0, 250, 3, dtype="uint8"), (80, 1))
    Image.fromarray(gradient).save(tmp_path / "grey.png")
    [ranking] = predict(network(tmp_path / "three", 3), [tmp_path / "grey.png"])
    assert [share for _, share in ranking] == pytest.approx([0.5, 0.5])
    Image.fromarray(np.dstack([gradient, gradient * 0, gradient * 0])).save(tmp_path / "red.png")
    predict(network(tmp_path / "one", 1), [tmp_path / "red.png"], keep=tmp_path / "kept")
    kept = np.asarray(Image.open(tmp_path / "kept" / "red_red.png"))
    assert kept.shape == (64, 64) and 60 < kept.max() < 76  # 0.299 of 249


@pytest.mark.parametrize("channels", [2, 4])
def test_a_network_of_other_channels_is_not_given_repeated_greys(tmp_path, channels):
    Image.new("RGB", (64, 64), (220, 60, 60)).save(tmp_path / "photo.png")
    with pytest.raises(CourseError, match="de 1 o 3 canales"):
        predict(network(tmp_path / "run", channels), [tmp_path / "photo.png"])


# ---- what the network saw


def asked(capsys, *arguments):
    code = main(["predict", *map(str, arguments)])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_predict_keeps_what_the_network_saw_and_overwrites_nothing(tmp_path, capsys):
    run = network(tmp_path / "run", 1, side=28, preparation="digit")
    Image.fromarray(bytes_of(framed(seven(), 9, 0))).save(tmp_path / "foto.jpg", quality=95)
    kept = tmp_path / "new" / "kept"
    code, out, _ = asked(capsys, run, tmp_path / "foto.jpg", "--keep", kept)
    assert code == 0 and f"Lo que vio la red: {kept / 'foto_red.png'}" in out
    picture = Image.open(kept / "foto_red.png")
    assert picture.size == (28, 28) and picture.mode == "L"
    assert np.array_equal(picture, prepare_digit(read_image(tmp_path / "foto.jpg")))
    figure = Image.open(kept / "foto_respuesta.png")
    assert "foto.jpg" in figure.text["Title"] and f"Figura: {kept / 'foto_respuesta.png'}" in out
    (kept / "foto_red.png").write_bytes(b"mine")
    code, _, error = asked(capsys, run, tmp_path / "foto.jpg", "--keep", kept)
    assert code == 2 and "ya existe y queda como está" in error
    assert (kept / "foto_red.png").read_bytes() == b"mine"
    # its next line: another folder
    assert asked(capsys, run, tmp_path / "foto.jpg", "--keep", tmp_path / "other")[0] == 0


def test_two_pictures_of_one_name_are_not_kept_as_one(tmp_path, capsys):
    run = network(tmp_path / "run", 1, side=28, preparation="digit")
    files = [tmp_path / "foto.png", tmp_path / "foto.bmp"]
    for path in files:
        Image.fromarray(bytes_of(seven())).save(path)
    code, _, error = asked(capsys, run, *files, "--keep", tmp_path / "kept")
    assert code == 2 and "sería de dos imágenes" in error and not (tmp_path / "kept").exists()
    for number, path in enumerate(files):  # its next line: one after the other
        assert asked(capsys, run, path, "--keep", tmp_path / f"kept{number}")[0] == 0


def test_nothing_is_kept_of_a_call_that_is_refused(tmp_path, capsys):
    run = network(tmp_path / "run", 1, side=28, preparation="digit")
    Image.fromarray(bytes_of(seven())).save(tmp_path / "good.png")
    Image.fromarray(bytes_of(two())).save(tmp_path / "two.png")
    files = [tmp_path / "good.png", tmp_path / "two.png"]
    code, _, error = asked(capsys, run, *files, "--keep", tmp_path / "kept")
    assert code == 2 and "two.png" in error and not (tmp_path / "kept").exists()


def test_what_cannot_be_kept_is_told_with_the_answers(tmp_path, capsys, monkeypatch):
    run = network(tmp_path / "run", 1, side=28, preparation="digit")
    Image.fromarray(bytes_of(seven())).save(tmp_path / "foto.png")

    def full(path, content, write=answering.files.write):
        if path.name.endswith("_respuesta.png"):
            raise CourseError("El disco está lleno.")
        write(path, content)

    monkeypatch.setattr(answering.files, "write", full)
    code, out, error = asked(capsys, run, tmp_path / "foto.png", "--keep", tmp_path / "kept")
    assert code == 2 and not out
    assert f"lleno.\nLo que vio la red, de todos modos, en {tmp_path / 'foto.png'}:  " in error
    assert "\xa0%" in error

    card = {"class_names": ["fondo", "255"], "preparation": "square"}
    card["inputs"] = [{"shape": [8, 8, 1]}]
    half = np.eye(2)[np.repeat([0, 1], 32).reshape(1, 8, 8)]
    monkeypatch.setattr(model_file, "load_model", lambda *_: lambda x, training: half)
    with pytest.raises(CourseError, match="lleno.\nLo que vio la red.*foto.png:  «255» 50,0.%"):
        answering.mark(run, [tmp_path / "foto.png"], card, keep=tmp_path / "marked")
    monkeypatch.setattr(answering.start, "load_keras", lambda: pytest.fail("too late"))
    with pytest.raises(CourseError, match="es un archivo, no una carpeta"):
        answering.mark(run, [tmp_path / "foto.png"], card, keep=tmp_path / "foto.png")
