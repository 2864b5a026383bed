"""Taller 5 as a student runs it."""

from tests.lesson_run import LessonRun


class TestTaller5(LessonRun):
    lesson = "taller5"
    flags = (*LessonRun.flags, "--chest-epochs", "1", "--backbone", "MobileNetV2")
