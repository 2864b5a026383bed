"""Taller 3 as a student runs it."""

from tests.lesson_run import LessonRun


class TestTaller3(LessonRun):
    lesson = "taller3"
