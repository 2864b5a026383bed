"""The page inside Gradio, as far as it goes without Gradio; the rest is `make test-gradio`."""

import sys

import pytest

from course.demo import gradio_page
from course.errors import CourseError


def test_without_gradio_there_is_one_sentence_and_another_way(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    with pytest.raises(CourseError) as caught:
        gradio_page.blocks("runs/x")
    assert 'python -m pip install "gradio>=6.20"' in str(caught.value)
    assert "python -m course demo runs/x" in str(caught.value)
