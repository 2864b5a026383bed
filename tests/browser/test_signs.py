"""Photographs: by upload, by camera (Chromium's own moving picture stands in for one)."""

import numpy as np
import pytest
from PIL import Image

from course.datasets import pictures

pytestmark = pytest.mark.browser


@pytest.fixture
def hand(tmp_path):
    rng = np.random.default_rng(0)
    photo = np.repeat(np.repeat(rng.integers(0, 256, (12, 16, 3)), 20, 0), 20, 1).astype("uint8")
    Image.fromarray(photo).save(tmp_path / "hand.png")
    return tmp_path / "hand.png"


def waits_for_an_answer(page):
    page.wait("return document.querySelector('.big').textContent !== '–'")


def test_an_upload_gives_three_letters_and_shows_what_the_network_got(page, build, hand):
    page.open(build("signs"))
    assert page.text("h1") == "Muestra una letra con la mano"
    page.upload(hand)
    waits_for_an_answer(page)
    shares = page.bars()
    assert len(shares) == 3 and list(shares.values()) == sorted(shares.values(), reverse=True)
    assert page.text(".big") == next(iter(shares))
    expected = pictures.prepare_photo(pictures.read_image(hand))
    assert np.abs(np.array(page.seen()) - expected.astype(int)).max() <= 1
    assert "muy a menudo" in page.text(".wild")
    assert page.text(".j-and-z").startswith("La J y la Z no están")


def test_what_is_cut_away_is_darkened(page, build, hand):
    page.open(build("signs"))
    page.upload(hand)
    waits_for_an_answer(page)
    columns = page.script(
        "const c = document.querySelector('.frame'), g = c.getContext('2d');"
        "const mean = (x) => g.getImageData(x, 0, 1, c.height).data"
        "  .reduce((sum, level, i) => sum + (i % 4 < 3 ? level : 0), 0) / c.height / 3;"
        "return [c.width, c.height, ...Array.from({length: c.width}, (_, x) => mean(x))];"
    )
    width, height, *means = columns
    assert (width, height) == (320, 240)
    photo = np.asarray(Image.open(hand)).mean(axis=(0, 2))
    shares = np.array(means) / photo
    assert shares[41:279] == pytest.approx(1, abs=0.01)
    assert shares[:39] == pytest.approx(0.4, abs=0.02)
    assert shares[281:] == pytest.approx(0.4, abs=0.02)


def test_a_picture_that_is_given_whole_is_not_darkened(page, build, hand):
    page.open(build("pictures", card={"preparation": "square"}))
    assert page.text(".empty").endswith("La red la recibe entera, reducida.")
    page.upload(hand)
    waits_for_an_answer(page)
    expected = pictures.fit_square(pictures.read_image(hand), len(page.seen()))
    assert np.abs(np.array(page.seen()) - expected.astype(int)).max() <= 1
    context = "document.querySelector('.frame').getContext('2d')"
    corner = page.script(f"return {context}.getImageData(0, 0, 1, 1).data.join()")
    assert corner == ",".join(map(str, [*Image.open(hand).getpixel((0, 0)), 255]))


@pytest.mark.parametrize(
    ("threshold", "answer", "reaches"),
    [(0.999, "NORMAL", "no alcanza"), (0.001, "PNEUMONIA", "alcanza")],
)
def test_a_threshold_decides(page, build, hand, threshold, answer, reaches):
    page.open(build("pictures", card={"positive": "PNEUMONIA", "threshold": threshold}))
    page.upload(hand)
    waits_for_an_answer(page)
    assert page.text(".big") == answer == page.text(".bars .best th")
    share = f"{100 * page.bars()['PNEUMONIA']:.1f}".replace(".", ",")
    limit = f"{100 * threshold:.1f}".replace(".", ",")
    said = f"La probabilidad de PNEUMONIA, {share} %, {reaches} el umbral de {limit} %."
    assert page.text(".sure") == said
    assert page.text(".result h2:not(.answer h2)") == "Todas las respuestas"


def test_the_camera_is_followed_until_it_is_stopped(page, build):
    page.order("Browser.grantPermissions", permissions=["videoCapture"])
    page.open(build("signs"))
    page.click(".camera")
    waits_for_an_answer(page)
    assert page.text(".camera") == "Parar"
    pictures_seen = set()
    for _ in range(40):
        page.settle()
        pictures_seen.add(str(page.seen()))
    assert len(pictures_seen) > 2
    page.click(".camera")
    page.wait("return document.querySelector('.camera').textContent === 'Usar la cámara'")
    page.settle()
    last = page.seen()
    for _ in range(5):
        page.settle()
    assert page.seen() == last and page.text(".big") != "–"
    assert page.script("return document.querySelector('video').srcObject.active") is False


def test_a_camera_that_is_refused_leaves_the_upload(page, build, hand):
    page.order("Browser.setPermission", permission={"name": "camera"}, setting="denied")
    page.open(build("signs"))
    page.click(".camera")
    page.wait("return !document.querySelector('.message').hidden")
    assert page.text(".message").startswith("El navegador no dio permiso")
    page.upload(hand)
    waits_for_an_answer(page)
    assert not page.sees(".message")
    page.order("Browser.resetPermissions")


def test_other_photographs_have_no_word_of_letters(page, build, hand):
    page.open(build("pictures"))
    page.upload(hand)
    waits_for_an_answer(page)
    assert page.text("h1") == "Muestra una foto"
    assert len(page.bars()) == 2 and not page.sees(".j-and-z")
    # all answers are there: no heading, seen or read aloud, says that they are three
    assert page.script("return document.querySelector('.result [data-t=likeliest]') === null")


def test_a_rubbish_upload_is_one_sentence(page, build, tmp_path):
    (tmp_path / "rubbish.jpg").write_text("no picture")
    page.open(build("signs"))
    page.upload(tmp_path / "rubbish.jpg")
    page.wait("return !document.querySelector('.message').hidden")
    assert page.text(".message").startswith("Ese archivo no es una imagen")
    Image.new("L", (5, 90)).save(tmp_path / "small.png")
    page.upload(tmp_path / "small.png")
    page.wait(
        "return document.querySelector('.message').textContent.startsWith('La imagen tiene 5×90')"
    )


def test_an_upload_on_a_telephone(page, build, hand):
    page.phone()
    page.open(build("signs"))
    page.upload(hand)
    waits_for_an_answer(page)
    assert page.wide() <= 0
