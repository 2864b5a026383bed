"""Taller 4 as a student runs it in three dimensions; beside the other forms, since it is slow."""

import pytest

from tests.lesson_run import Taller4Run

pytestmark = pytest.mark.forms


class TestTaller4In3D(Taller4Run):
    flags = (*Taller4Run.flags, "--dims", "3", "--patch", "30", "--filters", "4")
