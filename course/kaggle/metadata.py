"""kernel-metadata.json: what Kaggle is told of a lesson, and the rules its server keeps silent.

The file in kernels/ holds all of it but the account: `id` has no owner yet, and `dataset_sources`
are names of datasets.yaml. https://github.com/Kaggle/kaggle-cli/blob/main/docs/kernels_metadata.md
"""

import json
import re

from course.datasets import catalog
from course.errors import CourseError, nearest

NAME = "kernel-metadata.json"
GPU = "NvidiaTeslaT4"
# Every key that the Kaggle client reads; any other it drops without a word.
_REQUIRED = {
    **dict.fromkeys(("id", "title", "code_file", "language", "kernel_type"), str),
    **dict.fromkeys(("is_private", "enable_gpu", "enable_tpu", "enable_internet"), bool),
    "dataset_sources": list,
}
_OPTIONAL = {
    **dict.fromkeys(("machine_shape", "docker_image", "docker_image_pinning_type"), str),
    **dict.fromkeys(("competition_sources", "kernel_sources", "model_sources", "keywords"), list),
}
_KEYS = _REQUIRED | _OPTIONAL
_WORDS = {str: "a text", bool: "true or false", list: "a list of texts"}
_TITLE = (5, 50)  # characters that Kaggle's server takes


def read(lesson) -> dict:
    """The metadata of a lesson, checked; `dataset_sources` are Kaggle's handles.

    Args:
        lesson: the path of the lesson's file; its metadata lie beside it.

    Raises:
        CourseError: it is missing, or something in it would go wrong at Kaggle.
    """
    path = lesson.with_name(NAME)
    if not path.is_file():
        raise CourseError(
            f"{path} is missing: Kaggle is told there what the lesson needs.\n"
            "Next: write it as the one in kernels/taller2_cnn_mnist is written."
        )
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CourseError(f"{path} cannot be read as JSON: {error}\nNext: correct it.") from error
    problem = _problem(found, lesson.name)
    if problem:
        raise CourseError(f"{path}: {problem}\nNext: correct it, then the same command again.")
    handles = [catalog.get(name).handle for name in found["dataset_sources"]]
    return {**found, "dataset_sources": handles}


def slug(title) -> str:
    """The last part of a kernel's address, as Kaggle makes it of the title.

    >>> slug("Taller 2 Una red convolucional que lee MNIST")
    'taller-2-una-red-convolucional-que-lee-mnist'
    """
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def _problem(found, lesson):
    """The first rule that is broken, as a sentence; "" if there is none."""
    if not isinstance(found, dict):
        return f"expected keys with values. Received: {found!r:.80}"
    for key, value in found.items():
        if key not in _KEYS:
            return f"unknown key {key!r}.{nearest(key, _KEYS)} Kaggle would drop it in silence."
        good = type(value) is _KEYS[key] and value != ""
        if not good or type(value) is list and any(type(item) is not str for item in value):
            return f"{key}: expected {_WORDS[_KEYS[key]]}. Received: {value!r:.80}"
    missing = [key for key in _REQUIRED if key not in found]
    if missing:
        return f"the key {missing[0]!r} is missing. Expected every choice in writing."
    title = found["title"]
    if not _TITLE[0] <= len(title) <= _TITLE[1]:
        return f"title: expected 5 to 50 characters. Received {len(title)}: {title!r}"
    if not re.fullmatch("[A-Za-z0-9 ]+", title):  # what ñ becomes in an address is Kaggle's secret
        return f"title: expected letters without accents, digits and spaces. Received: {title!r}"
    wanted = {
        "id": slug(title),  # an id of another spelling becomes a second kernel
        "code_file": lesson,
        "language": "python",
        "kernel_type": "script",
        "machine_shape": GPU if found["enable_gpu"] else None,
    }
    for key, value in wanted.items():
        if found.get(key) != value:
            expected = f"expected {value!r}" if value else "expected none without enable_gpu"
            return f"{key}: {expected}. Received: {found.get(key)!r:.80}"
    unknown = [name for name in found["dataset_sources"] if name not in catalog.names()]
    if unknown:
        near = nearest(unknown[0], catalog.names())
        return f"dataset_sources: {unknown[0]!r} is no name of datasets.yaml.{near}"
    return ""
