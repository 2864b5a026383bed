"""The data sets: fetched, checked, read into arrays. Each reader is its own module.

`fetch` is the function; importing this loads neither kagglehub, TensorFlow nor NumPy.
"""

import pathlib

__all__ = ["fetch"]


def fetch(name, *, data_dir=None, source="kaggle", files=None) -> pathlib.Path:
    """The folder that holds a data set's files, verified; fetched from Kaggle if need be.

    What is already there and was verified before costs no request. A truncated or deleted file is
    noticed and fetched again. Inside Kaggle and Colab the mounted data set is used.

    Args:
        name: A name of the catalogue, such as "mnist".
        data_dir: Where to keep the files, as KAGGLEHUB_CACHE; None means that variable, or
            ~/.cache/kagglehub.
        source: "kaggle", or a folder with a copy of your own: its files are looked up, nothing is
            downloaded, and what they hold is checked by whoever reads them.
        files: Only these files, a list of their names; None means all of them.

    Returns:
        The folder.

    Raises:
        CourseError: With what was asked, why it failed, what to type next.
    """
    from course.datasets import catalog
    from course.datasets.download.fetch import fetch_files, resolve
    from course.datasets.download.inventory import content_of

    folder, _ = fetch_files(
        catalog.get(name),
        resolve(source, ("kaggle",)),
        content_of=content_of,
        data_dir=data_dir,
        files=files,
    )
    return folder
