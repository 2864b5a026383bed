"""Which files of a folder are cases of BraTS: told by their names, never by their labels."""

import csv
import re
import warnings
from dataclasses import dataclass
from pathlib import Path

from course import catalog, regions
from course.datasets import brats_tar
from course.datasets.brats_case import MODALITIES, Case, case
from course.errors import CourseError

_NIFTI = re.compile(r"\.nii(\.gz)?$")


@dataclass(frozen=True)
class Layout:
    """How one edition names its files: `form` has the groups case and kind."""

    edition: str
    form: re.Pattern
    kinds: dict  # as in the file's name → modality, or seg
    example: str


LAYOUTS = (
    Layout(
        "2020",
        re.compile(r"(?P<case>BraTS20_[A-Za-z]+_\d{3})_(?P<kind>flair|t1|t1ce|t2|seg)"),
        {kind: kind for kind in (*MODALITIES, "seg")},
        "BraTS20_Training_001_flair.nii",
    ),
    Layout(
        "2021",
        re.compile(r"(?P<case>BraTS2021_\d{5})_(?P<kind>flair|t1|t1ce|t2|seg)"),
        {kind: kind for kind in (*MODALITIES, "seg")},
        "BraTS2021_00000_flair.nii.gz",
    ),
    Layout(
        "2023",  # and 2024, see _edition
        re.compile(r"(?P<case>BraTS-(GLI|SSA)-\d{5}-\d{3})-(?P<kind>t2f|t1n|t1c|t2w|seg)"),
        {"t2f": "flair", "t1n": "t1", "t1c": "t1ce", "t2w": "t2", "seg": "seg"},
        "BraTS-GLI-00000-000-t2f.nii.gz",
    ),
)


def find_cases(folder, edition=None, modalities=None) -> list[Case]:
    """The cases below a folder, by the names that the editions give their files.

    A tar of BraTS 2021 in the folder, or given in its place, is unpacked beside itself first
    (`brats.unpack` unpacks a part of it, or to another disk). Cases that lack a file, or whose
    files do not belong together, are named in one warning; the rest is returned. Where the cases
    beside it have a mask, a case without one lacks it; validation cases have none.

    Args:
        folder: anything that holds cases, at any depth, or one case's own folder.
        edition: what the labels mean; None takes it from the names. 2024 is told from 2023, whose
            files are named alike, by a folder called BraTS2024….
        modalities: which of flair, t1, t1ce and t2 are needed; None means all four.

    Returns:
        Cases in the order of their names.

    Raises:
        CourseError: there is no such folder, or not one whole case in it.
    """
    folder = Path(folder).expanduser()
    wanted = chosen(modalities)
    if edition is not None:
        edition = regions.edition(edition).name
    if folder.is_file() and folder.name.endswith(".tar"):
        folder = brats_tar.unpack(folder, layouts=LAYOUTS)
    elif folder.is_dir():
        for archive in sorted(folder.glob("*.tar")):
            brats_tar.unpack(archive, layouts=LAYOUTS)
    else:
        raise CourseError(
            f"Expected a folder with cases of BraTS, or its tar. Received: {folder}\n"
            "There is no such folder."
        )
    found = _files([folder])
    if not found:
        raise CourseError(
            f"{folder} holds no case of BraTS. Expected files named as one of:\n"
            + "".join(f"  {layout.example} (edition {layout.edition})\n" for layout in LAYOUTS)
            + "Files with other names are put together by hand, with the edition of their labels:\n"
            '  brats.case("ana", "2020", {"flair": "f.nii", "t1ce": "c.nii"}, mask="m.nii")'
        )
    return cases_of(found, edition, wanted, folder)


def cases_in(folders, edition, modalities=None) -> list[Case]:
    """As `find_cases`, of these folders only."""
    return cases_of(_files(folders), edition, chosen(modalities), folders[0].parent)


def cases_of(found, edition, wanted, folder):
    """Make the cases of `_files`, with one warning about those that cannot be used."""
    masked = {_kin(name, files) for name, (_, files) in found.items() if "seg" in files}
    grades, cases, problems = _Grades(), [], []
    for name, (layout, files) in sorted(found.items()):
        needed = (*wanted, "seg") if _kin(name, files) in masked else wanted
        lacking = [kind for kind in needed if kind not in files]
        if lacking:
            problems.append(f"{name} lacks {' and '.join(lacking)}")
            continue
        images = {kind: files[kind] for kind in wanted}
        told = edition or _edition(layout, next(iter(files.values())))
        try:
            grade = grades.of(name, next(iter(files.values())))
            cases.append(case(name, told, images, files.get("seg"), grade=grade))
        except CourseError as error:
            problems.append(f"{name}: {error}" if name not in str(error) else str(error))
    if not cases:
        raise CourseError(
            f"{folder}: of {len(found):,} cases none can be used.\n{told_of(problems)}"
        )
    if problems:
        warnings.warn(
            f"{folder}: {len(problems):,} of {len(found):,} cases cannot be used and are left "
            f"out.\n{told_of(problems)}",
            UserWarning,
            stacklevel=3,
        )
    return cases


def told_of(problems):
    """One line a case, for the one report that names them all."""
    return "\n".join("  " + problem.replace("\n", " ") for problem in problems)


def chosen(modalities):
    """The modalities asked for, in the usual order; all four for None."""
    if modalities is None:
        return MODALITIES
    unknown = [kind for kind in modalities if kind not in MODALITIES]
    if unknown or not modalities or isinstance(modalities, str):
        raise CourseError(
            f"modalities: expected some of {', '.join(MODALITIES)}. Received: {modalities!r}"
        )
    return tuple(kind for kind in MODALITIES if kind in modalities)


def _files(folders):
    """Every case's files below the folders: `{name: (layout, {kind: path})}`."""
    odd = {  # BraTS 2020 has one mask under another name
        odd: usual.removesuffix(".nii")
        for usual, odd in catalog.get("brats2020").case_exceptions.items()
    }
    found = {}
    paths = [path for folder in folders for path in folder.rglob("*.nii*") if path.is_file()]
    # of two copies the one that lies higher, and the plain one, which is read faster
    for path in sorted(paths, key=lambda path: (len(path.parts), path.name, path)):
        stem = odd.get(path.name.removesuffix(".gz"), _NIFTI.sub("", path.name))
        for layout in LAYOUTS:
            if match := layout.form.fullmatch(stem):
                _, files = found.setdefault(match["case"], (layout, {}))
                files.setdefault(layout.kinds[match["kind"]], path)
    return found


def _kin(name, files):
    """What the cases of one part have in common: the folder above theirs, names but for digits."""
    first = next(iter(files.values()))
    home = first.parent.parent if first.parent.name == name else first.parent
    return home, re.sub(r"\d", "", name)


def _edition(layout, path):
    newer = re.search(r"brats[-_ ]?2024", str(path.absolute().parent), re.IGNORECASE)
    return "2024" if layout.edition == "2023" and newer else layout.edition


class _Grades:
    """HGG or LGG by the name_mapping.csv that lies beside the cases of 2020."""

    def __init__(self):
        self._tables = {}

    def of(self, name, path):
        home = path.parent.parent
        if home not in self._tables:
            self._tables[home] = _table(home / "name_mapping.csv")
        return self._tables[home].get(name)


def _table(path):
    try:
        with open(path, newline="", encoding="utf-8", errors="replace") as file:
            rows = list(csv.DictReader(file))
    except (OSError, csv.Error):
        return {}
    grades = {row.get("BraTS_2020_subject_ID"): row.get("Grade") for row in rows}
    return {name: grade for name, grade in grades.items() if grade in ("HGG", "LGG")}
