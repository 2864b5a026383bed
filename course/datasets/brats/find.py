"""Which files of a folder are cases of BraTS, by their names and never by their labels."""

import csv
import functools
import os
import re
import shutil
import sys
import tarfile
import warnings
import zlib
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from course import files, regions
from course.datasets import catalog
from course.datasets.brats import nifti
from course.datasets.brats.case import MODALITIES, Case, case, chosen, leave_out
from course.errors import CourseError
from course.spanish import count, number

_NIFTI = re.compile(r"\.nii(\.gz)?$")
_SAME = {kind: kind for kind in (*MODALITIES, "seg")}


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
        _SAME,
        "BraTS20_Training_001_flair.nii",
    ),
    Layout(
        "2021",
        re.compile(r"(?P<case>BraTS2021_\d{5})_(?P<kind>flair|t1|t1ce|t2|seg)"),
        _SAME,
        "BraTS2021_00000_flair.nii.gz",
    ),
    Layout(
        "2023",  # and 2024, see _edition
        re.compile(r"(?P<case>BraTS-(GLI|SSA)-\d{5}-\d{3})-(?P<kind>t2f|t1n|t1c|t2w|seg)"),
        {"t2f": "flair", "t1n": "t1", "t1c": "t1ce", "t2w": "t2", "seg": "seg"},
        "BraTS-GLI-00000-000-t2f.nii.gz",
    ),
)


@dataclass
class _Found:
    """Where the files of one case lie: `{folder: {kind: [paths]}}`."""

    layout: Layout
    homes: dict = field(default_factory=dict)


def find_cases(folder, edition=None, modalities=None) -> list[Case]:
    """The cases below a folder, by the names that the editions give their files.

    A tar of BraTS 2021 in the folder, or given in its place, is unpacked beside itself first, but
    for the cases that are in the folder already (`brats.unpack` unpacks a part of it, or to another
    disk). Folders that are links are looked into, each folder once.

    All files of a case come from one folder, the one with its images: a mask in another folder is
    never taken, it may be what a network answered. Of two copies of a case in two folders, or of a
    file as .nii and .nii.gz, any is as good as the other if they hold the same; if they do not,
    the case is left out. Where the cases beside it have a mask, a case without one lacks it;
    validation cases have none.

    One warning names the cases that are left out (they lack a file, or their files do not belong
    together), another the folders, archives and masks that were not used, a third those whose files
    do not say how the head lies; the rest is returned.

    Args:
        folder: anything that holds cases, at any depth, or one case's own folder.
        edition: what the labels mean; None takes it from the names. 2024 differs from 2023, whose
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
    remarks, damaged = [], None
    if folder.is_file() and folder.name.endswith(".tar"):
        folder = unpack(folder)
    elif folder.is_dir():
        archives = sorted(folder.glob("*.tar"))
        there = _complete([folder], wanted) if archives else ()
        for archive in archives:
            try:
                _unpack(archive, archive.with_suffix(""), there=there)
            except _Damaged as error:
                damaged = damaged or error
                remarks.append(f"{archive}: no se puede leer como .tar")
    else:
        raise CourseError(
            f"Se esperaba una carpeta con casos de BraTS, o su .tar. Llegó: {folder}, que no "
            "existe.\nQué hacer: revisa la ruta."
        )
    found = _files([folder], remarks)
    if not found and damaged:
        raise damaged
    if not found:
        examples = (f"  {layout.example} (edición {layout.edition})" for layout in LAYOUTS)
        unread = "".join(f"\nNo se usó {remark}." for remark in remarks)
        raise CourseError(
            f"{folder} no tiene ningún caso de BraTS. Se esperaban archivos con nombres como:\n"
            + "\n".join(examples)
            + unread
            + "\nQué hacer: si los tuyos se llaman de otra manera, nómbralos uno a uno, con la "
            "edición de sus etiquetas:\n"
            '  brats.case("ana", "2020", {"flair": "f.nii", "t1ce": "c.nii"}, mask="m.nii")'
        )
    return _cases(found, edition, wanted, folder, remarks)


def cases_in(folders, edition, modalities=None) -> list[Case]:
    """As `find_cases`, of these folders only."""
    remarks = []
    found = _files(folders, remarks)
    return _cases(found, edition, chosen(modalities), folders[0].parent, remarks)


def is_mask_name(name):
    """Whether a file of this name is taken for the expert's mask where it lies beside images."""
    found = _kind(name)
    return bool(found) and found[2] == "seg"


def unpack(archive, folder=None, n=None) -> Path:
    """Unpack the cases of a tar; those that are there already are not unpacked again.

    Only regular files whose names are those of a case are written, into a folder of the case's
    name. Where several folders of the archive have files of one case, those of the one with most of
    them are taken; of equals the last, as tar does.

    Args:
        archive: such as BraTS2021_Training_Data.tar.
        folder: where the cases go; None makes a folder of the archive's name beside it.
        n: only the first so many cases; None means all (of 2021: 1,251, about 13 GB).

    Returns:
        The folder.

    Raises:
        CourseError: it is no tar or cut short, or the disk has no room.
    """
    archive = Path(archive).expanduser()
    folder = Path(folder).expanduser() if folder else archive.with_suffix("")
    _unpack(archive, folder, n)
    return folder


class _Damaged(CourseError):
    """A file that is no tar, or a part of one."""


def _unpack(archive, folder, n=None, there=()):
    """`unpack`, but for the cases that are `there`."""
    try:
        with tarfile.open(archive) as tar:
            cases = _members(tar)
            names = [name for name in sorted(cases)[:n] if name not in there]
            missing = [name for name in names if not (folder / name).is_dir()]
            if missing:
                _announce(archive, [cases[name] for name in missing], folder)
            for name in missing:
                with files.whole_folder(folder / name) as part:
                    for file, member in cases[name].items():
                        with open(part / file, "wb") as out:
                            shutil.copyfileobj(tar.extractfile(member), out, 1 << 20)
    except CourseError as error:  # no room, or a folder that is only to be read, as Kaggle's
        raise CourseError(
            f'{error}\nO desempaqueta una parte en otra carpeta: brats.unpack("{archive}", '
            '"CARPETA", n=20) y después brats.find_cases("CARPETA").'
        ) from error
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise _Damaged(
            f"{archive}: se esperaba un .tar entero. Llegó: uno que no se puede leer ({error}).\n"
            "Qué hacer: pon en su lugar una copia nueva. Lo que ya se desempaquetó se queda."
        ) from error


def _members(tar):
    """The members of each case: `{case: {file name: member}}`.

    As on the disk they come from one folder: the one with most of the case, of equals the last.
    """
    homes = {}
    for member in tar:
        path = PurePosixPath(member.name)
        if (found := _kind(path.name, odd=False)) and member.isfile():
            homes.setdefault(found[1], {}).setdefault(path.parent, {})[path.name] = member
    tar.fileobj.seek(tar.offset)
    if tar.fileobj.read(tarfile.BLOCKSIZE) != bytes(tarfile.BLOCKSIZE):  # how every tar ends
        raise tarfile.ReadError("está cortado")
    return {name: max(reversed(of.values()), key=len) for name, of in homes.items()}


def _announce(archive, cases, folder):
    """Print what is about to be unpacked, or raise CourseError where it has no room."""
    size_mb = sum(member.size for members in cases for member in members.values()) / 1e6
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free_mb = shutil.disk_usage(there).free / 1e6
    if size_mb > free_mb:
        raise CourseError(
            f"{archive} no cabe en {folder}: se esperaban {number(size_mb, 0)} MB libres. "
            f"Llegó: {number(free_mb, 0)} MB.\nQué hacer: libera espacio y repite lo mismo."
        )
    what = count(len(cases), "caso", "casos")
    print(f"Desempaquetando {what}, {number(size_mb, 1)} MB, en {folder}", file=sys.stderr)


@functools.cache
def _odd_names():
    """What a file of BraTS 2020 should be called that has another name: one mask."""
    exceptions = catalog.get("brats2020").case_exceptions
    return {odd: usual.removesuffix(".nii") for usual, odd in exceptions.items()}


def _kind(name, odd=True):
    """The layout, the case and the kind of a file, by its name; or None."""
    stem = _NIFTI.sub("", name)
    if odd:
        stem = _odd_names().get(name.removesuffix(".gz"), stem)
    for layout in LAYOUTS:
        if (match := layout.form.fullmatch(stem)) and _NIFTI.search(name):
            return layout, match["case"], layout.kinds[match["kind"]]
    return None


def _files(folders, remarks):
    """Where every case's files lie below the folders: `{name: _Found}`.

    `remarks` gets a line for each folder that cannot be read, and each link that leads nowhere.
    """
    found, seen = {}, set()
    for folder in folders:
        for path in _nifti_below(folder, seen, remarks):
            if known := _kind(path.name):
                layout, name, kind = known
                homes = found.setdefault(name, _Found(layout)).homes
                homes.setdefault(path.parent, {}).setdefault(kind, []).append(path)
    return found


def _nifti_below(top, seen, remarks):
    """The NIfTI files below a folder, but for what another process is writing.

    Links are followed; `seen` holds the true paths of the folders that were, so that none comes
    twice and a circle ends.
    """

    def unreadable(error):
        remarks.append(f"{error.filename}: {error.strerror or error}")

    for home, folders, names in os.walk(top, onerror=unreadable, followlinks=True):
        true = os.path.realpath(home)
        if true in seen:
            folders[:] = []
            continue
        seen.add(true)
        folders[:] = sorted(name for name in folders if not name.endswith(files.UNFINISHED))
        for path in (Path(home, name) for name in sorted(names)):
            if path.is_file():
                if _NIFTI.search(path.name):
                    yield path
            elif path.is_symlink():
                remarks.append(f"{path}: es un enlace a algo que no está")


def _whole(one, wanted):
    """The folders that hold all wanted images of a case: with a mask first, then what lies high."""
    homes = [home for home, kinds in one.homes.items() if set(wanted) <= set(kinds)]
    return sorted(homes, key=lambda home: ("seg" not in one.homes[home], len(home.parts), home))


def _complete(folders, wanted):
    """Names of the cases that have all wanted images and a mask in one folder."""
    needed = (*wanted, "seg")
    return {name for name, one in _files(folders, []).items() if _whole(one, needed)}


def _chosen_home(one, wanted):
    """The folder that a case's files come from: the one with most of the wanted images."""

    def rank(home):
        kinds = one.homes[home]
        images = sum(kind in kinds for kind in wanted)
        return -images, "seg" not in kinds, len(home.parts), home

    return min(one.homes, key=rank)


def _agreed(one, home, wanted):
    """`{kind: path}` of a case; a CourseError names files that should hold the same and do not."""
    kinds = {}
    for kind in (*wanted, "seg"):
        homes = [home, *(other for other in _whole(one, wanted) if other != home)]
        paths = [path for each in homes for path in one.homes[each].get(kind, ())]
        if paths:
            kinds[kind], *others = paths  # the plain one first, which is read faster
            for other in others:
                _check_same(kinds[kind], other)
    return kinds


def _check_same(one, other):
    if not os.path.samefile(one, other) and nifti.content(one) != nifti.content(other):
        raise CourseError(
            f"hay dos {one.name} o parecidos, y no son iguales: {one} y {other}. "
            "Qué hacer: deja solo el que vale."
        )


def _cases(found, edition, wanted, folder, remarks):
    """Make the cases of `_files`, with one warning about those that cannot be used."""
    homes = {name: _chosen_home(one, wanted) for name, one in found.items()}
    masked = {_kin(name, home) for name, home in homes.items() if "seg" in found[name].homes[home]}
    grades = functools.cache(_grades)  # each table is read once
    cases, problems = [], []
    for name, one in sorted(found.items()):
        home = homes[name]
        kinds = one.homes[home]
        needed = (*wanted, "seg") if _kin(name, home) in masked else wanted
        lacking = [kind for kind in needed if kind not in kinds]
        away = _away(one, home, lacking or (["seg"] if "seg" not in kinds else []))
        if lacking:
            problems.append(f"{name}: le falta {' y '.join(lacking)}{away}")
            continue
        if away:
            remarks.append(f"la máscara de {name}{away}")
        try:
            kinds = _agreed(one, home, wanted)
            images = {kind: kinds[kind] for kind in wanted}
            own = edition or _edition(one.layout, home)
            grade = grades(home.parent).get(name)
            cases.append(case(name, own, images, kinds.get("seg"), grade=grade))
        except CourseError as error:
            problems.append(f"{name}: {error}" if name not in str(error) else str(error))
    leave_out(problems, len(found), "usar", folder, stacklevel=4)
    if lost := [one.name for one in cases if not nifti.is_placed(one.affine)]:
        warnings.warn(
            f"{folder}: los archivos de {count(len(lost), 'caso', 'casos')} no dicen cómo está "
            f"puesta la cabeza ({lost[0]}{', …' if lost[1:] else ''}: su matriz afín es la que se "
            "le pone a un arreglo). Para una red entrenada con otros puede estar de cabeza.\n"
            "Qué hacer: mira uno con figures.modalities; si no está como los demás, busca los "
            "archivos de antes de pasarlos por un arreglo.",
            UserWarning,
            stacklevel=3,
        )
    if remarks:
        listed = "\n".join(f"  {remark}" for remark in remarks)
        warnings.warn(f"{folder}: esto no se usó.\n{listed}", UserWarning, stacklevel=3)
    return cases


def _away(one, home, kinds):
    """Where files of a case lie that are not beside its images, or an empty text."""
    others = [other for other in one.homes if other != home]
    away = [path for kind in kinds for each in others for path in one.homes[each].get(kind, ())]
    if not away:
        return ""
    listed = ", ".join(map(str, away))
    return f", y {listed} no está en {home}, junto a sus imágenes (si es del caso, ponlo ahí)"


def _kin(name, home):
    """What the cases of one part have in common: the folder above theirs, names but for digits."""
    return home.parent if home.name == name else home, re.sub(r"\d", "", name)


def _edition(layout, path):
    # 2024 has all labels of 2023 with their meaning: a folder's name that misleads changes nothing
    newer = re.search(r"brats[-_ ]?2024", str(path.absolute()), re.IGNORECASE)
    return "2024" if layout.edition == "2023" and newer else layout.edition


def _grades(folder):
    """HGG or LGG of each case, by the name_mapping.csv that lies beside the cases of 2020."""
    try:
        table = (folder / "name_mapping.csv").read_text(encoding="utf-8", errors="replace")
        rows = list(csv.DictReader(table.splitlines()))
    except (OSError, csv.Error):
        return {}
    grades = {row.get("BraTS_2020_subject_ID"): row.get("Grade") for row in rows}
    return {name: grade for name, grade in grades.items() if grade in ("HGG", "LGG")}
