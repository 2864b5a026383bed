"""Where files of a data set lie: in kagglehub's cache, mounted, or in a folder of one's own."""

import contextlib
import itertools
import os
import pathlib
import sys
import time

from course.datasets.download.verify import same_as, same_content
from course.errors import CourseError

_MOUNT = "/kaggle/input"
_DEPTH = 5
_FOLDERS = 2000  # how many are looked into before giving up
_IDLE_S = 600.0  # how long another process may hold the cache without bringing anything


def root(data_dir=None) -> pathlib.Path:
    """The cache's own folder: `data_dir`, KAGGLEHUB_CACHE, or ~/.cache/kagglehub."""
    folder = data_dir or os.environ.get("KAGGLEHUB_CACHE") or "~/.cache/kagglehub"
    return pathlib.Path(folder).expanduser().absolute()


class Cache:
    """The places of one pinned version in kagglehub's cache."""

    def __init__(self, info, data_dir=None):
        self.root = root(data_dir)
        base = self.root.joinpath("datasets", *info.handle.split("/"))
        self.folder = base / "versions" / str(info.version)
        self.archive = base / f"{info.version}.archive"  # while it is in flight
        self.complete = base / f"{info.version}.complete"  # kagglehub asks only for this marker
        self.memory = base / f"{info.version}.verified.json"  # ours
        self.lock = base / f"{info.version}.lock"  # ours
        self._markers = base / ".complete" / str(info.version)

    def marker(self, path):
        """kagglehub's marker of a file that was fetched on its own."""
        return self._markers / f"{path}.complete"

    def forget(self, paths):
        """Delete damaged files and the markers that keep kagglehub from fetching them again.

        A file without any marker is a download that was cut: it stays, to be resumed.
        """
        for path in paths:
            if self.complete.exists() or self.marker(path).exists():
                (self.folder / path).unlink(missing_ok=True)
            self.marker(path).unlink(missing_ok=True)
        self.complete.unlink(missing_ok=True)

    @contextlib.contextmanager
    def alone(self):
        """One process at a time: kagglehub is not made for two that fill the same folder.

        The system frees the lock of a process that ends, however it ends. Where a lock cannot be
        had (a disk without locks, a folder that may not be written) nobody waits.
        """
        with contextlib.ExitStack() as stack:
            try:
                self.lock.parent.mkdir(parents=True, exist_ok=True)
                file = stack.enter_context(open(self.lock, "ab"))
                free = _lock(file)
            except OSError:
                file = None
            if file and not free:
                self._wait(file)
            yield

    def _wait(self, file):
        print(
            f"Otro proceso está trayendo los mismos datos a {self.folder}: espero a que termine.",
            file=sys.stderr,
        )
        reached, since = self._arrived(), time.monotonic()
        while not _lock(file):
            time.sleep(0.1)
            if self._arrived() != reached:
                reached, since = self._arrived(), time.monotonic()
            elif time.monotonic() - since > _IDLE_S:
                raise CourseError(
                    f"Otro proceso tiene ocupada {self.folder} y en {_IDLE_S / 60:.0f} min no ha "
                    "traído nada.\nQué hacer: termínalo (un cuaderno: reinicia su núcleo) y repite "
                    "la misma orden."
                )

    def _arrived(self):
        """What changes while files come: the archive's size, the time of the folder."""
        stamps = []
        for path in (self.archive, self.folder):
            with contextlib.suppress(OSError):
                stamps.append((path.stat().st_size, path.stat().st_mtime_ns))
        return stamps


def _lock(file):
    """Take the lock of an open file; False where another process has it."""
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        with contextlib.suppress(OSError):
            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
            return True
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False


# ---- files in a folder


def place(folder, file) -> pathlib.Path | None:
    """The first of a file's places that is there."""
    return next(iter(_places(folder, file)), None)


def best_place(folder, info, file) -> pathlib.Path | None:
    """Of several forms in a folder of one's own the one with the catalogue's bytes, or the first.

    Raises:
        CourseError: Several are there, none has the catalogue's bytes, and they differ.
    """
    there = _places(folder, file)
    if len(there) < 2:
        return next(iter(there), None)
    for path in there:
        if same_as(path, info) == file:
            return path
    first = there[0]
    for other in there[1:]:
        if not same_content(first, other):
            raise CourseError(
                f"{first} y {other} son dos candidatos para {file.path}, y no contienen lo mismo.\n"
                "Qué hacer: deja en la carpeta solo el que quieras usar."
            )
    return first


def holds(folder, info, wanted) -> bool:
    """Are all these files there? Where none are listed (BraTS), is there any case?"""
    if wanted:
        return all(place(folder, file) for file in wanted)
    return any(folder.glob(info.cases))


def _places(folder, file):
    return [folder / path for path in file.places if (folder / path).is_file()]


# ---- mounts


def is_mounting() -> bool:
    """True where kagglehub mounts: inside Kaggle, and in Colab (which may yet decline)."""
    kaggle = {"KAGGLE_KERNEL_RUN_TYPE", "KAGGLE_DATA_PROXY_URL"} <= os.environ.keys()
    colab = "TBE_RUNTIME_ADDR" in os.environ
    return (kaggle and not _on("DISABLE_KAGGLE_CACHE")) or (
        colab and not _on("DISABLE_COLAB_CACHE")
    )


def mounted(info):
    """Yield the folders below the mount that may hold a data set, those of its handle first.

    Outside Kaggle and Colab there is no such mount, and nothing is yielded.
    """
    for mount in _mounts():
        likely = _of_handle(mount, info)
        yield from (folder for folder in likely if folder.is_dir())
        levels = (sorted(mount.glob("*/" * depth)) for depth in range(1, _DEPTH + 1))
        below = itertools.chain.from_iterable(levels)
        yield from itertools.islice((folder for folder in below if folder not in likely), _FOLDERS)


def mounted_copies(info, wanted):
    """Yield the mounted folders with these files that may bear the data set's name.

    They lie under its handle, or each file has the catalogue's bytes; what they hold under the
    handle is still to be examined. `strangers` are the others.
    """
    return (f for f in mounted(info) if holds(f, info, wanted) and _may_bear(f, info, wanted))


def strangers(info, wanted):
    """The mounted folders with files of these names whose bytes nobody knows."""
    return [f for f in mounted(info) if holds(f, info, wanted) and not _may_bear(f, info, wanted)]


def _may_bear(folder, info, wanted):
    handles = [home for mount in _mounts() for home in _of_handle(mount, info)]
    if any(home in (folder, *folder.parents) for home in handles):
        return True
    return bool(wanted) and all(same_as(place(folder, file), info) == file for file in wanted)


def _mounts():
    kaggle = os.environ.get("KAGGLE_CACHE_MOUNT_FOLDER", _MOUNT)
    colab = os.environ.get("COLAB_CACHE_MOUNT_FOLDER", kaggle)
    return [pathlib.Path(mount) for mount in dict.fromkeys((kaggle, colab))]


def _of_handle(mount, info):
    """Where Kaggle mounts the pinned handle: <slug> (until 2025), datasets/<owner>/<slug>."""
    owner, slug = info.handle.split("/")
    return [mount / slug, mount / "datasets" / owner / slug]


def _on(variable):
    return os.environ.get(variable, "").lower() in ("true", "1", "t")
