"""Taller 1 as a student runs it."""

from tests.lesson_run import LessonRun


class TestTaller1(LessonRun):
    lesson = "taller1"
    flags = (*LessonRun.flags, "--curve-epochs", "1")
