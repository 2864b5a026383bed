"""Kaggle and Colab mount data sets below /kaggle/input instead of downloading them."""

import collections
import os
import threading
import time
from pathlib import Path

_DEFAULT_ROOT = "/kaggle/input"
_DEPTH = 5
_FOLDERS = 2000  # how many are looked into before giving up
_LIMIT_S = 120.0


class NeverMounted(Exception):
    """The platform agreed to mount a data set, and no folder appeared."""


def candidates(info):
    """Yield the folders below the mount that may hold a data set, the likely ones first.

    Kaggle mounts at <slug> or at datasets/<owner>/<slug>; the name is a hint, the files decide.
    Outside Kaggle and Colab there is no such mount, and nothing is yielded.
    """
    owner, slug = info.handle.split("/")
    for root in _roots():
        likely = [root / slug, root / "datasets" / owner / slug]
        yield from (folder for folder in likely if folder.is_dir())
        yield from (folder for folder in _folders(root) if folder not in likely)


def expected() -> bool:
    """True where kagglehub mounts: inside Kaggle, and in Colab (which may yet decline)."""
    kaggle = {"KAGGLE_KERNEL_RUN_TYPE", "KAGGLE_DATA_PROXY_URL"} <= os.environ.keys()
    colab = "TBE_RUNTIME_ADDR" in os.environ
    return (kaggle and not _on("DISABLE_KAGGLE_CACHE")) or (
        colab and not _on("DISABLE_COLAB_CACHE")
    )


def limit_s() -> float:
    """How long a mount may take: COURSE_MOUNT_LIMIT_S, or two minutes."""
    try:
        return float(os.environ.get("COURSE_MOUNT_LIMIT_S", _LIMIT_S))
    except ValueError:
        return _LIMIT_S


def wait_for(call, seconds, arrived=lambda: 0):
    """Return `call()`, or raise NeverMounted once nothing has moved for so many seconds.

    kagglehub waits for a mount without an end. It waits in a thread that dies with the process;
    `arrived` tells how many bytes are there, so that a download, where Colab declines to mount,
    may take as long as it likes.
    """
    from tqdm import tqdm

    answer = {}

    def work():
        try:
            answer["value"] = call()
        except BaseException as error:
            answer["error"] = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    last, since = arrived(), time.monotonic()
    with tqdm(total=seconds, desc="mounting", unit="s", delay=1, leave=False) as bar:
        while thread.is_alive():
            thread.join(min(0.2, seconds))
            waited = time.monotonic() - since
            if (now := arrived()) != last:  # a download, which shows a bar of its own
                last, since = now, time.monotonic()
            elif waited > seconds and thread.is_alive():
                raise NeverMounted
            elif not now:
                bar.update(round(waited) - bar.n)
    if "error" in answer:
        raise answer["error"]
    return answer["value"]


def _roots():
    kaggle = os.environ.get("KAGGLE_CACHE_MOUNT_FOLDER", _DEFAULT_ROOT)
    colab = os.environ.get("COLAB_CACHE_MOUNT_FOLDER", kaggle)
    return [Path(root) for root in dict.fromkeys((kaggle, colab)) if Path(root).is_dir()]


def _folders(root):
    """Folders from the root down, the shallow ones first."""
    waiting, seen = collections.deque([(root, 0)]), 0
    while waiting and seen < _FOLDERS:
        folder, depth = waiting.popleft()
        seen += 1
        yield folder
        if depth < _DEPTH:
            waiting.extend((child, depth + 1) for child in _children(folder))


def _children(folder):
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir())
    except OSError:
        return []


def _on(variable):
    return os.environ.get(variable, "").lower() in ("true", "1", "t")
