"""Taller 0 as a student runs it."""

from tests.lesson_run import LessonRun


class TestTaller0(LessonRun):
    lesson = "taller0"
