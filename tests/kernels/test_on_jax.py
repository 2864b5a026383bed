"""Each lesson on JAX, shortened, from start to report; TensorFlow reads what it has exported.

Where JAX is Keras' backend only: `make test-jax`. Two devices share the training, and TensorFlow is
out of reach; not for Taller 1, whose column of words it reads.
"""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import keras
import pytest

from tests import ROOT, jax_alone
from tests.lesson_run import course

pytestmark = pytest.mark.skipif(keras.backend.backend() != "jax", reason="make test-jax")
LESSONS = {
    "taller0_fundamentos": ("--limit", "100"),
    "taller1_mlp_regresion": ("--limit", "100", "--curve-epochs", "1"),
    "taller2_cnn_mnist": ("--limit", "100"),
    "taller3_cnn_senas": ("--limit", "160"),
    "taller4_unet_brats": ("--limit", "3", "--filters", "2"),
    "taller5_aplicaciones": ("--limit", "40", "--transfer-epochs", "1"),
    "taller5b_deteccion": ("--limit", "60", "--brains", "2"),
    "taller6_proyecto": ("--limit", "40", "--size", "32"),
}
# as if typed: python -m course evaluate RUN, one after another
EVALUATE = """
import sys
from course import cli
sys.exit(max(cli.main(["evaluate", run]) for run in sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("lessons")


@pytest.fixture(scope="module")
def done(home):
    """How each lesson ended; two at a time."""

    def run(lesson):
        flags = ("--source", "sample", "--epochs", "1", "--run-dir", lesson, *LESSONS[lesson])
        words = lesson.startswith("taller1")
        return course(home, "run", lesson, *flags, **jax_alone.environment(home, 2, words))

    with ThreadPoolExecutor(2) as pool:
        return dict(zip(LESSONS, pool.map(run, LESSONS), strict=True))


def test_what_a_lesson_imports_sets_up_jax_before_it_starts():
    asked = (
        "import jax, course.datasets.batches\n"
        "assert jax.config.values['jax_cpu_enable_async_dispatch'] is False\n"
    )
    subprocess.run([sys.executable, "-c", asked], check=True)


def test_every_lesson_is_here():
    assert set(LESSONS) == {path.stem for path in (ROOT / "kernels").glob("*/*.py")}


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_lesson_goes_from_start_to_report(lesson, done):
    assert done[lesson].returncode == 0, done[lesson].stderr[-2000:]
    said = done[lesson].stdout
    assert "Se entrena con JAX en 2\xa0réplicas." in said
    assert said.rstrip().endswith(f"Informe: {Path(lesson, 'report.html')}")


def test_what_taller_1_lacks_without_tensorflow_is_said_before_anything_is_trained(tmp_path):
    alone = jax_alone.environment(tmp_path)
    refused = course(tmp_path, "run", "taller1", "--source", "sample", **alone)
    assert refused.returncode and "se esperaba TensorFlow" in refused.stderr
    assert "aprende de" not in refused.stdout and not (tmp_path / "runs").exists()


def test_tensorflow_gives_what_was_exported_the_same_score(home, done):
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow", "PYTHONPATH": str(ROOT)}
    again = subprocess.run(
        [sys.executable, "-c", EVALUATE, *LESSONS],
        cwd=home,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert again.returncode == 0, again.stderr[-2000:]
    for lesson in LESSONS:
        card, report = (
            json.loads((home / lesson / name).read_text(encoding="utf-8"))["scores"]
            for name in ("card.json", "report.json")
        )
        assert report == pytest.approx(card, abs=1e-4, nan_ok=True), lesson
