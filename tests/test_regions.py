"""The label maps of the BraTS editions, against the definitions written out by hand."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course import regions
from course.errors import CourseError
from course.regions import EDITIONS, REGIONS, edition, from_regions, to_regions

# label → (WT, TC, ET), as the organisers of each edition define the regions
BY_HAND = {
    "2015": {0: (0, 0, 0), 1: (1, 1, 0), 2: (1, 0, 0), 3: (1, 1, 0), 4: (1, 1, 1)},
    "2020": {0: (0, 0, 0), 1: (1, 1, 0), 2: (1, 0, 0), 4: (1, 1, 1)},
    "2021": {0: (0, 0, 0), 1: (1, 1, 0), 2: (1, 0, 0), 4: (1, 1, 1)},
    "2023": {0: (0, 0, 0), 1: (1, 1, 0), 2: (1, 0, 0), 3: (1, 1, 1)},
    "2024": {0: (0, 0, 0), 1: (1, 1, 0), 2: (1, 0, 0), 3: (1, 1, 1), 4: (0, 0, 0)},
    "msd": {0: (0, 0, 0), 1: (1, 0, 0), 2: (1, 1, 0), 3: (1, 1, 1)},
}


def test_the_table_has_all_six_editions():
    assert tuple(EDITIONS) == tuple(BY_HAND)
    assert REGIONS == ("WT", "TC", "ET")


@pytest.mark.parametrize("name", BY_HAND)
def test_every_label_of_every_edition(name):
    labels, expected = zip(*BY_HAND[name].items(), strict=True)
    found = to_regions(np.array(labels, "uint8"), name)
    assert found.dtype == "uint8" and found.tolist() == [list(row) for row in expected]
    assert tuple(edition(name).labels) == labels


@pytest.mark.parametrize("name", BY_HAND)
def test_regions_are_nested_and_written_as_labels_of_their_own_ring(name):
    known = edition(name)
    whole, core, enhancing = (set(known.regions[region]) for region in REGIONS)
    assert enhancing < core < whole <= set(known.labels) - {0}
    outer, middle, inner = from_regions([[1, 0, 0], [1, 1, 0], [1, 1, 1]], name).tolist()
    assert known.labels[outer] == "edema"
    assert middle in core - enhancing
    assert {inner} == enhancing


@given(st.sampled_from(sorted(BY_HAND)), st.lists(st.integers(0, 3), max_size=24))
def test_regions_survive_the_way_out_and_back(name, depths):
    # how many of the nested regions cover each voxel
    nested = np.array([[depth > column for column in range(3)] for depth in depths], "uint8")
    nested = nested.reshape(-1, 3)
    labels = from_regions(nested, name)
    np.testing.assert_array_equal(to_regions(labels, name), nested)
    assert labels.dtype == "uint8" and labels.shape == (len(depths),)


def test_labels_survive_where_each_region_has_one():
    for name in ("2020", "2021", "2023", "msd"):
        labels = np.array([[list(BY_HAND[name])] * 2], "uint8")
        np.testing.assert_array_equal(from_regions(to_regions(labels, name), name), labels)


def test_an_inner_region_that_sticks_out_wins():
    assert from_regions([[0, 0, 1], [0, 1, 0], [1, 0, 1]], "2020").tolist() == [4, 1, 4]


def test_shapes_and_dtypes():
    assert to_regions(np.zeros((2, 3, 4), "int16"), "2020").shape == (2, 3, 4, 3)
    assert from_regions(np.zeros((2, 3, 4, 3), bool), "2020").shape == (2, 3, 4)
    assert to_regions(np.zeros((0, 4), "int64"), "2020").shape == (0, 4, 3)
    assert to_regions(np.array(4, ">i2"), "2020").tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    "labels, name, words",
    [
        (
            [0, 1, 2, 3],
            "2020",
            "Llegó también: 3.\nQué hacer: busca en la página .* El 3 es tumor que no realza en "
            "2015; el 3 es tumor que realza en 2023, 2024, msd.",
        ),
        (
            [0, 3, 4],
            "2023",
            'Llegó también: 4.\nQué hacer: busca los casos otra vez con edition="2024": .* el 4 es '
            "cavidad de la resección.",
        ),
        ([7], "2020", "Llegó también: 7.\nQué hacer: pon en su lugar una copia nueva: está dañada"),
        ([-1, 1], "2020", "Llegó también: -1."),
        ([260], "2020", "Llegó también: 260."),  # 4, were it cut to a byte
        (list(range(20)), "2015", "Llegó también: 5, 6, 7, 8, 9, 10, 11, 12 …."),
    ],
)
def test_a_label_that_the_edition_does_not_know(labels, name, words):
    with pytest.raises(CourseError) as caught:
        to_regions(np.array(labels, "int16"), name)
    assert f"Etiquetas de la edición {name}: se esperaba 0 (fondo), 1 (" in str(caught.value)
    assert re.search(words, str(caught.value))


def test_an_edition_that_there_is_not():
    with pytest.raises(CourseError, match=r"Llegó: 'BraTS2020'\. ¿Querías decir 2020\?"):
        edition("BraTS2020")
    with pytest.raises(CourseError, match="se esperaba una de 2015, 2020, .*Llegó: None"):
        edition(None)
    assert edition(2020) is edition("2020")


@pytest.mark.parametrize(
    "call",
    [
        lambda: to_regions([0.0, 1.0], "2020"),
        lambda: from_regions([[0.2, 0.9, 0.4]], "2020"),
        lambda: from_regions(np.zeros((2, 4), "uint8"), "2020"),
        lambda: from_regions([[0, 1, 2]], "2020"),
        lambda: from_regions(1, "2020"),
    ],
)
def test_mistakes_of_a_caller(call):
    with pytest.raises(ValueError, match="Expected .* Received: "):
        call()


def test_the_catalogue_s_editions_are_in_the_table():
    from course.datasets import catalog

    editions = {catalog.get(name).edition for name in catalog.names()} - {""}
    assert editions == {"2020", "2021"} and all(regions.edition(name) for name in editions)
