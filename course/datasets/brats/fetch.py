"""Cases as a lesson asks for them; of Kaggle's a few, file by file: ten are 0.9 GB, all are 7."""

import sys
import warnings

from course import regions
from course.datasets import catalog
from course.datasets.brats.case import Case
from course.datasets.brats.find import cases_in, chosen, find_cases
from course.datasets.download import find, mounts, sources
from course.datasets.download.cache import Shelf
from course.datasets.download.fetch import fetch
from course.errors import CourseError

_FEW = 10  # cases, where each has to be downloaded: 0.9 GB
_MB_A_FILE = 240 * 240 * 155 * 2 / 1e6  # 16-bit whole numbers, not compressed


def open_cases(source="kaggle", n=None, modalities=None, *, seed=0) -> list[Case]:
    """Cases as a lesson asks for them: Kaggle's, the made-up ones, or those of a folder.

    Args:
        source: "kaggle", "sample" (made by the kit, no download), or a folder with cases of any
            edition whose files are named as its makers do.
        n: how many, counted from the first. None means all; of Kaggle's, where they are not
            mounted but downloaded, the first 10.
        modalities: which of flair, t1, t1ce and t2 each case is to have; None means all four.
        seed: of the made-up cases.

    Returns:
        Cases with these images, in the usual order.

    Raises:
        CourseError: `source` is none of these, or its cases cannot be had.
    """
    source = sources.resolve(source, ("kaggle", "sample"))
    if source == "sample":
        from course.datasets.samples import brains

        return find_cases(brains.cases(n or brains.CASES, seed=seed), "2020", modalities)
    if source == "kaggle":
        everything = catalog.get("brats2020").case_count
        return fetch_cases(n or (everything if mounts.expected() else _FEW), modalities=modalities)
    return find_cases(source, None, modalities)[:n]


def fetch_cases(n, edition="2020", *, modalities=None, data_dir=None) -> list[Case]:
    """The first cases of an edition, fetched from Kaggle; what is already here costs no request.

    Says the size before it starts, goes on where it was interrupted, and checks each file.

    Args:
        n: how many cases, counted from the first.
        edition: "2020"; the others are not on Kaggle file by file.
        modalities: which of flair, t1, t1ce and t2; None means all four.
        data_dir: as in `fetch`.

    Raises:
        CourseError: another edition, more cases than there are, or Kaggle cannot be reached: with
            what was asked, why it failed, what to type next.
    """
    info = _entry(regions.edition(edition).name)
    if isinstance(n, bool) or not isinstance(n, int) or not 1 <= n <= info.case_count:
        raise CourseError(
            f"n: expected how many cases, from 1 to {info.case_count}. Received: {n!r}"
        )
    return _fetch(info, list(_folders(info).values())[:n], modalities, data_dir)


def fetch_named(names, edition="2020", *, modalities=None, data_dir=None) -> list[Case]:
    """These cases of an edition and no others, fetched from Kaggle as `fetch_cases` does.

    Args:
        names: of the cases, such as "BraTS20_Training_001".
        edition, modalities, data_dir: as in `fetch_cases`.

    Raises:
        CourseError: as `fetch_cases`, or a name that no case of the edition has.
    """
    info = _entry(regions.edition(edition).name)
    folders = _folders(info)
    unknown = [name for name in names if name not in folders]
    if unknown:
        raise CourseError(
            f"{info.title} holds no case {', '.join(unknown[:5])}{' …' if unknown[5:] else ''}. "
            f"Expected names from {min(folders)} to {max(folders)}."
        )
    return _fetch(info, [folders[name] for name in names], modalities, data_dir)


def _fetch(info, folders, modalities, data_dir):
    """The cases of these folders; where the grades cannot be had, a warning."""
    kinds = (*chosen(modalities), "seg")
    files = [path for folder in folders for path in _files(info, folder, kinds)]
    _announce(info, len(folders), files, data_dir)
    root = fetch(info.name, data_dir=data_dir, files=files)
    try:
        fetch(info.name, data_dir=data_dir, files=[info.grades])
    except CourseError as error:  # the cases are worth having without it
        reason = str(error).partition("Why: ")[2].partition("\n")[0] or str(error)
        warnings.warn(
            f"{info.grades} could not be had, so no grade (HGG, LGG) is known. {reason}",
            UserWarning,
            stacklevel=2,
        )
    return cases_in([root / folder for folder in folders], info.edition, modalities)


def _entry(edition):
    """The data set of an edition, if its cases can be had one by one."""
    names = {catalog.get(name).edition: name for name in catalog.names() if catalog.get(name).cases}
    info = catalog.get(names[edition]) if edition in names else None
    if info and not info.files:
        return info
    if info:
        why = (
            f"is one tar of {info.case_count:,} cases on Kaggle, {info.files[0].path}, which comes "
            f"whole or not at all (about 13 GB).\nNext: python -m course data fetch {info.name}, "
            "then brats.find_cases with the folder that it names"
        )
    else:
        why = (
            "is not in this course's catalogue.\nNext: download it from its organisers, then "
            f'brats.find_cases("FOLDER", edition="{edition}")'
        )
    raise CourseError(
        f'BraTS {edition} {why}; or brats.fetch_cases(10, edition="2020"), case by case.'
    )


def _folders(info):
    """The folder of each case on Kaggle, by the case's name, in their order."""
    numbers = range(1, info.case_count + 1)
    folders = [info.cases.replace("*", f"{number:03d}") for number in numbers]
    return {folder.rpartition("/")[2]: folder for folder in folders}


def _files(info, folder, kinds):
    """These files of one case, under the names that they have on Kaggle."""
    name = folder.rpartition("/")[2]
    usual = [info.case_file.format(case=name, kind=kind) for kind in kinds]
    return [f"{folder}/{info.case_exceptions.get(file, file)}" for file in usual]


def _announce(info, n, files, data_dir):
    """The size of what is missing, before it is asked for."""
    records, shelf = find.wanted(info, files), Shelf(info, data_dir)
    if any(find.holds(folder, info, records) for folder in mounts.candidates(info)):
        return
    missing = [path for path in files if not (shelf.folder / path).is_file()]
    if not missing:
        return
    if mounts.expected():
        told = "the platform mounts them"
    else:
        kept = f"; {len(files) - len(missing)} files are here already" if missing != files else ""
        size_gb = len(missing) * _MB_A_FILE / 1e3
        told = f"about {size_gb:.2g} GB to download into {shelf.cache}{kept}"
    print(f"{info.title}, {n} cases, {len(missing)} files: {told}", file=sys.stderr)
