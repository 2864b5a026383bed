"""From a folder, a zip or Kaggle to a record: found, arranged, made ready, compared."""

import os
import pathlib
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from course.datasets import catalog
from course.datasets.download.own import HANDLE, fetch_own
from course.datasets.folders import look
from course.datasets.folders.archive import unpack
from course.datasets.folders.find import find
from course.datasets.folders.layout import arrange
from course.datasets.folders.record import Fault, Pictures, named, told
from course.datasets.folders.sample import TITLES, kept_sample
from course.datasets.masks import read_mask
from course.datasets.pictures import image_size
from course.datasets.shrunk import shrink
from course.errors import CourseError
from course.spanish import count, number

_LEAST = 3  # pictures, or patients, of a class: one for each part of a split
_MOST_CLASSES = 1000


def read(source, size=64, color=False, variant=None, mask_values=None) -> Pictures:
    """Read pictures of one's own, whatever they are: PNG, JPEG, WebP, BMP or TIFF of any size.

    There may be a folder for each class; a CSV with the columns `archivo`, `etiqueta` and, if it is
    known, `paciente`; or the folders `imagenes` and `mascaras` with the same names, and in
    `imagenes` a folder for each patient, if they are known. The pictures are shrunk once to `size`
    and kept on the disk, as `shrunk.shrink` does. What cannot be used is left out and told in
    `faults`, as is what may deceive: twins, few pictures, unequal classes.

    Args:
        source: A folder; a zip; a data set's handle at Kaggle, "owner/name"; or "sample" (see
            `folders.sample`).
        size: Integer, the side in pixels.
        color: Boolean, three channels in place of one grey.
        variant: Of the sample: None or "masks".
        mask_values: Integers, the values of a mask that mean something, 0 among them; None takes
            each value that at least two masks have.

    Returns:
        `Pictures`.

    Raises:
        CourseError: There is nothing to be learnt from: no such place, no picture, nothing that
            says what they show, a single class, more than a thousand; or a zip is dangerous.
    """
    folder, origin = _place(source, variant)
    layout = arrange(find(folder))
    masked = layout.kind == "masks"
    entries, sizes, faults = _measured(layout.root, layout.entries)
    values = ()
    if masked:
        entries, values, more = _fitting_masks(layout.root, entries, sizes, mask_values)
    else:
        entries, more = _enough(layout.root, entries)
    faults = layout.faults + faults + more
    images, entries, more = _prepared(layout.root, entries, size, color)
    faults += more
    labels = masks = None
    if masked:
        class_names = tuple("fondo" if value == 0 else str(value) for value in values)
        paths = [layout.root / entry.mask for entry in entries]
        masks = shrink(paths, size, mask_values=values)[0][..., None]
    else:
        class_names, labels = np.unique([entry.label for entry in entries], return_inverse=True)
        class_names = tuple(map(str, class_names))
    sizes = np.array([sizes[entry.file] for entry in entries])
    twins = look.twins(images, sizes)
    patients = [entry.patient for entry in entries]
    record = Pictures(
        kind=layout.kind,
        folder=layout.root,
        files=tuple(entry.file for entry in entries),
        images=images if color else images[..., None],
        labels=labels,
        class_names=class_names,
        masks=masks,
        patients=tuple(p or "" for p in patients) if any(patients) else None,
        twins=twins,
        groups=_joined(twins, patients),
        sizes=sizes,
        faults=(),
        origin=origin,
    )
    return replace(record, faults=tuple(faults + look.faults(record)))


# ---- where the pictures are


def _place(source, variant):
    """The folder that holds the files, and the origin that reports name."""
    if variant is not None and source != "sample":
        raise CourseError(
            f"variant: solo la muestra tiene variantes. Llegó: {variant!r}.\n"
            "Qué hacer: no la pongas; si hay máscaras, se encuentran solas."
        )
    if isinstance(source, str) and source == "sample":
        folder = kept_sample(variant)
        made_up = variant is None  # the digits with masks are real ones
        return folder, _origin("sample", TITLES[variant], variant=variant, made_up=made_up)
    try:
        path = pathlib.Path(source).expanduser()
    except RuntimeError:  # a ~name that nobody here has
        path = pathlib.Path(source)
    if path.is_dir() and str(source).strip():
        path = path.resolve()
        return path, _origin(str(path), f"imágenes propias: {path.name}")
    if path.suffix.lower() == ".zip" and path.is_file():
        path = path.resolve()
        return unpack(path), _origin(str(path), f"imágenes propias: {path.stem}")
    if isinstance(source, str) and HANDLE.fullmatch(source) and not path.exists():
        return fetch_own(source), _origin("kaggle", f"Kaggle: {source}", handle=source)
    what, todo = "que aquí no existe", "revisa el nombre; en Colab, ¿está conectado Drive?"
    if path.is_file():
        what, todo = "que es un archivo", "nombra la carpeta donde está, o haz con ella un zip."
    raise CourseError(
        "source: se esperaba una carpeta, un zip, un conjunto de Kaggle (usuario/nombre) o "
        f"sample. Llegó: {str(source)!r}, {what}.\nQué hacer: {todo}"
    )


def _origin(source, title, *, variant=None, handle=None, made_up=False):
    about = "del propio curso" if source == "sample" else "no indicada"
    return catalog.Origin(
        *("folders", variant, source, handle, None, title, made_up),
        *(about, about, None),
    )


# ---- what can be used


def _measured(root, entries):
    """The entries whose headers can be read, `{file: (height, width)}`, and the faults."""
    names = [name for entry in entries for name in (entry.file, entry.mask) if name]
    with ThreadPoolExecutor() as pool:  # a folder of Drive answers slowly, but many at once
        found = dict(zip(names, pool.map(lambda name: _size(root / name), names), strict=True))
    sizes = {name: size for name, size in found.items() if not isinstance(size, CourseError)}
    broken = {name: str(error) for name, error in found.items() if name not in sizes}
    good = [e for e in entries if e.file in sizes and (e.mask is None or e.mask in sizes)]
    faults = _unreadable(root, broken)
    _some_left(root, good, faults)
    return good, sizes, faults


def _size(path):
    try:
        return image_size(path)
    except CourseError as error:
        return error


def _unreadable(root, broken):
    """One fault for all files that cannot be read; the first one's message says why and what."""
    if not broken:
        return []
    what = told(list(broken), "imagen que no se puede leer", "imágenes que no se pueden leer")
    why, _, todo = next(iter(broken.values())).replace(f"{root}{os.sep}", "").partition("\n")
    todo = todo.partition(": ")[2] or "ponla otra vez, o quítala."
    return [Fault("unreadable", tuple(broken), f"{what} {why}", todo)]


def _some_left(root, entries, faults):
    if not entries:
        raise CourseError(
            f"{root}: se esperaban imágenes. {faults[0].what}\nQué hacer: {faults[0].todo}"
        )


def _enough(root, entries):
    """The entries of the classes that can be divided; the others' are told."""
    seen = {}
    for entry in entries:
        seen.setdefault(entry.label, set()).add(entry.patient or entry.file)
    few = sorted(label for label, pictures in seen.items() if len(pictures) < _LEAST)
    faults = []
    if few:
        what = told(
            few,
            f"clase con menos de {_LEAST} imágenes (o pacientes), que queda fuera",
            f"clases con menos de {_LEAST} imágenes (o pacientes), que quedan fuera",
        )
        files = tuple(entry.file for entry in entries if entry.label in few)
        faults.append(
            Fault("too few", files, what, "agrégales imágenes de otras personas o cosas.")
        )
    classes = sorted(seen.keys() - set(few))
    if len(classes) < 2:
        raise CourseError(
            f"{root}: se esperaban al menos dos clases con {_LEAST} imágenes cada una. Llegó: "
            f"{count(len(seen), 'clase', 'clases')}; con tantas imágenes, "
            f"{named(classes) or 'ninguna'}.\nQué hacer: {_ONE_EACH}"
        )
    if len(classes) > _MOST_CLASSES:
        raise CourseError(
            f"{root}: se esperaban a lo más {number(_MOST_CLASSES, 0)} clases. Llegó: "
            f"{number(len(classes), 0)}.\nQué hacer: {_ONE_EACH}"
        )
    return [entry for entry in entries if entry.label not in few], faults


_ONE_EACH = "pon las imágenes de cada clase juntas en una carpeta, y nombra la que tiene todas."


def _prepared(root, entries, size, color):
    """The pictures as one array, and the entries without those whose pixels cannot be read."""
    images, broken = shrink([root / entry.file for entry in entries], size, color=color)
    if not broken:
        return images, entries, []
    faults = _unreadable(root, {entries[row].file: why for row, why in broken.items()})
    entries = [entry for row, entry in enumerate(entries) if row not in broken]
    _some_left(root, entries, faults)
    # the good ones once more, in place of a second way of keeping them
    return shrink([root / entry.file for entry in entries], size, color=color)[0], entries, faults


def _fitting_masks(root, entries, sizes, values):
    """The entries whose mask fits, the values that count, and the faults of the others."""
    names = [entry.mask for entry in entries]
    with ThreadPoolExecutor() as pool:
        found = dict(zip(names, pool.map(lambda name: _values(root / name), names), strict=True))
    if values is None:
        in_masks = Counter(v for f in found.values() if not isinstance(f, CourseError) for v in f)
        values = [v for v, masks in in_masks.items() if masks > 1 or len(found) < _LEAST]
    values = tuple(sorted({0, *map(int, values)}))
    broken, other_size, strange, good = {}, [], [], []
    for entry in entries:
        mask = found[entry.mask]
        if isinstance(mask, CourseError):
            broken[entry.mask] = str(mask)
        elif sizes[entry.file] != sizes[entry.mask]:
            other_size.append(entry.mask)
        elif not set(mask) <= set(values):
            strange.append(entry.mask)
        else:
            good.append(entry)
    faults = _unreadable(root, broken)
    if other_size:
        ending = "de otro tamaño que su imagen"
        what = told(other_size, f"máscara {ending}", f"máscaras {ending}")
        todo = "expórtalas sin cambiar su tamaño."
        faults.append(Fault("mask size", tuple(other_size), what, todo))
    if strange:
        ending = f"con valores fuera de los conocidos ({', '.join(map(str, values))})"
        what = told(strange, f"máscara {ending}", f"máscaras {ending}")
        todo = "corrígelas, o da todos los valores en mask_values."
        faults.append(Fault("mask values", tuple(strange), what, todo))
    if len(good) < _LEAST or len(values) < 2:
        nothing = "" if len(values) > 1 else ", sin nada marcado"
        why = "".join(f" {fault.what}" for fault in faults)
        todo = "agrega imágenes, y en sus máscaras marca lo que se busca con otro valor que 0."
        raise CourseError(
            f"{root}: se esperaban al menos {_LEAST} imágenes con su máscara y algo marcado en "
            f"ellas. Llegó: {len(good)}{nothing}.{why}\n"
            f"Qué hacer: {faults[0].todo if faults else todo}"
        )
    return good, values, faults


def _values(path):
    try:
        return np.unique(read_mask(path)).tolist()
    except CourseError as error:
        return error


def _joined(twins, patients):
    """What stays together, as twins or by patient, even through others, bears one number."""
    first = int(twins.max()) + 1  # the patients are numbered behind the twins
    known = {p: first + i for i, p in enumerate(sorted({p for p in patients if p}))}
    links = [(twin, known[p]) for twin, p in zip(twins, patients, strict=True) if p]
    ones, others = np.array(links, "int64").reshape(-1, 2).T
    n = first + len(known)
    graph = coo_array((np.ones(len(links)), (ones, others)), shape=(n, n))
    return connected_components(graph, directed=False)[1][twins].astype("int64")
