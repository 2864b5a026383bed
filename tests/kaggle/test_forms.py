"""Every lesson in every form in which it leaves this house, where `course` is out of reach.

Slow, a fresh Python for each: `make test-forms`. Data are small and byte-faithful; the network is
a stub on 127.0.0.1, and the proxy of every other address.
"""

import contextlib
import itertools
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from course.datasets import catalog
from course.kaggle import lessons
from tests import ROOT, small_kit
from tests.kaggle_stub import KaggleStub
from tests.machines import Machine

pytestmark = pytest.mark.forms
LESSONS = lessons.names()
SHORT = {"COURSE_EPOCHS": "1", "COURSE_LIMIT": "300"}
SHORT_TOO = {
    "taller1_mlp_regresion": {"COURSE_CURVE_EPOCHS": "1"},
    "taller4_unet_brats": {"COURSE_LIMIT": "4", "COURSE_FILTERS": "4"},  # cases
    "taller5_aplicaciones": {"COURSE_WEIGHTS": "none", "COURSE_TRANSFER_EPOCHS": "1"},
    "taller5b_deteccion": {"COURSE_BRAINS": "2"},
}
RUN_NOTEBOOK = """
import sys, nbclient, nbformat
notebook = nbformat.read(sys.argv[1], as_version=4)
try:
    nbclient.NotebookClient(notebook, timeout=600, kernel_name="python3").execute()
finally:
    nbformat.write(notebook, sys.argv[2])
"""


class Bench:
    """What the runs have in common: the small kit, a wheel of it, and its data sets."""

    def __init__(self, folder):
        self.kit, self.data = small_kit.copy(folder / "kit"), small_kit.files()
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index"]
        subprocess.run([*pip, "--no-build-isolation", "-w", folder, self.kit], check=True)
        (self.wheel,) = folder.glob("course-*.whl")

    @contextlib.contextmanager
    def kaggle(self):
        with KaggleStub() as stub:
            for name, files in self.data.items():
                stub.serve(catalog.get(name).handle, files, catalog.get(name).version)
            yield stub
        assert stub.egress == []


def as_a_plain_script(bench, lesson, folder):
    machine = Machine(folder)
    machine.install(bench.wheel)
    script = bench.kit / "kernels" / lesson / f"{lesson}.py"
    with bench.kaggle() as kaggle:
        environment = {**kaggle.environment(machine.home), **short(lesson)}
        done = machine.run(script, environment=environment)
    assert done.returncode == 0, done.stderr
    assert ("storage" in kaggle.names()) is fetches(lesson)
    check_run(machine, lesson)


def at_kaggle(bench, lesson, folder, form, mount):
    """Internet is off, the input can only be read, the code lies in a folder of its own."""
    machine = Machine(folder)
    code = built(bench.kit, lesson, form, folder / "src")
    handles = json.loads((code.parent / "kernel-metadata.json").read_text())["dataset_sources"]
    inputs = folder / "input"
    for place in mounted(inputs, mount, handles, bench.data):
        place.chmod(0o555)
    before = snapshot(inputs)
    with bench.kaggle() as kaggle:
        environment = {
            **kaggle.environment(machine.home),
            "KAGGLE_KERNEL_RUN_TYPE": "Batch",
            "KAGGLE_DATA_PROXY_URL": f"http://127.0.0.1:{kaggle.port}",
            "KAGGLE_DATA_PROXY_TOKEN": "proxy-secret",
            "KAGGLE_USER_SECRETS_TOKEN": "jwt-secret",
            "KAGGLE_CACHE_MOUNT_FOLDER": str(inputs),
            **short(lesson),
        }
        if form == "script":
            done = machine.run(code, environment=environment)
            assert done.returncode == 0, done.stderr
        else:
            run_notebook(machine, code, environment)
    assert kaggle.requests == []
    assert snapshot(inputs) == before  # root may write where others may not
    check_run(machine, lesson)
    assert sorted(path.name for path in machine.work.iterdir()) == ["runs"]


def as_the_committed_notebook(bench, lesson, folder):
    """In a Colab whose resolver declines, so the data come through kagglehub's own download."""
    machine, notebook = Machine(folder), folder / f"{lesson}.ipynb"
    notebook.write_bytes((ROOT / "notebooks" / notebook.name).read_bytes())
    before = machine.run("-m", "pip", "freeze").stdout
    with bench.kaggle() as kaggle:
        environment = {
            **kaggle.environment(machine.home),
            "TBE_RUNTIME_ADDR": f"127.0.0.1:{kaggle.port}",
            "COURSE_SOURCE": str(bench.wheel),
            **short(lesson),
        }
        run_notebook(machine, notebook, environment)
    asked = {"is_supported", "DownloadDataset", "storage"} if fetches(lesson) else set()
    assert set(kaggle.names()) == asked
    check_run(machine, lesson)
    after = machine.run("-m", "pip", "freeze").stdout
    changed = set(after.splitlines()) ^ set(before.splitlines())
    assert {line.split()[0].partition("==")[0] for line in changed} <= {"course", "-e", "#"}


# Kaggle mounts its input at the first place as it did, at the second since 2026.
FORMS = {
    "script": as_a_plain_script,
    "kaggle script, old mount": partial(at_kaggle, form="script", mount="{slug}"),
    "kaggle script": partial(at_kaggle, form="script", mount="datasets/{owner}/{slug}"),
    "kaggle notebook": partial(at_kaggle, form="notebook", mount="datasets/{owner}/{slug}"),
    "colab notebook": as_the_committed_notebook,
}


def fetches(lesson):
    """Whether Kaggle is asked for a data set; otherwise the lesson stands on what is embedded."""
    path = ROOT / "kernels" / lesson / "kernel-metadata.json"
    return bool(json.loads(path.read_text(encoding="utf-8"))["dataset_sources"])


RUNS = [
    (form, lesson)
    for form, lesson in itertools.product(FORMS, LESSONS)
    if fetches(lesson) or form != "kaggle script, old mount"
]


def test_course_is_out_of_reach(tmp_path):
    machine = Machine(tmp_path)
    done = machine.run("-c", "import keras, course.training.flags")
    assert done.returncode == 1
    assert "No module named 'course" in done.stderr
    done = machine.run("-c", f"open({str(ROOT / 'course' / '__init__.py')!r})")
    assert "this reads the checkout" in done.stderr


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("bench"))


def test_the_first_cell_of_a_notebook_works_for_less_than_20_s(bench, tmp_path):
    """In the processor's seconds, which a busy machine does not stretch; the network's not."""
    (notebook, *_) = sorted((ROOT / "notebooks").glob("*.ipynb"))
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    (first,) = (c["source"] for c in cells if "instalador" in c["metadata"].get("tags", ()))
    used = """
import resource, sys, course
assert not {"tensorflow", "keras", "numpy"} & set(sys.modules)
used = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(sum(usage.ru_utime + usage.ru_stime for usage in used))
"""
    done = Machine(tmp_path).run(
        "-c", "".join(first) + used, environment={"COURSE_SOURCE": str(bench.wheel)}
    )
    assert done.returncode == 0, done.stderr
    assert 0.1 < float(done.stdout) < 20


@pytest.fixture(scope="module")
def runs(request, bench, tmp_path_factory):
    """Each run that was selected, two at a time: TensorFlow mostly starts, on one core."""
    selected = [
        (item.callspec.params["form"], item.callspec.params["lesson"])
        for item in request.session.items
        if item.function is test_a_lesson_runs_in_every_form
    ]
    pool = ThreadPoolExecutor(2)
    yield {
        (form, lesson): pool.submit(FORMS[form], bench, lesson, tmp_path_factory.mktemp("run"))
        for form, lesson in selected
    }
    pool.shutdown(cancel_futures=True)


@pytest.mark.parametrize("form, lesson", RUNS)
def test_a_lesson_runs_in_every_form(runs, form, lesson):
    runs[form, lesson].result()  # raises what went wrong


def short(lesson):
    return {**SHORT, **SHORT_TOO.get(lesson, {})}


def check_run(machine, lesson):
    """The run is in the working folder, whole, and nobody said anything of a source."""
    run = machine.work / "runs" / lesson
    for name in ("model.keras", "report.html", "history.csv"):
        assert (run / name).stat().st_size > 0
    card = json.loads((run / "card.json").read_text(encoding="utf-8"))
    assert card["data"]["source"] == ("kaggle" if fetches(lesson) else "sample")
    said = "muestra incluida en el curso" in (run / "report.html").read_text(encoding="utf-8")
    assert said is not fetches(lesson)


def built(kit, lesson, form, folder):
    """The lesson's code as `kernels build` writes it, in a folder that holds nothing else."""
    words = ["kernels", "build", lesson, "--owner", "ana", "--as", form]
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "course", *words],
        cwd=folder,
        env={"PYTHONPATH": str(kit)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (code,) = (folder / "build" / "kernels" / lesson).glob(f"{lesson}.*")
    return code


def mounted(inputs, mount, handles, data):
    """Put data sets where Kaggle mounts them; returns the folders."""
    names = {catalog.get(name).handle: name for name in data}
    for handle in handles:
        owner, slug = handle.split("/")
        folder = inputs / mount.format(owner=owner, slug=slug)
        for path, content in data[names[handle]].items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
            (folder / path).chmod(0o444)
        yield folder


def snapshot(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}


def run_notebook(machine, path, environment):
    finished = path.with_name("finished.ipynb")
    done = machine.run("-c", RUN_NOTEBOOK, path, finished, environment=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    outputs = [cell.get("outputs", []) for cell in json.loads(finished.read_text())["cells"]]
    kinds = {output["output_type"] for cell in outputs for output in cell}
    assert "display_data" in kinds and "error" not in kinds  # the figures are in the page
