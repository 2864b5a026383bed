"""One short seed of each lesson on the real data: a run of the full length does far better."""

import json
import os
from pathlib import Path

import pytest

from tests.kaggle_stub import KaggleStub
from tests.lesson_run import course

REAL = {
    "taller1": (("--epochs", "5", "--curve-epochs", "1"), "r2", 0.70),
    "taller2": (("--epochs", "2"), "accuracy", 0.98),
    "taller3": (("--epochs", "4"), "accuracy", 0.95),
    "taller5": (("--epochs", "2", "--transfer-epochs", "1"), "auc", 0.85),
}


@pytest.mark.realdata
@pytest.mark.parametrize("lesson", REAL)
def test_a_short_seed_on_the_real_data(lesson, tmp_path):
    """The lesson, the real kagglehub client, and Kaggle's protocol on 127.0.0.1."""
    if "COURSE_TEST_DATA" not in os.environ:
        pytest.skip("COURSE_TEST_DATA does not name the folder of the real data")
    flags, score, bound = REAL[lesson]
    with KaggleStub() as kaggle:
        kaggle.serve_folder(Path(os.environ["COURSE_TEST_DATA"]) / "kaggle")
        done = course(
            tmp_path, "run", lesson, "--run-dir", "run", *flags, **kaggle.environment(tmp_path)
        )
        assert done.returncode == 0, done.stderr
        assert kaggle.names() == ["DownloadDataset", "storage"]
        assert kaggle.egress == []
    card = json.loads((tmp_path / "run" / "card.json").read_text(encoding="utf-8"))
    assert card["data"]["source"] == "kaggle"
    assert card["scores"][score] >= bound
