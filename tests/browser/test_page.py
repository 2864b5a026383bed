"""What holds for every view: language, dark, widths, names for a screen reader, honesty."""

import re

import pytest

import course

pytestmark = pytest.mark.browser

VIEWS = ("digits", "signs", "houses")


@pytest.mark.parametrize("view", VIEWS)
def test_the_browsers_language_and_the_switch(page, build, view):
    path = build(view)
    page.open(path, language="en-GB,en")
    assert page.script("return document.documentElement.lang") == "en"
    english = page.text("h1")
    page.click("#language")
    assert page.script("return document.documentElement.lang") == "es"
    spanish = page.text("body")
    page.open(path, language="es-CL,es")
    assert page.text("body") == spanish and page.text("h1") != english
    assert page.script("return document.title") == page.text("h1")


def test_both_languages_have_every_sentence_with_the_same_blanks(page, build):
    page.open(build("digits"))
    texts = page.script("return TEXTS")
    assert list(texts["es"]) == list(texts["en"])
    for key, spanish in texts["es"].items():
        blanks = [[f"{{{i}}}" in text for i in range(4)] for text in (spanish, texts["en"][key])]
        assert blanks[0] == blanks[1], key
    assert "!" not in "".join(texts["es"].values())


def test_a_language_switch_keeps_the_drawing_and_its_numbers(page, build):
    page.open(build("digits"))
    page.draw((100, 100), (200, 300))
    before = page.bars(), page.seen()
    page.click("#language")
    assert (page.bars(), page.seen()) == before
    assert "." in page.text(".sure") and page.text(".sure").endswith("%")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("width", [360, 768, 1024, 1920])
def test_no_width_scrolls_sideways(page, build, view, width):
    page.size(width, 800)
    page.open(build(view, data={"made_up": True}))
    assert page.wide() <= 0


@pytest.mark.parametrize("dark", [False, True])
def test_light_and_dark_can_be_read(page, build, dark):
    page.dark(dark)
    page.open(build("houses", data={"made_up": True}))
    page.script(
        "const s = document.querySelector('input[type=range]'); s.value = 0;"
        "s.dispatchEvent(new Event('input'));"
    )
    contrasts = page.script(CONTRASTS)
    weak = {text: round(ratio, 2) for text, ratio in contrasts.items() if ratio < 4.5}
    assert len(contrasts) > 15 and weak == {}
    background = page.script("return getComputedStyle(document.body).backgroundColor")
    assert (background == "rgb(255, 255, 255)") is not dark


# of each sentence on the page with what it is written on, WCAG's own formula
CONTRASTS = """
const numbers = (color) => color.match(/[\\d.]+/g).map(Number);
const light = (color) => numbers(color).slice(0, 3)
  .map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const behind = (element) => {
  const color = getComputedStyle(element).backgroundColor;
  return numbers(color)[3] === 0 ? behind(element.parentElement) : color;
};
const found = {};
const written = 'p, h1, h2, button, label, span, input[type=number], select, td, th';
for (const element of document.querySelectorAll(written)) {
  if (!element.checkVisibility() || !(element.textContent || element.value)) continue;
  const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
  found[element.tagName + ' ' + (element.className || element.textContent)] =
    (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
}
return found;
"""


@pytest.mark.parametrize("view", VIEWS)
def test_whatever_is_reached_by_tab_has_a_name(page, build, view):
    page.open(build(view))
    found = page.driver.find_elements(
        "css selector", "button, input, select, canvas[tabindex], summary"
    )
    shown = [field for field in found if field.is_displayed()]
    assert len(shown) >= 3
    assert all(field.accessible_name for field in shown)


def test_made_up_and_medical_are_said(page, build):
    page.open(build("signs", data={"made_up": True}))
    assert page.text("#made-up").startswith("Datos inventados.") and not page.sees("#medical")
    page.open(build("pictures", data={"dataset": "chest_xray"}))
    assert page.text("#medical").startswith("No es un dispositivo médico")
    assert not page.sees("#made-up")


def test_what_a_card_says_is_text(page, build):
    names = ["<img src=x onerror=alert(1)>", "</script><b>b</b>"]
    card = {"class_names": names, "name": "<i>red</i>"}
    page.open(build("pictures", card=card, data={"title": "<u>datos</u>"}, check=None))
    page.script("document.querySelector('#about').open = true")
    assert page.script("return document.querySelectorAll('img, b, i[onerror], u').length") == 0
    assert "<i>red</i>" in page.text("#about") and "<u>datos</u>" in page.text("#about")
    page.script(
        "const canvas = new OffscreenCanvas(30, 30); canvas.getContext('2d').fillRect(9, 9, 9, 9);"
        "return canvas.convertToBlob().then((blob) => {"
        "  const held = new DataTransfer(); held.items.add(new File([blob], '<b>.png'));"
        "  const field = document.querySelector('.upload'); field.files = held.files;"
        "  field.dispatchEvent(new Event('change'));"
        "});"
    )
    page.wait("return document.querySelector('.big').textContent !== '–'")
    assert page.text(".big") in names
    assert page.script("return document.querySelectorAll('img, b, u').length") == 0


WRONG = """
  const right = localNetwork;
  localNetwork = (setup) => {
    const network = right(setup);
    let asked = 0;
    return { ask: async (input) => (asked++ === 3 ? new Float32Array(10) : network.ask(input)) };
  };
"""


def test_a_page_that_answers_otherwise_than_keras_says_so_in_red(page, build):
    page.open(build("digits"))
    page.settle()
    assert not page.sees("#differs")
    page.open(build("digits", WRONG))
    page.wait("return !document.querySelector('#differs').hidden")
    assert "en 1 de 10 pruebas" in page.text("#differs")
    color = page.script("return getComputedStyle(document.querySelector('#differs')).color")
    red, green, blue = map(int, re.findall(r"\d+", color))
    assert red > 150 and max(green, blue) < 60


def test_while_the_network_is_fetched_the_page_says_so(page, build):
    slow = """
      localNetwork = () => new Promise((open) => { window.openNow = () =>
        open({ ask: async () => Float32Array.from({ length: 10 }, () => 0.1) }); });
    """
    page.driver.get(build("digits", script=slow).as_uri())
    assert page.text("#status") == "Cargando la red…"
    page.script("openNow()")
    page.wait("return document.querySelector('#status').textContent === ''")
    assert page.sees(".drawing")


def test_a_network_that_cannot_be_opened_is_one_sentence(page, build):
    broken = "localNetwork = async () => { throw new Error('sin pesos'); };"
    page.expected_error = "sin pesos"
    page.driver.get(build("digits", script=broken).as_uri())
    page.wait(
        "return document.querySelector('#status').textContent.startsWith('La red no se pudo')"
    )
    assert page.text("#status") == "La red no se pudo abrir: sin pesos"


def test_never_two_questions_at_once(page, build):
    counting = """
      localNetwork = async () => {
        let open = 0; window.most = 0; window.asked = 0;
        return { async ask() {
          window.most = Math.max(window.most, ++open); window.asked += 1;
          await new Promise((go) => setTimeout(go, 50)); open -= 1;
          return Float32Array.from({ length: 10 }, () => 0.1);
        } };
      };
    """
    page.open(build("digits", script=counting, check=None))
    page.draw(*[(40 + 3 * i, 100 + 50 * (i % 2)) for i in range(100)])
    page.settle()
    assert page.script("return window.most") == 1
    assert page.script("return window.asked") >= 2


def test_no_two_scripts_use_one_name():
    names = {}
    for path in sorted((course.FOLDER / "demo" / "web").glob("*.js")):
        text = path.read_text("utf-8")
        for name in re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", text, re.M):
            names.setdefault(name, []).append(path.name)
    assert {name: files for name, files in names.items() if len(files) > 1} == {}


def test_keras_answers_the_same_page(page, build, served_digits):
    """The page of the server, then that of the file: one drawing, the same answer."""
    page.server = f"http://127.0.0.1:{served_digits}/"
    page.open(page.server)
    strokes = [(110, 90), (200, 60), (268, 110), (180, 190), (288, 260), (200, 340), (110, 312)]
    page.draw(*strokes)
    page.wait("return document.querySelector('.big').textContent !== '–'")
    page.settle()
    by_keras, seen = page.bars(), page.seen()
    for kind in ("grad_cam", "occlusion"):
        page.script(
            "const s = document.querySelector('.heat select'); s.value = arguments[0];"
            "s.dispatchEvent(new Event('change'));",
            kind,
        )
        page.wait(
            "const c = document.querySelector('.over');"
            "return c.getContext('2d').getImageData(0, 0, 400, 400).data.some((level) => level);"
        )
    page.open(build("digits"))
    page.draw(*strokes)
    assert page.seen() == seen
    assert page.bars() == pytest.approx(by_keras, abs=1e-4)
