"""A lesson's file is read as jupytext reads it, and a notebook is one that Jupyter reads."""

import jupytext
import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course.kaggle import lessons, percent


def by_jupytext(text):
    notebook = jupytext.reads(text, fmt="py:percent")
    return [
        # jupytext notes in the metadata, for its own use, how many blank lines came after a cell
        (
            cell.cell_type,
            cell.source,
            {"tags": cell.metadata.tags} if "tags" in cell.metadata else {},
        )
        for cell in notebook.cells
    ]


@pytest.mark.parametrize("lesson", lessons.names())
def test_a_lesson_is_read_as_jupytext_reads_it(lesson):
    path = lessons.find(lesson)
    found = percent.cells(path)
    assert len(found) > 10
    assert found == by_jupytext(path.read_text(encoding="utf-8"))


CODE_LINES = ["x = 1", "", "def f():", "    return '# %% no marker'", "# a comment", "#", "f(  )"]
MARKDOWN_LINES = ["# text", "#", "# ## head", "#   - item", "# ```\n# x\n# ```", "# `# %%`"]
SOME_CODE = st.lists(st.sampled_from(CODE_LINES), min_size=1, max_size=5).filter(any)
CELLS = st.one_of(
    st.tuples(st.sampled_from(["# %%", '# %% tags=["ejercicio"]']), SOME_CODE),
    st.tuples(st.just("# %% [markdown]"), st.lists(st.sampled_from(MARKDOWN_LINES), min_size=1)),
)


@given(cells=st.lists(CELLS, min_size=1, max_size=4), header=st.booleans(), gap=st.integers(0, 3))
def test_any_lesson_is_read_as_jupytext_reads_it(tmp_path_factory, cells, header, gap):
    parts = ["\n".join([marker, *lines]) for marker, lines in cells]
    text = "# ---\n# jupyter:\n#   x: 1\n# ---\n\n" * header + ("\n" * (gap + 1)).join(parts) + "\n"
    path = tmp_path_factory.getbasetemp() / "lesson.py"
    path.write_text(text, encoding="utf-8")
    try:
        found = percent.cells(path)
    except percent.CourseError as letter:  # half a function is no Python
        assert "lesson.py, line " in str(letter)
        return
    # blank lines at a cell's end: jupytext keeps what is more than PEP 8 asks for
    assert found == [
        (kind, source.rstrip("\n"), about) for kind, source, about in by_jupytext(text)
    ]


def test_a_notebook_is_valid_and_says_what_it_was_given():
    cells = [("markdown", "# Señas\n\ntext"), ("code", "x = 1\nx", {"cellView": "form"})]
    text = percent.notebook(cells, "taller9", {"accelerator": "GPU"})
    found = nbformat.reads(text, as_version=4)
    nbformat.validate(found)
    assert [(c.id, c.cell_type, c.source, dict(c.metadata)) for c in found.cells] == [
        ("taller9-00", "markdown", "# Señas\n\ntext", {}),
        ("taller9-01", "code", "x = 1\nx", {"cellView": "form"}),
    ]
    assert found.cells[1].outputs == [] and found.cells[1].execution_count is None
    assert found.metadata.accelerator == "GPU"
    assert nbformat.writes(found).strip() == text.strip()  # Jupyter would save the same bytes
