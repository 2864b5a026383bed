"""Three ways in which pictures are kept: a folder for each class, a table, masks beside them."""

import pathlib
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass

from course.datasets.folders.find import Found
from course.datasets.folders.record import Fault, named, told
from course.datasets.folders.table import plain, read_table
from course.errors import CourseError

_PARTS = frozenset(
    "train training entrenamiento test testing prueba val valid validation validacion".split()
)
_OF_PICTURES = frozenset("imagenes imagen images image img imgs fotos photos pictures".split())
_OF_MASKS = frozenset(
    "mascaras mascara masks mask segmentaciones segmentacion segmentations segmentation "
    "anotaciones annotations labels etiquetas gt groundtruth ground_truth".split()
)
_MASK_END = re.compile(r"[_\-. ](mask|mascara|máscara|seg|segmentation|gt|label)$", re.IGNORECASE)
_NUMBERED = re.compile(r"[_\- ]\d+$")  # a second mask of one picture


@dataclass(frozen=True)
class Entry:
    """One picture and what is said of it."""

    file: str
    label: str | None = None
    patient: str | None = None
    mask: str | None = None


@dataclass(frozen=True)
class Layout:
    """The pictures of a folder, arranged; `root` holds all of them."""

    kind: str
    root: pathlib.Path
    entries: list[Entry]
    faults: list[Fault]


def arrange(found: Found) -> Layout:
    """Find out how the pictures are kept, and what each shows.

    Raises:
        CourseError: There is no picture, or nothing says what they show.
    """
    if not found.pictures:
        raise CourseError(
            f"{found.folder}: no hay ninguna imagen. {EXPECTED}\n"
            "Qué hacer: nombra la carpeta que las contiene."
        )
    top = _top(found)
    pictures, tables, folders = (
        [name.removeprefix(top) for name in names if name.startswith(top)]
        for names in (found.pictures, found.tables, found.folders)
    )
    root = found.folder / top
    tables = [name for name in tables if "/" not in name]
    for arranged in (_by_table(root, pictures, tables), _by_masks(pictures)):
        if arranged:
            kind, entries, faults = arranged
            break
    else:
        kind, (entries, faults) = "classes", _by_class(root, pictures, folders)
    if tables and kind != "table":
        without = "sin las columnas archivo y etiqueta"
        what = told(tables, f"tabla {without}", f"tablas {without}")
        faults.append(Fault("table", tuple(tables), what, "dale esos nombres, si dice las clases."))
    above = [name for name in found.pictures if not name.startswith(top)]
    return Layout(kind, root, entries, found.faults + _loose(above) + faults)


EXPECTED = (
    "Se esperaba una carpeta por clase; o un CSV con las columnas archivo y etiqueta; o las "
    "carpetas imagenes y mascaras, con los mismos nombres."
)


def _top(found):
    """The folder that holds what matters, "a/b/" or "": a zip often has one of its own name."""
    top = ""
    while True:
        files, tables, folders = (
            [name.removeprefix(top) for name in names if name.startswith(top)]
            for names in (found.pictures, found.tables, found.folders)
        )
        inner = [name for name in folders if "/" not in name]
        deeper = any(name.count("/") > 1 for name in files) or any("/" in name for name in tables)
        if len(inner) != 1 or not deeper or any("/" not in name for name in tables):
            return top
        top += f"{inner[0]}/"


def _loose(names):
    if not names:
        return []
    what = told(names, "imagen fuera de las carpetas", "imágenes fuera de las carpetas")
    return [Fault("loose", tuple(names), what, "pon cada una en la de su clase.")]


# ---- a folder for each class


def _by_class(root, names, folders):
    split = [tuple(name.split("/")) for name in names]
    heads = {parts[0] for parts in split if len(parts) > 1}
    divided = bool(heads) and {plain(head) for head in heads} <= _PARTS
    level, faults = 1 if divided and any(len(parts) > 2 for parts in split) else 0, []
    if level:
        what = f"Las imágenes vienen repartidas en {named(sorted(heads))}: se juntan."
        faults.append(
            Fault("parts", (), what, "nada; se reparten de nuevo, con las gemelas juntas.")
        )
    loose = [name for name, parts in zip(names, split, strict=True) if len(parts) < level + 2]
    if len(loose) == len(names):
        raise CourseError(
            f"{root}: hay imágenes, pero nada dice qué muestra cada una. {EXPECTED}\n"
            "Qué hacer: haz una carpeta por clase y pon en ella sus imágenes."
        )
    faults += _loose(loose)
    masks = _masks_beside(names)
    if masks:
        alike = "de otra a su lado, y"
        what = told(
            sorted(masks),
            f"imagen que parece la máscara {alike} queda fuera",
            f"imágenes que parecen la máscara {alike} quedan fuera",
        )
        todo = "para enseñar a marcar, pon las imágenes en imagenes y las máscaras en mascaras."
        faults.append(Fault("masks", tuple(sorted(masks)), what, todo))
    entries = [
        Entry(name, label=unicodedata.normalize("NFC", parts[level]))
        for name, parts in zip(names, split, strict=True)
        if len(parts) >= level + 2 and name not in masks
    ]
    classes = {entry.label for entry in entries}
    depth = [n for n in folders if n.count("/") == level]
    empty = [n for n in depth if unicodedata.normalize("NFC", n.split("/")[level]) not in classes]
    if empty:
        what = told(empty, "carpeta sin ninguna imagen", "carpetas sin ninguna imagen")
        faults.append(Fault("empty", tuple(empty), what, "llénala, o quítala si no es una clase."))
    return entries, faults


def _masks_beside(names):
    """The pictures that are called as another of their folder is, and a mask of it."""
    stems = {name.rpartition(".")[0] for name in names}
    masks = set()
    for name in names:
        stem = _NUMBERED.sub("", name.rpartition(".")[0])
        picture = _MASK_END.sub("", stem)
        if picture != stem and picture in stems:
            masks.add(name)
    return masks


# ---- a table


def _by_table(root, names, tables):
    read = {name: rows for name in tables if (rows := read_table(root / name)) is not None}
    if len(read) > 1:
        raise CourseError(
            f"{root} tiene {len(read)} tablas de imágenes: {named(sorted(read))}. Se esperaba "
            "una.\nQué hacer: deja en la carpeta solo la que quieras usar."
        )
    if not read:
        return None
    ((table, rows),) = read.items()
    places, entries, lost, faults = _places(names), {}, [], []
    torn = set()
    for row in rows:
        file = next((places[key] for key in _keys(row.file) if key in places), None)
        if not (file and row.label):
            lost.append(row.file)
        elif file in entries and entries[file].label != row.label:
            torn.add(file)
        else:
            entries[file] = Entry(file, label=row.label, patient=row.patient or None)
    if not entries.keys() - torn:
        raise CourseError(
            f"{root / table}: ninguna de sus {len(rows)} líneas nombra una imagen de esta carpeta "
            f"y una sola etiqueta. Nombra, por ejemplo: {named([row.file for row in rows], 3)}.\n"
            "Qué hacer: escribe en la columna archivo los nombres como están en la carpeta."
        )
    nobody = [name for name in names if name not in entries]
    for kind, files, one, several, todo in (
        ("no file", lost, "línea sin imagen o sin etiqueta", "líneas sin imagen o sin etiqueta",
         "corrige sus nombres en la tabla, o agrega las imágenes."),
        ("no label", nobody, "imagen que la tabla no nombra", "imágenes que la tabla no nombra",
         "agrégalas a la tabla, si las quieres usar."),
        ("torn", sorted(torn), "imagen con dos etiquetas distintas",
         "imágenes con dos etiquetas distintas", "deja en la tabla una sola línea de cada una."),
    ):  # fmt: skip
        if files:
            faults.append(Fault(kind, tuple(files), told(files, one, several), todo))
    return "table", [entry for file, entry in sorted(entries.items()) if file not in torn], faults


def _places(names):
    """Each way in which a table may name a picture that is there; what fits two names none."""
    places = defaultdict(set)
    for name in names:
        for key in _keys(name):
            places[key].add(name)
    return {key: files.pop() for key, files in places.items() if len(files) == 1}


def _keys(name):
    """A path, its last part, and that without its suffix, in one spelling; the surest first."""
    path = pathlib.PurePosixPath(unicodedata.normalize("NFC", name.removeprefix("./")).lower())
    return str(path), path.name, path.stem


# ---- masks


def _by_masks(names):
    pictures, masks = {}, {}
    for name in names:
        *folders, file = name.split("/")
        at = next((i for i, f in enumerate(folders) if plain(f) in _OF_PICTURES | _OF_MASKS), None)
        if at is None:
            continue
        stem = unicodedata.normalize("NFC", pathlib.PurePosixPath(file).stem)
        other = [*folders[:at], *folders[at + 1 :]]
        if plain(folders[at]) in _OF_MASKS:
            masks[(*other, _MASK_END.sub("", stem))] = name
        else:
            pictures[(*other, stem)] = name
    both = sorted(pictures.keys() & masks.keys())
    if not both:
        return None
    entries = [
        Entry(pictures[key], patient=_folder(pictures[key]), mask=masks[key]) for key in both
    ]
    used = {name for entry in entries for name in (entry.file, entry.mask)}
    alone = [name for name in names if name not in used]
    faults = []
    if alone:
        what = told(alone, "archivo sin su pareja", "archivos sin su pareja")
        todo = "da a cada imagen y a su máscara el mismo nombre."
        faults.append(Fault("alone", tuple(alone), what, todo))
    patients = sorted({entry.patient for entry in entries if entry.patient})
    if patients:
        what = told(
            patients,
            "carpeta con imágenes, que se toma por un paciente",
            "carpetas con imágenes, cada una de las cuales se toma por un paciente",
        )
        todo = "nada, si lo son; si no, saca las imágenes de ellas."
        faults.append(Fault("patients", (), what, todo))
    return "masks", entries, faults


def _folder(name):
    """The folder below that of the pictures, which is a patient's; None where there is none."""
    *folders, _ = name.split("/")
    at = next(i for i, folder in enumerate(folders) if plain(folder) in _OF_PICTURES)
    inner = [folder for folder in folders[at + 1 :] if plain(folder) not in _PARTS]
    return "/".join(inner) or None
