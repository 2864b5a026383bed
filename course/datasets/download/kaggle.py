"""Ask kagglehub until the files are there: what it does not retry, resume or heal is done here."""

import contextlib
import logging
import os
import pathlib
import sys
import threading
import time

from course.datasets.download import answers, cache
from course.spanish import number

_MOUNT_LIMIT_S = 120.0
_TIMEOUTS_S = (10, 30)  # to connect; between two bytes


def download(info, kept, path=None) -> pathlib.Path:
    """Fetch one file, or the whole data set, into kagglehub's cache (a `cache.Cache`).

    Returns the folder that holds the data set: in the cache, or where the platform mounted it.
    """
    import kagglehub

    landing = kept.folder / path if path else kept.archive
    mounting, healed, asked = cache.is_mounting(), False, answers.data_set(info)

    def call():
        with _cache_at(kept.root), guarded():
            return kagglehub.dataset_download(info.pinned, path)

    def trouble_of(error):
        if isinstance(error, NeverMounted):
            return _never_mounted(info)
        return answers.trouble_of(error, asked, cache=kept.root)

    def ask():
        nonlocal healed
        try:
            return _wait_for(call, lambda: _size(landing)) if mounting else call()
        except Exception as error:
            if healed or not trouble_of(error).spoiled:
                raise
        healed = True  # once: kagglehub would append to what is damaged for ever
        landing.unlink(missing_ok=True)
        print(f"{landing.name} está dañado: se borra y se trae otra vez.", file=sys.stderr)
        return ask()

    def message(trouble):
        where = "montado por la plataforma" if mounting else f"para guardarlo en {kept.root}"
        return answers.not_fetched(info, trouble, f"{path or 'todo'}, {where}")

    found = answers.retrying(ask, trouble_of, message, arrived=lambda: _size(landing))
    place = pathlib.Path(found)
    return place.parents[len(pathlib.PurePosixPath(path).parts) - 1] if path else place


@contextlib.contextmanager
def guarded():
    """Timeouts, closed connections and no addresses in a log, while a Kaggle client is at work.

    kagglehub 1.0 takes no session and no timeout, and `kaggle` asks the server while it is being
    imported. What both have in common is kagglesdk's client, so its sessions get an adapter of
    ours; nobody else's use of requests is touched. At level DEBUG urllib3 would log signed
    addresses, which open the file to whoever reads the log.
    """
    from kagglesdk.kaggle_http_client import KaggleHttpClient

    usual, log = KaggleHttpClient._init_session, logging.getLogger("urllib3.connectionpool")
    level = log.level

    def with_adapter(self):
        fresh = self._session is None
        usual(self)
        if fresh:
            adapter = _patient_adapter()
            for scheme in ("http://", "https://"):
                self._session.mount(scheme, adapter)
        return self._session

    KaggleHttpClient._init_session = with_adapter
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        KaggleHttpClient._init_session = usual
        log.setLevel(level)


def _patient_adapter():
    """requests' adapter with our timeouts, whose answers are closed with the session."""
    from requests.adapters import HTTPAdapter

    class Patient(HTTPAdapter):
        def __init__(self):
            super().__init__()
            self.answers = []

        def send(self, request, stream=False, timeout=None, **settings):
            answer = super().send(request, stream, timeout or _TIMEOUTS_S, **settings)
            self.answers.append(answer)
            return answer

        def close(self):
            for answer in self.answers:
                answer.close()
            super().close()

    return Patient()


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


def _size(path):
    return path.stat().st_size if path.is_file() else 0


# ---- waiting for a mount


class NeverMounted(Exception):
    """The platform agreed to mount a data set, and no folder appeared."""


def _wait_for(call, arrived):
    """Return `call()`, or raise NeverMounted once nothing has moved for too long.

    kagglehub waits for a mount without an end. It waits in a thread that dies with the process;
    `arrived` tells how many bytes are there, so that a download, where Colab declines to mount,
    may take as long as it likes.
    """
    from tqdm import tqdm

    answer, limit_s = {}, _limit_s()

    def work():
        try:
            answer["value"] = call()
        except BaseException as error:
            answer["error"] = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    last, since = arrived(), time.monotonic()
    with tqdm(total=limit_s, desc="montando", unit="s", delay=1, leave=False) as bar:
        while thread.is_alive():
            thread.join(min(0.2, limit_s))
            waited = time.monotonic() - since
            if (now := arrived()) != last:  # a download, which shows a bar of its own
                last, since = now, time.monotonic()
            elif waited > limit_s and thread.is_alive():
                raise NeverMounted
            elif not now:
                bar.update(round(waited) - bar.n)
    if "error" in answer:
        raise answer["error"]
    return answer["value"]


def _limit_s():
    """How long a mount may take: COURSE_MOUNT_LIMIT_S, or two minutes."""
    try:
        return float(os.environ.get("COURSE_MOUNT_LIMIT_S", _MOUNT_LIMIT_S))
    except ValueError:
        return _MOUNT_LIMIT_S


def _never_mounted(info):
    return answers.Trouble(
        f"la plataforma aceptó, pero ninguna carpeta apareció en {number(_limit_s(), 1)} s.",
        f"en Kaggle agrega {info.handle} con Add Input y ejecuta otra vez; o espera más, con "
        "COURSE_MOUNT_LIMIT_S=600; o descarga en vez de montar, con DISABLE_KAGGLE_CACHE=1 (en "
        "Colab DISABLE_COLAB_CACHE=1).",
    )
