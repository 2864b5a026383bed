"""Each lesson is run once for all that is asked of its run."""

import pytest

from tests.lesson_run import course


@pytest.fixture(scope="class")
def folder(request, tmp_path_factory):
    """Where the student typed: it holds the run, `run`, and what was printed, `log`."""
    lesson, flags = request.cls.lesson, request.cls.flags
    folder = tmp_path_factory.mktemp(lesson)
    done = course(folder, "run", lesson, "--source", "sample", "--run-dir", "run", *flags)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr  # no student can tell TensorFlow's from errors
    (folder / "log").write_text(done.stdout, encoding="utf-8")
    return folder
