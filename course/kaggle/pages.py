"""The lessons, executed on their samples, as pages to read where nothing can be run.

nbclient executes, nbconvert writes each cell as HTML. A page needs nothing from outside: its
figures are in it, and its formulas are MathML.
"""

import html
import os
import re
import string
import tempfile
import time
from pathlib import Path

import course
from course import files
from course.errors import CourseError
from course.kaggle import lessons, notebooks
from course.spanish import number

_FORMULA = re.compile(r"(?s)\$\$(.+?)\$\$|\$([^$\n]+(?:\n[^$\n]+)*)\$")
# a page has no place for what TensorFlow says when it loads
_QUIET = "from course.training import start\nstart.load_keras()"
_INDEX = """\
<h1>Los talleres, ya ejecutados</h1>
<p>Cada página es un taller tal como queda después de ejecutarlo con su muestra, que viene con el
curso: el texto, el código, lo que imprime y sus figuras. Para trabajar en uno, ábrelo en Colab, en
Kaggle o en tu computador.</p>
<ul>
{lessons}
</ul>"""


def render(folder, names=()) -> list[Path]:
    """Execute lessons and write a page of each, and an index.html of those that are there.

    Args:
        folder: Where to; pages of the same name are replaced.
        names: Lessons, by name or the beginning of it. None of them means all.

    Returns:
        The pages that were written, index.html last.

    Raises:
        CourseError: If nbclient or nbconvert is missing, or a cell fails; what was written stays.
    """
    _packages()
    folder, written = Path(folder), []
    for lesson in [lessons.find(name) for name in names or lessons.names()]:
        began = time.monotonic()
        page = page_of(lesson.stem, _executed(lesson))
        written.append(folder / f"{lesson.stem}.html")
        files.write(written[-1], page)
        print(f"{written[-1]}  ({number(time.monotonic() - began, 0)} s)")
    pages = {name: _title(notebooks.cells(lessons.find(name))) for name in lessons.names()}
    items = [
        f'<li><a href="{name}.html">{html.escape(title)}</a></li>'
        for name, title in pages.items()
        if (folder / f"{name}.html").is_file()
    ]
    index = folder / "index.html"
    files.write(index, _wrapped("Los talleres", _INDEX.format(lessons="\n".join(items))))
    return [*written, index]


def page_of(name, notebook) -> str:
    """The page of an executed notebook, as text."""
    _, nbconvert = _packages()
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = _FORMULA.sub(_mathml, cell.source)
    exporter = nbconvert.HTMLExporter(
        template_name="basic", exclude_input_prompt=True, exclude_output_prompt=True
    )
    exporter.exclude_anchor_links = True
    body, _ = exporter.from_notebook_node(notebook)
    back = '<p class="eyebrow"><a href="index.html">Los talleres</a></p>'
    return _wrapped(_title(notebook.cells), f"{back}\n{body}")


def _executed(lesson):
    """A lesson's notebook, run to its end in a folder that is thrown away."""
    import nbformat

    nbclient, _ = _packages()
    text = notebooks.text_of(lesson.stem, None, notebooks.cells(lesson))
    notebook = nbformat.reads(text, as_version=4)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(_QUIET))
    with tempfile.TemporaryDirectory() as folder:
        client = nbclient.NotebookClient(
            notebook,
            timeout=None,
            kernel_name="python3",
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": folder}},
        )
        paths = [str(course.FOLDER.parent), os.environ.get("PYTHONPATH")]
        environment = {
            **os.environ,
            "COURSE_SOURCE": "sample",
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        }
        environment.pop("MPLBACKEND", None)  # the kernel's own draws into the page
        try:
            client.execute(env=environment)
        except nbclient.exceptions.CellExecutionError as error:
            raise CourseError(
                f"{lesson} se detuvo: {error.ename}: {error.evalue:.300}\n"
                f"Qué hacer: mira dónde con python -m course run {lesson.stem} --source sample"
            ) from error
    del notebook.cells[0]
    return notebook


def _mathml(found):
    from latex2mathml.converter import convert

    block, line = found.groups()
    return convert(block or line, display="block" if block else "inline")


def _title(cells):
    return cells[0].source.partition("\n")[0].lstrip("# ")


def _wrapped(title, body):
    from pygments.formatters import HtmlFormatter

    template = string.Template((Path(__file__).with_name("page.html")).read_text(encoding="utf-8"))
    style = HtmlFormatter(style="default").get_style_defs(".highlight")
    return template.substitute(title=html.escape(title), code=style, body=body)


def _packages():
    try:
        import ipykernel  # noqa: F401  (what runs the cells)
        import latex2mathml  # noqa: F401
        import nbclient
        import nbconvert
    except ImportError as error:
        raise CourseError(
            f"El paquete {error.name} no está instalado; ejecutar los cuadernos lo necesita.\n"
            'Qué hacer: escribe python -m pip install -e ".[docs]"'
        ) from None
    return nbclient, nbconvert
