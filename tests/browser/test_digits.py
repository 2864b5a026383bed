"""Drawing digits, as a person does: by mouse, by finger, by keys."""

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser

ARCHES = [(110, 90), (160, 62), (220, 62), (268, 95), (268, 140), (230, 178), (180, 190)]
BELLY = [(180, 190), (245, 200), (288, 240), (285, 295), (240, 335), (170, 340), (110, 312)]
CORNER = [
    (30, 20),
    (60, 15),
    (85, 30),
    (80, 55),
    (52, 66),
    (85, 78),
    (92, 105),
    (62, 125),
    (25, 115),
]


@pytest.fixture
def opened(page, build):
    page.open(build("digits"))
    return page


def test_a_three_drawn_stroke_by_stroke_is_read(opened):
    assert opened.text(".big") == "–"
    opened.draw(*ARCHES)
    opened.draw(*BELLY)
    assert opened.text(".big") == "3"
    shares = opened.bars()
    assert list(shares) == list("0123456789") and max(shares, key=shares.get) == "3"
    assert sum(shares.values()) == pytest.approx(1, abs=6e-4)  # four decimals each
    opened.wait("return document.querySelector('#live').textContent.startsWith('Parece 3, con ')")


def test_the_answer_changes_while_the_pen_is_down(opened):
    (_, first), *moves = opened._stroke([*ARCHES, *BELLY])
    opened.order(
        "Input.dispatchMouseEvent",
        type="mousePressed",
        button="left",
        buttons=1,
        clickCount=1,
        x=first[0],
        y=first[1],
    )
    said = set()
    for _, (x, y) in moves[:-1]:
        opened.order(
            "Input.dispatchMouseEvent", type="mouseMoved", button="left", buttons=1, x=x, y=y
        )
        opened.settle()
        said.add(str(opened.bars()))
    assert len(said) > 5
    opened.order("Input.dispatchMouseEvent", type="mouseReleased", button="left", x=x, y=y)


def test_a_finger_draws_and_the_page_does_not_scroll(page, build):
    page.phone()
    page.open(build("digits"))
    page.touch(*ARCHES)
    before = page.script("return scrollY")
    page.touch(*BELLY)
    assert page.text(".big") == "3"
    assert page.script("return scrollY") == before
    assert page.wide() <= 0
    # canvas, tools and the answer are on the screen together
    page.script("scrollTo(0, 0)")
    assert (
        page.script("return document.querySelector('.sure').getBoundingClientRect().bottom") < 844
    )


def test_a_tap_leaves_a_dot(opened):
    opened.draw((200, 200))
    assert np.max(opened.seen()) == 255


def test_undo_takes_one_stroke_and_reset_all(opened):
    opened.draw(*ARCHES)
    half = opened.seen()
    opened.draw(*BELLY)
    assert opened.seen() != half
    opened.click(".undo")
    opened.settle()
    assert opened.seen() == half
    opened.draw(*BELLY)
    opened.click(".reset")
    opened.settle()
    assert np.max(opened.seen()) == 0
    assert opened.text(".big") == "–" and set(opened.bars().values()) == {0}


def test_a_white_stroke_takes_ink_away_and_can_be_undone(opened):
    opened.click(".preprocessing")  # so that what stays does not move
    opened.draw((60, 200), (340, 200))
    line = np.array(opened.seen())
    opened.click(".white")
    assert opened.one(".white").get_attribute("aria-pressed") == "true"
    opened.draw((280, 120), (280, 280))
    cut = np.array(opened.seen())
    assert cut[14, 19] == 0 < line[14, 19]
    np.testing.assert_array_equal(cut[:, :16], line[:, :16])
    opened.click(".undo")
    opened.settle()
    np.testing.assert_array_equal(opened.seen(), line)


def test_only_white_strokes_are_no_drawing(opened):
    opened.click(".white")
    opened.draw(*ARCHES)
    assert opened.text(".big") == "–"


def test_a_thicker_stroke_leaves_more_ink(opened):
    opened.click(".preprocessing")
    opened.draw((60, 100), (340, 100))
    thin = np.sum(opened.seen())
    opened.click(".reset")
    for _ in range(4):
        opened.click(".thicker")
    assert opened.text(".width") == "50"
    opened.draw((60, 100), (340, 100))
    assert np.sum(opened.seen()) == pytest.approx(5 / 3 * thin, rel=0.15)
    for _ in range(30):
        opened.click(".thinner")
    assert opened.text(".width") == "5"


def test_preprocessing_brings_a_small_digit_from_the_corner_to_the_middle(opened):
    opened.draw(*CORNER)
    picture = np.array(opened.seen())
    y, x = np.mgrid[:28, :28]
    assert abs((picture * y).sum() / picture.sum() - 14) < 0.7
    assert abs((picture * x).sum() / picture.sum() - 14) < 0.7
    assert opened.text(".big") == "3"
    opened.click(".preprocessing")
    opened.settle()
    off = np.array(opened.seen())
    assert off[:11, :9].max() > 200 and off[11:].max() == 0 == off[:, 9:].max()
    assert "lienzo entero" in opened.text(".why")
    opened.click(".preprocessing")
    opened.settle()
    np.testing.assert_array_equal(opened.seen(), picture)


def test_the_keyboard_alone_draws(opened):
    opened.script("document.querySelector('.drawing').focus()")
    opened.press(".drawing", *["ARROW_UP"] * 12, " ", *["ARROW_DOWN"] * 24, " ")
    opened.settle()
    line = np.array(opened.seen())
    assert line[5:23, 14].min() > 100 and line[:, :10].max() == 0 == line[:, 19:].max()
    assert opened.text(".big") == "1"
    opened.press(".drawing", "z")
    opened.settle()
    assert opened.text(".big") == "–"
    opened.press(".drawing", "+", "g")
    assert opened.text(".width") == "35"
    assert opened.one(".white").get_attribute("aria-pressed") == "true"


def test_an_uploaded_photograph_is_read_and_drawing_takes_its_place(opened, tmp_path):
    page = Image.new("L", (300, 400), 230)
    page.paste(40, (140, 100, 165, 300))
    page.save(tmp_path / "one.png")
    opened.upload(tmp_path / "one.png")
    opened.wait("return document.querySelector('.big').textContent !== '–'")
    assert opened.text(".big") == "1"
    shown = opened.script(
        "const c = document.querySelector('.drawing');"
        "return Array.from(c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data)"
    )
    assert shown == [40, 40, 40, 255]
    opened.draw(*ARCHES)
    opened.draw(*BELLY)
    assert opened.text(".big") == "3"


def test_a_rubbish_upload_is_one_sentence_and_the_drawing_stays(opened, tmp_path):
    opened.draw(*ARCHES)
    opened.draw(*BELLY)
    (tmp_path / "rubbish.png").write_bytes(b"\x89PNG and then nothing of the kind")
    opened.upload(tmp_path / "rubbish.png")
    opened.wait("return !document.querySelector('.message').hidden")
    assert opened.text(".message").startswith("Ese archivo no es una imagen")
    assert opened.text(".big") == "3"
    opened.draw((20, 20))
    assert not opened.sees(".message")


def test_a_blank_page_says_so(opened, tmp_path):
    Image.new("L", (100, 100), 255).save(tmp_path / "blank.png")
    opened.upload(tmp_path / "blank.png")
    opened.wait("return !document.querySelector('.message').hidden")
    assert opened.text(".message").startswith("La imagen parece vacía")


# a network that answers as before, and looks at the whole 20×20 in the middle
LOOKS = """
  const plain = localNetwork;
  localNetwork = (setup) => Object.assign(plain(setup), {
    heat: async (pixels) => Float32Array.from(pixels, (_, i) =>
      i % 28 > 3 && i % 28 < 24 && i >= 28 * 4 && i < 28 * 24 ? 1 : 0),
  });
"""


def test_where_the_network_looks_lies_over_the_drawing(page, build):
    page.open(build("digits", LOOKS, heat=["grad_cam", "occlusion"]))
    page.draw(*[(x + 100, y + 100) for x, y in CORNER])
    assert page.sees(".heat select")
    assert inked(page) is None
    page.script(
        "const s = document.querySelector('.heat select');"
        "s.value = 'grad_cam'; s.dispatchEvent(new Event('change'));"
    )
    page.settle()
    left, top, right, bottom = inked(page)
    # the 3 is 140 units high with its pen, and so is 20×20
    assert bottom - top == pytest.approx(140, abs=8) == right - left
    assert (top + bottom) / 2 == pytest.approx(170, abs=12)
    assert (left + right) / 2 == pytest.approx(155, abs=20)
    page.draw((200, 200), (250, 250))
    assert inked(page) is not None


def inked(page):
    """The box of what lies over the drawing: left, top, right, bottom; None if nothing does."""
    return page.script(
        "const c = document.querySelector('.over').getContext('2d');"
        "const d = c.getImageData(0, 0, 400, 400).data;"
        "let box = null;"
        "for (let i = 0; i < 160000; i++) if (d[4 * i + 3]) {"
        "  const [x, y] = [i % 400, Math.floor(i / 400)];"
        "  box ??= [x, y, x, y];"
        "  box = [...box.slice(0, 2).map((least, k) => Math.min(least, [x, y][k])),"
        "    ...box.slice(2).map((most, k) => Math.max(most, [x, y][k]))];"
        "}"
        "return box;"
    )
