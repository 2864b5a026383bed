"""The data sets: fetched, checked, read into arrays. Each reader is its own module.

`fetch` is the function; importing this loads neither kagglehub, TensorFlow nor NumPy.
"""

from course.datasets.download.fetch import fetch

__all__ = ["fetch"]
