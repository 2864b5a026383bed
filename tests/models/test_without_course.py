"""A saved network loads where there is no `course`, and answers as it did; see test_unet.py too."""

import subprocess
import sys

import numpy as np

from course.models import cnn, transfer_classifier
from tests.models.test_vgg_resnet import SMALL

SHAPE = (28, 28, 1)
BUILDERS = {
    "cnn": lambda: cnn(SHAPE, 10),
    **SMALL,
    "transfer": lambda: transfer_classifier(SHAPE, 2, "MobileNetV2", weights=None),
}
PROGRAM = """
import sys
sys.modules["course"] = None  # importing it raises ImportError
import keras, numpy as np
pixels = np.load("pixels.npy")
for name in sys.argv[1:]:
    model = keras.saving.load_model(name + ".keras", safe_mode=True)
    np.save(name, model.predict(pixels, verbose=0))
    assert name != "transfer" or not model.get_layer("preprocess").trainable
"""


def test_networks_load_in_a_process_without_course(tmp_path):
    """All in one process: most of it is the backend's start."""
    pixels = np.random.default_rng(0).integers(0, 256, (2, *SHAPE)).astype("uint8")
    np.save(tmp_path / "pixels.npy", pixels)
    expected = {}
    for name, build in BUILDERS.items():
        model = build()
        model.save(tmp_path / f"{name}.keras")
        expected[name] = model.predict(pixels, verbose=0)
    subprocess.run([sys.executable, "-I", "-c", PROGRAM, *BUILDERS], cwd=tmp_path, check=True)
    for name, answers in expected.items():
        np.testing.assert_allclose(np.load(tmp_path / f"{name}.npy"), answers, atol=1e-6)
