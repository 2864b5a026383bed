"""Where kagglehub keeps a data set, and how to make it forget what is damaged."""

import os
from pathlib import Path


class Shelf:
    """The places of one pinned version in kagglehub's cache.

    Args:
        info: a `course.datasets.catalog.DatasetInfo`.
        cache: the cache's root; None means KAGGLEHUB_CACHE or ~/.cache/kagglehub.
    """

    def __init__(self, info, cache=None):
        cache = cache or os.environ.get("KAGGLEHUB_CACHE") or "~/.cache/kagglehub"
        self.cache = Path(cache).expanduser().absolute()
        base = self.cache.joinpath("datasets", *info.handle.split("/"))
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
