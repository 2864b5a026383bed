"""One door for files: fetched from Kaggle once, verified, then read from this disk."""

from course.datasets.download.fetch import fetch, locate

__all__ = ["fetch", "locate"]
