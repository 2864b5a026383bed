"""The brain viewer: in a report from a file, and on the page of a network that a server shows."""

from types import SimpleNamespace

import numpy as np
import pytest

from course.datasets import brats
from course.datasets.catalog import Origin
from course.datasets.samples import brains as made_up
from course.evaluation import evaluate_segmenter
from course.evaluation.page.volume import packed
from course.regions import from_regions

pytestmark = pytest.mark.browser

MADE_UP = Origin("brats2020", None, "sample", None, None, "cerebros sintéticos", True, "x", "y")
SHAPE = (20, 30, 24)  # a brain with a border of 4 voxels around it
DRAWN = "return !!document.querySelector('.sagittal canvas')?.getAttribute('aria-label')"
SLICES = (
    "return [...document.querySelectorAll('.brain-plane label span')].map((s) => s.textContent)"
)
ROWS = (
    "[...document.querySelectorAll('.brain-numbers tbody tr')].map((row) =>"
    "  [...row.cells].map((cell) => cell.textContent))"
)


def volume():
    """A case whose image grows with W, with a box of tumour on the patient's right, high, in front.

    WT has 6 × 6 × 6 voxels, TC 3 × 4 × 4 of them, ET one.
    """
    rng = np.random.default_rng(0)
    image = np.zeros((*SHAPE, 2), "float32")
    brain = image[4:-4, 4:-4, 4:-4]
    brain[...] = np.linspace(1, 2, brain.shape[2])[:, None] + rng.normal(0, 0.05, brain.shape)
    mask = np.zeros((*SHAPE, 3), bool)
    mask[8:14, 6:12, 5:11, 0] = mask[8:11, 7:11, 6:10, 1] = mask[9, 8, 7, 2] = True
    return SimpleNamespace(
        name="Caso <1>",
        image=image,
        labels=from_regions(mask, "2020"),
        spacing_mm=(3.0, 1.0, 1.0),
        edition="2020",
        modalities=("flair", "t1ce"),
        answer=np.roll(mask, 3, axis=2),  # half of it, to the left
    )


@pytest.fixture
def report(tmp_path):
    """The page of a report of one case; of another one it shows the volume only."""

    def saved(shown=None):
        case = volume()
        found = evaluate_segmenter(
            None, [case], origin=MADE_UP, predict=lambda model, image: case.answer.astype("float32")
        )
        found.case = shown or found.case
        return found.save(tmp_path).as_uri()

    return saved


@pytest.fixture
def opened(page, report):
    page.driver.get(report())
    page.wait(DRAWN)
    page.wait(f"return ({ROWS}).length === 3")
    return page


def canvas(page, plane):
    """What is drawn of a plane: RGB `(rows, columns, 3)`."""
    found = page.script(
        f"const c = document.querySelector('.{plane} canvas');"
        "const {data} = c.getContext('2d').getImageData(0, 0, c.width, c.height);"
        "return [c.height, c.width, Array.from(data)];"
    )
    return np.array(found[2], "uint8").reshape(found[0], found[1], 4)[..., :3].astype(int)


def blue(picture):
    """Where WT's outline is: `(rows, columns)`."""
    red, _, blue = np.moveaxis(picture, -1, 0)
    return blue - red > 60


# ---- in a report


def test_it_opens_at_the_middle_of_the_tumour_and_says_how_large_it_is(opened):
    # the slice with most tumour is the first of six, numbered from 1; of H and W the middle
    assert opened.script(SLICES) == [
        "Axial, corte 9 de 20",
        "Coronal, corte 10 de 30",
        "Sagital, corte 9 de 24",
    ]
    # 216, 48 and 1 voxels of 3 mm³; of 6 columns the two share 3, of 4 one, of 1 none
    assert opened.script(f"return {ROWS}") == [
        ["tumor completo (WT)", "0,6", "0,6", "0,50"],
        ["núcleo (TC)", "0,1", "0,1", "0,25"],
        ["realce (ET)", "< 0,1", "< 0,1", "0,00"],
    ]
    opened.wait("return document.querySelector('.brain-where').textContent !== ''")
    assert opened.text(".brain-where") == (
        "En la cruz: Verdad: núcleo (TC) · Red: tumor completo (WT)."
    )
    assert "Caso <1>." in opened.script("return document.body.innerText")


def test_left_is_right_and_front_is_up_and_voxels_keep_their_shape(opened):
    opened.script("document.querySelectorAll('.brain-numbers input').forEach((i) => i.click())")
    opened.settle()
    axial, coronal = canvas(opened, "axial"), canvas(opened, "coronal")
    left, right = (axial[:, columns].mean() for columns in (slice(0, 60), slice(-60, None)))
    assert left < right  # the image grows with W, to the patient's left: the picture's right
    # the box around the brain: 12 + 6 slices of 3 mm, 22 + 6 rows and 16 + 6 columns of 1 mm
    assert axial.shape[1] / axial.shape[0] == pytest.approx(22 / 28, abs=0.02)
    assert coronal.shape[1] / coronal.shape[0] == pytest.approx(22 / 54, abs=0.02)
    opened.script("document.querySelectorAll('.brain-numbers input').forEach((i) => i.click())")
    opened.settle()
    rows, columns = np.nonzero(blue(canvas(opened, "axial")))
    height, width = axial.shape[:2]
    assert rows.mean() < height / 2 and columns.mean() < 0.6 * width  # in front, on the right
    rows, _ = np.nonzero(blue(canvas(opened, "coronal")))
    # D from 8 to 14 of 1 to 19, with the head up: 10 to 16 slices from the top of the picture's 18
    assert rows.max() / coronal.shape[0] == pytest.approx((19 - 8) / 18, abs=0.03)
    letters = opened.script(
        "return [...document.querySelectorAll('.brain-plane')].map((plane) =>"
        "  [...plane.querySelectorAll('.brain-end')].map((e) => e.textContent).join(''))"
    )
    assert letters == ["RLAP", "RLSI", "APSI"]


def test_the_keyboard_moves_the_cross_in_its_plane_and_through_the_slices(opened):
    opened.press(".axial canvas", "ARROW_RIGHT", "ARROW_RIGHT", "ARROW_UP", "PAGE_UP")
    opened.settle()
    assert opened.script(SLICES) == [
        "Axial, corte 10 de 20",
        "Coronal, corte 9 de 30",
        "Sagital, corte 11 de 24",
    ]
    opened.press(".coronal canvas", "ARROW_UP", "PAGE_DOWN")
    opened.settle()
    assert opened.script(SLICES)[:2] == ["Axial, corte 11 de 20", "Coronal, corte 8 de 30"]


def test_a_slider_moves_and_says_where_it_is(opened):
    before = canvas(opened, "axial")
    opened.press(".axial input", "HOME")
    opened.settle()
    slider = opened.one(".axial input")
    assert slider.get_attribute("aria-valuetext") == "Axial, corte 2 de 20"  # the box begins there
    assert opened.one(".axial canvas").get_attribute("aria-label").startswith("Axial, corte 2 de")
    assert opened.one(".axial canvas").get_attribute("role") == "img"
    assert np.any(canvas(opened, "axial") != before)
    opened.press(".axial input", "ARROW_RIGHT")
    opened.settle()
    assert slider.get_attribute("value") == "3"


def test_a_finger_puts_the_cross_where_it_is(page, report):
    page.phone()
    page.driver.get(report())
    page.wait(DRAWN)
    left, top, width, height = page.script(
        "const c = document.querySelector('.axial canvas'); c.scrollIntoView({block: 'center'});"
        "const r = c.getBoundingClientRect(); return [r.left, r.top, r.width, r.height];"
    )
    place = {"x": left + 0.75 * width, "y": top + 0.25 * height}
    page.order("Input.dispatchTouchEvent", type="touchStart", touchPoints=[place])
    page.order("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    page.settle()
    # 22 columns from 1 on and 28 rows from 1 on, numbered from 1
    assert page.script(SLICES) == [
        "Axial, corte 9 de 20",
        "Coronal, corte 9 de 30",
        "Sagital, corte 18 de 24",
    ]
    assert page.script("return document.documentElement.scrollWidth") == 390


def test_outlines_go_on_and_off_and_fade(opened):
    both = blue(canvas(opened, "axial")).sum()
    opened.click(".brain-controls label:nth-child(3) input")  # the network's
    opened.settle()
    truth = blue(canvas(opened, "axial")).sum()
    assert 0 < truth < both
    opened.click(".brain-controls label:nth-child(2) input")
    opened.settle()
    assert blue(canvas(opened, "axial")).sum() == 0
    opened.click(".brain-controls label:nth-child(3) input")
    opened.press(".brain-controls input[type=range]", "HOME")
    opened.settle()
    assert blue(canvas(opened, "axial")).sum() < truth


def test_another_modality_is_shown(opened):
    from selenium.webdriver.support.ui import Select

    before = canvas(opened, "axial")
    choice = Select(opened.one(".brain-controls select"))
    assert [option.text for option in choice.options] == ["FLAIR", "T1CE"]
    choice.select_by_value("t1ce")
    opened.settle()
    opened.wait("return document.querySelector('.brain-message').textContent === ''")
    assert np.any(canvas(opened, "axial") != before)


@pytest.mark.parametrize("width", [360, 1920])
def test_it_fits_every_screen(opened, width):
    opened.size(width, 800, touch=width < 500)
    opened.settle()
    assert opened.script("return document.documentElement.scrollWidth") <= width
    assert opened.script("return document.querySelector('.axial canvas').clientWidth") > 150


def test_without_javascript_the_report_says_so(page, report):
    page.order("Emulation.setScriptExecutionDisabled", value=True)
    try:
        page.driver.get(report())
        text = page.one("#volume").text
    finally:
        page.order("Emulation.setScriptExecutionDisabled", value=False)
    assert text.startswith("Para recorrer el caso hace falta JavaScript")


def whole_brain():
    """A case as large as BraTS', 1.7 million voxels of it brain, packed."""
    image = np.zeros((155, 240, 240, 1), "float32")
    brain = image[40:-40, 40:-40, 50:-50]
    brain[...] = np.random.default_rng(0).normal(size=brain.shape)
    mask = np.zeros((155, 240, 240, 3), "uint8")
    mask[60:100, 60:120, 70:120, 0] = mask[70:90, 80:100, 80:100, 1] = 1
    masks = {"truth": mask, "prediction": np.roll(mask, 5, axis=1)}
    return packed(image, masks, name="1", modalities=["flair"], spacing_mm=(1, 1, 1))


def test_a_whole_brain_opens_and_moves_fast(page, report):
    hook = page.order(
        "Page.addScriptToEvaluateOnNewDocument",
        source="const put = CanvasRenderingContext2D.prototype.putImageData;"
        "CanvasRenderingContext2D.prototype.putImageData = function (...given) {"
        "  window.firstSlice ??= performance.now(); return put.apply(this, given); };",
    )
    try:
        page.driver.get(report(whole_brain()))
        page.wait(DRAWN)
        assert page.script("return firstSlice") < 2000
    finally:
        page.order("Page.removeScriptToEvaluateOnNewDocument", **hook)
    times = page.driver.execute_async_script(
        "const done = arguments[0], slider = document.querySelector('.axial input'), times = [];"
        "(async () => { for (let i = 0; i < 31; i++) {"
        "  slider.value = 40 + i; const begun = performance.now();"
        "  slider.dispatchEvent(new Event('input'));"
        "  await new Promise((next) => requestAnimationFrame(next));"
        "  times.push(performance.now() - begun);"
        "} done(times); })();"
    )
    assert np.median(times) < 50


# ---- on the page of a network


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    return made_up.write_cases(tmp_path_factory.mktemp("cases") / "made", 2, shape=(20, 28, 24))


@pytest.fixture(scope="module")
def server(cases, tmp_path_factory):
    from tests.demo import served

    run = served.brains_run(tmp_path_factory.mktemp("runs") / "brains")
    with served.server(run, cases) as client:
        yield f"http://127.0.0.1:{client.port}/"


@pytest.fixture
def demo(page, server):
    page.server = server
    page.open(server)
    page.wait(DRAWN)
    return page


def choose(page, name):
    from selenium.webdriver.support.ui import Select

    Select(page.one("select.case")).select_by_visible_text(name)


def test_a_case_is_segmented_and_its_mask_can_be_downloaded(demo, server, cases):
    assert demo.script(f"return ({ROWS}).map((row) => row.length)") == [2, 2, 2]  # the truth alone
    assert not demo.sees(".download") and not demo.sees("progress")
    demo.click(".segment")
    demo.wait("return !document.querySelector('.download').hidden", 60)
    demo.wait(f"return ({ROWS}).every((row) => row.length === 4)")
    assert not demo.sees(".segment") and demo.sees("#medical") and demo.sees("#made-up")
    size = demo.driver.execute_async_script(
        "const done = arguments[0];"
        "fetch(document.querySelector('.download').href).then((answer) => answer.arrayBuffer())"
        "  .then((bytes) => done(bytes.byteLength));"
    )
    assert size > 100
    demo.click(".brain-controls label:nth-child(4) input")  # attention
    demo.wait("return document.querySelector('.brain-message').textContent === ''", 60)
    demo.settle()
    colours = canvas(demo, "axial")
    assert np.any(colours[..., 0] - colours[..., 2] > 20)


def test_another_case_begins_anew_and_the_page_speaks_english(demo):
    choose(demo, "BraTS20_Sintetico_002")
    demo.wait(DRAWN)
    assert demo.sees(".segment") and not demo.sees(".download")
    demo.click("#language")
    demo.settle()
    assert demo.script(SLICES)[0].startswith("Axial, slice ")
    assert demo.text(".segment") == "Segment it with the network"
    assert demo.script(f"return ({ROWS})[0][0]") == "whole tumour (WT)"


def test_uploaded_files_become_a_case(demo, cases):
    case = brats.find_cases(cases)[1]
    demo.one(".upload").send_keys("\n".join(map(str, [*case.images.values(), case.mask])))
    demo.wait("return document.querySelector('select.case').selectedOptions[0].index === 2", 60)
    demo.wait("return !document.querySelector('.download').hidden", 60)
    demo.wait(f"return ({ROWS}).every((row) => row.length === 4)")


def test_rubbish_is_refused_in_one_sentence(demo, tmp_path):
    demo.expected_error = "422"
    rubbish = tmp_path / "BraTS20_Training_009_flair.nii"
    rubbish.write_bytes(b"no brain" * 100)
    demo.upload(rubbish)
    demo.wait("return !document.querySelector('.message').hidden")
    assert demo.text(".message").endswith(".") and "\n" not in demo.text(".message")
    assert demo.script(DRAWN)  # the case that was there stays
