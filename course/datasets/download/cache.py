"""Where files of a data set may lie: in kagglehub's cache, or mounted by Kaggle or Colab."""

import itertools
import os
import pathlib

_MOUNT = "/kaggle/input"
_DEPTH = 5
_FOLDERS = 2000  # how many are looked into before giving up


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


# ---- mounts


def is_mounting() -> bool:
    """True where kagglehub mounts: inside Kaggle, and in Colab (which may yet decline)."""
    kaggle = {"KAGGLE_KERNEL_RUN_TYPE", "KAGGLE_DATA_PROXY_URL"} <= os.environ.keys()
    colab = "TBE_RUNTIME_ADDR" in os.environ
    return (kaggle and not _on("DISABLE_KAGGLE_CACHE")) or (
        colab and not _on("DISABLE_COLAB_CACHE")
    )


def mounted(info):
    """Yield the folders below the mount that may hold a data set, the likely ones first.

    Kaggle mounts at <slug> or at datasets/<owner>/<slug>; the name is a hint, the files decide.
    Outside Kaggle and Colab there is no such mount, and nothing is yielded.
    """
    owner, slug = info.handle.split("/")
    kaggle = os.environ.get("KAGGLE_CACHE_MOUNT_FOLDER", _MOUNT)
    colab = os.environ.get("COLAB_CACHE_MOUNT_FOLDER", kaggle)
    for mount in map(pathlib.Path, dict.fromkeys((kaggle, colab))):
        likely = [mount / slug, mount / "datasets" / owner / slug]
        yield from (folder for folder in likely if folder.is_dir())
        levels = (sorted(mount.glob("*/" * depth)) for depth in range(1, _DEPTH + 1))
        below = itertools.chain.from_iterable(levels)
        yield from itertools.islice((folder for folder in below if folder not in likely), _FOLDERS)


def _on(variable):
    return os.environ.get(variable, "").lower() in ("true", "1", "t")
