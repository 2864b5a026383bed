"""Where data may come from, and what to say when the name of a source is neither."""

from pathlib import Path

from course.errors import CourseError, nearest


def resolve(source, choices):
    """Tell a named source from a folder.

    Args:
        source: one of `choices`, or the path of a folder.
        choices: the named sources of this data set, such as `("kaggle", "sample")`.

    Returns:
        The name as it is, or the folder as a `pathlib.Path`. A name wins over a folder of the same
        name; `./sample` is the folder.

    Raises:
        CourseError: `source` is neither.

    Example:

    >>> resolve("sample", ("kaggle", "sample"))
    'sample'
    """
    if isinstance(source, str) and source in choices:
        return source
    expected = f"Expected: {', '.join(choices)}, or a folder with a copy of your own."
    try:
        folder = Path(source).expanduser()
    except (TypeError, RuntimeError) as error:  # RuntimeError: a ~name that nobody here has
        raise CourseError(f"source: {expected} Received: {source!r}") from error
    if str(source).strip() and folder.is_dir():
        return folder
    if folder.is_file():
        raise CourseError(
            f"source: {source} is a file. {expected}\n"
            "Name the folder that holds it; unzip an archive first."
        )
    hint = nearest(source, choices) or " There is no such folder here."
    raise CourseError(f"source: {expected} Received: {source!r}.{hint}")
