"""Ask kagglehub until the files are there: what it does not retry, resume or heal is done here."""

import contextlib
import logging
import os
import random
import sys
import time
from pathlib import Path, PurePosixPath

from course.datasets.download import answers, mounts

_TRIES = 4  # in a row that bring nothing new
_TRIES_AT_ALL = 20  # however much each of them brings
_FIRST_WAIT_S = 1.0
_LONGEST_WAIT_S = 90.0
_TIMEOUTS_S = (10, 30)  # to connect; between two bytes


def download(info, shelf, path=None) -> Path:
    """Fetch one file, or the whole data set, into kagglehub's cache.

    Args:
        info: a `course.datasets.catalog.DatasetInfo`.
        shelf: a `course.datasets.download.cache.Shelf`, where its files are kept.
        path: one file of the data set; None fetches everything.

    Returns:
        The folder that holds the data set: below `shelf`, or where the platform mounted it.

    Raises:
        CourseError: whatever went wrong, as a letter.
    """
    import kagglehub

    landing = shelf.folder / path if path else shelf.archive
    where = "to be mounted by the platform" if mounts.expected() else f"to keep in {shelf.cache}"
    asked = f"{path or 'all its files'}, {where}"

    def ask():
        with _cache_at(shelf.cache), guarded():
            if not mounts.expected():
                return kagglehub.dataset_download(info.pinned, path)
            return mounts.wait_for(
                lambda: kagglehub.dataset_download(info.pinned, path),
                mounts.limit_s(),
                lambda: _size(landing),
            )

    place = Path(_persist(ask, info, landing, asked, shelf.cache))
    return place.parents[len(PurePosixPath(path).parts) - 1] if path else place


def _persist(ask, info, landing, asked, cache):
    """Call `ask` until it returns; give up with a letter."""
    idle, healed, reached = 0, False, _size(landing)
    for _ in range(_TRIES_AT_ALL):
        try:
            return ask()
        except mounts.NeverMounted:
            trouble = _never_mounted(info)
        except Exception as error:
            trouble = answers.diagnose(error, info, cache)
            if trouble.absent:
                trouble = _with_newest_version(trouble, info)
        if trouble.spoiled and not healed:  # kagglehub would append to it for ever
            healed, reached = True, 0
            landing.unlink(missing_ok=True)
            _tell(f"{landing.name} is damaged: it is deleted and fetched again.")
            continue
        idle = 0 if _size(landing) > reached else idle + 1
        reached = max(reached, _size(landing))
        wait_s = _pause(idle, trouble)
        if not trouble.retry or idle >= _TRIES or wait_s > _LONGEST_WAIT_S:
            break
        _tell(f"{trouble.why.split('.')[0]}. Trying again in {wait_s:.1f} s.")
        _sleep(wait_s)
    raise answers.letter(info, trouble, asked) from None  # the cause's text may hold a token


def _pause(idle, trouble):
    """Doubling waits with jitter, so that a classroom does not come back all at once."""
    own = _FIRST_WAIT_S * 2 ** max(0, idle - 1) * random.uniform(0.5, 1.5)
    return trouble.wait_s + random.uniform(0, 1) if trouble.wait_s else own


def _never_mounted(info):
    return answers.Trouble(
        f"the platform accepted, but no folder appeared in {mounts.limit_s():g} s.",
        f"on Kaggle add {info.handle} under Add Input and run again; or wait longer with "
        "COURSE_MOUNT_LIMIT_S=600; or download instead of mounting: DISABLE_KAGGLE_CACHE=1 (in "
        "Colab DISABLE_COLAB_CACHE=1).",
    )


def _with_newest_version(trouble, info):
    """After a 404: does Kaggle know the data set in another version? The letter then says so."""
    try:
        from kagglehub.clients import build_kaggle_client
        from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest

        request = ApiGetDatasetRequest()
        request.owner_slug, request.dataset_slug = info.handle.split("/")
        with guarded(), build_kaggle_client() as client:
            newest = client.datasets.dataset_api_client.get_dataset(request).current_version_number
    except Exception:  # a courtesy: the letter is right without it
        return trouble
    if not newest or newest == info.version:
        return trouble
    return answers.Trouble(
        f"Kaggle answers 404: it has no version {info.version}; its newest is {newest}.",
        f"write version: {newest} under {info.name} in datasets.yaml, then the same command again.",
    )


@contextlib.contextmanager
def _cache_at(folder):
    before = os.environ.get("KAGGLEHUB_CACHE")
    os.environ["KAGGLEHUB_CACHE"] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ["KAGGLEHUB_CACHE"]
        else:
            os.environ["KAGGLEHUB_CACHE"] = before


@contextlib.contextmanager
def guarded():
    """Three things that kagglehub 1.0 leaves open, while it is at work.

    It talks to the API without a timeout: a silent network would hang for ever. The connection of a
    download that was cut stays open. And at level DEBUG urllib3 logs signed addresses, which open
    the file to whoever reads the log.
    """
    import requests

    send, log = requests.Session.send, logging.getLogger("urllib3.connectionpool")
    level, answers = log.level, []

    def patient_send(self, request, **settings):
        settings["timeout"] = settings.get("timeout") or _TIMEOUTS_S
        answers.append(send(self, request, **settings))
        return answers[-1]

    requests.Session.send = patient_send
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        requests.Session.send = send
        log.setLevel(level)
        for answer in answers:
            answer.close()


def _size(path):
    return path.stat().st_size if path.is_file() else 0


def _tell(line):
    print(line, file=sys.stderr)


def _sleep(seconds):
    time.sleep(seconds)
