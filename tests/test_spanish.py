import math

import pytest

from course.spanish import count, number, percent


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        (0.8, 2, "0,80"),
        (1234, 0, "1234"),  # four digits stay together
        (10000, 0, "10_000"),
        (1234567.891, 1, "1_234_567,9"),
        (-12345, 0, "-12_345"),
        (-0.001, 2, "0,00"),
        (math.nan, 2, "–"),
        (math.inf, 2, "–"),
        (None, 2, "–"),
    ],
)
def test_number(value, decimals, text):
    assert number(value, decimals).replace("\u00a0", "_") == text


@pytest.mark.parametrize(
    ("fraction", "decimals", "text"),
    [
        (0.9952, 2, "99,52_%"),
        (1, 2, "100_%"),
        (0, 1, "0_%"),
        (0.99999, 2, "99,999_%"),  # never rounded up to a perfection that it is not
        (0.0004, 1, "0,04_%"),
        (math.nan, 1, "–"),
        (None, 1, "–"),
    ],
)
def test_percent(fraction, decimals, text):
    assert percent(fraction, decimals).replace("\u00a0", "_") == text


def test_count_chooses_the_noun():
    assert [count(n, "vez", "veces")[-5:] for n in (0, 1, 2)] == ["veces", "1\u00a0vez", "veces"]


def test_a_windows_console_can_print_all_of_it():
    assert f"{number(-12345.6)} {percent(0.5)} {count(10000, 'imagen', 'imágenes')}".encode(
        "cp1252"
    )
