"""Houses: a slider for each column, a price, and a word where the network knows nothing."""

import pytest

pytestmark = pytest.mark.browser


@pytest.fixture
def opened(page, build):
    page.open(build("houses"))
    page.wait("return document.querySelector('.big').textContent !== '–'")
    return page


def row(page, label):
    """The place of a column among the rows, by its name on the page."""
    names = page.script(
        "return Array.from(document.querySelectorAll('.slider'), (row) => row.textContent)"
    )
    return next(i for i, name in enumerate(names) if label in name) + 1


def test_the_middle_house_has_a_price(opened):
    assert opened.text(".big").endswith(" dólares")
    assert opened.text(".sure").lower() == "se equivoca en promedio en 33 700 dólares"
    assert not opened.sees(".outside")
    assert opened.script("return document.querySelectorAll('.slider').length") == 9


def test_a_slider_by_keyboard_changes_the_price_and_the_exact_value(opened):
    place = row(opened, "Ingreso por hogar")
    before = opened.text(".big")
    exact = opened.one(f".slider:nth-child({place}) input[type=number]")
    value = float(exact.get_attribute("value"))
    opened.press(f".slider:nth-child({place}) input[type=range]", *["ARROW_RIGHT"] * 80)
    opened.settle()
    assert float(exact.get_attribute("value")) > value
    assert opened.text(".big") != before
    opened.click(".columns > .reset")
    opened.settle()
    assert opened.text(".big") == before
    assert float(exact.get_attribute("value")) == value


def test_outside_of_what_was_seen_it_says_so(opened):
    place = row(opened, "Latitud")
    slider = f".slider:nth-child({place}) input[type=range]"
    opened.press(slider, "END")
    opened.settle()
    assert opened.text(".outside") == (
        "Fuera de lo que la red vio al entrenarse: Latitud. Ahí no le creas."
    )
    opened.press(slider, "HOME")
    opened.settle()
    assert opened.sees(".outside")
    opened.click(".columns > .reset")
    assert not opened.sees(".outside")


def test_an_exact_value_is_typed(opened):
    place = row(opened, "Antigüedad")
    field = f".slider:nth-child({place}) input[type=number]"
    before = opened.text(".big")
    select = "document.querySelector(arguments[0]).select()"
    opened.script(select, field)
    opened.press(field, "60", "ENTER")
    opened.settle()
    assert "Antigüedad de las casas" in opened.text(".outside")
    opened.script(select, field)
    opened.press(field, "BACKSPACE", "TAB")  # nothing is no value: the last one stays
    opened.settle()
    assert opened.one(field).get_attribute("value") == "60"
    assert before.endswith(" dólares")


def test_a_word_is_chosen_from_a_list(opened):
    options = opened.script(
        "return Array.from(document.querySelectorAll('.slider option'), (o) => o.textContent)"
    )
    assert "tierra adentro" in options
    before = opened.text(".big")
    place = row(opened, "Cercanía al mar")
    opened.press(f".slider:nth-child({place}) select", "END")
    opened.settle()
    opened.press(f".slider:nth-child({place}) select", "HOME")
    opened.settle()
    assert not opened.sees(".outside") and before.endswith(" dólares")


def test_every_slider_has_a_name_and_says_its_value(opened):
    for place in range(1, 10):
        for field in opened.driver.find_elements(
            "css selector", f".slider:nth-child({place}) input"
        ):
            assert field.accessible_name
    spoken = opened.one("input[type=range]").get_attribute("aria-valuetext")
    assert "," in spoken and "." not in spoken


def test_a_telephone_keeps_the_price_in_sight(page, build):
    page.phone()
    page.open(build("houses"))
    page.settle()
    assert page.wide() <= 0
    page.script("document.querySelector('.slider:last-child').scrollIntoView()")
    page.settle()
    top, bottom = page.script(
        "const r = document.querySelector('.price').getBoundingClientRect();"
        "return [r.top, r.bottom]"
    )
    assert top == pytest.approx(0, abs=1) and bottom < 300
