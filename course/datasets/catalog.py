"""The data sets of the course, as records: `datasets.yaml` becomes `DatasetInfo`."""

import dataclasses
import functools
import pathlib
import re
from dataclasses import dataclass, field
from typing import Annotated, Literal

import course
from course import regions
from course.datasets.download import cache, verify
from course.errors import CourseError, nearest
from course.files import Count, Rule, Text, build

# The sources that are no folder. `./sample`, and any `pathlib.Path`, is a folder of one's own.
SOURCES = ("kaggle", "tfds", "sample")


def names() -> list[str]:
    """The data sets' names, in the catalogue's order."""
    return list(_entries())


def get(name) -> "DatasetInfo":
    """The record of one data set.

    Example:

    >>> get("mnist").pinned
    'hojjatk/mnist-dataset/versions/1'
    """
    entries = _entries()
    if name in entries:
        return entries[name]
    raise CourseError(
        f"No hay ningún conjunto de datos llamado {name!r}.{nearest(name, entries)}\n"
        f"Se esperaba uno de: {', '.join(entries)}."
    )


def load(path) -> dict[str, "DatasetInfo"]:
    """Read a catalogue; an error names the file, the entry and the key."""
    import yaml

    path = pathlib.Path(path)
    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8"))
        tree = loader.get_single_node()
        _each_once(tree, path, set())
        raw = loader.construct_document(tree) if tree else None
    # the last three: a date, a number or a tag that is none, and lists in lists in lists
    except (OSError, yaml.YAMLError, ValueError, LookupError, RecursionError) as error:
        raise CourseError(f"{path} no se puede leer como catálogo de datos: {error}") from error
    if not isinstance(raw, dict):
        raise CourseError(f"{path}: se esperaba una entrada por conjunto. Llegó: {raw!r:.80}.")
    return {str(key): _entry(str(key), entry, f"{path}, {key}") for key, entry in raw.items()}


# ---- what an entry holds


def _form(pattern, words):
    """The type of a text that a pattern matches as a whole."""
    return Annotated[str, Rule(re.compile(pattern).fullmatch, words)]


_Seen = _form(
    r"(mirror|kaggle), \d{4}-\d{2}-\d{2}", "dónde se vio y cuándo, como: mirror, 2026-11-23"
)
_Handle = _form(r"[\w.-]+/[\w.-]+", "dueño/nombre, como en la dirección de Kaggle")
_Address = _form(r"https://\S+", "una dirección https")
_Sha256 = _form(r"[0-9a-f]{64}", "una suma de 64 cifras hexadecimales")
_Md5 = _form(r"[0-9a-f]{32}", "una suma de 32 cifras hexadecimales")
_Path = _form(r"(?!/)(?!.*\.\.)[^\\]+", "una ruta debajo de la carpeta de los datos")
_Edition = Annotated[
    str,
    Rule(regions.EDITIONS.__contains__, f"una edición de BraTS: {', '.join(regions.EDITIONS)}"),
]


@dataclass(frozen=True)
class Content:
    """What a file holds, whoever wrote its bytes: how a mismatch with a mirror's hash is settled.

    Each reader fills one in from a file's data.
    """

    kind: Literal["idx", "sign", "housing", "nifti", "tar"]  # idx: MNIST; sign, housing: tables
    shape: tuple[Count, ...] = ()  # of an idx file
    rows: Count = 0  # of a table, without its header
    text_bytes: Count = 0  # of a table of pixels, without line ends and quotes: shows a cut value
    histogram: dict = field(default_factory=dict)  # how often each label, or place, occurs


@dataclass(frozen=True)
class FileInfo:
    """One file: `path` below the data set's folder, and what was seen of it, where and when."""

    path: _Path
    alternatives: tuple[_Path, ...] = ()  # other paths that hold the same bytes
    size_bytes: Count | None = None
    sha256: _Sha256 | None = None
    seen: _Seen | None = None
    gz_md5: _Md5 | None = None  # of the original .gz; None: a .gz form is not accepted
    content: Content | None = None

    def __post_init__(self):
        if self.seen is None and (self.sha256 or self.size_bytes):
            raise ValueError(
                "falta la clave 'seen'. Una suma de comprobación que nadie vio no vale."
            )

    @property
    def places(self):
        """Where the file may lie, the best first: as named, its alternatives, then each .gz."""
        plain = (self.path, *self.alternatives)
        return plain + tuple(f"{place}.gz" for place in plain if self.gz_md5)


@dataclass(frozen=True)
class SampleInfo:
    """The embedded stand-in of a data set; `title` is Spanish and goes into figures."""

    title: Text
    made_up: bool
    licence: Text
    citation: Text


@dataclass(frozen=True)
class VariantInfo:
    """A sister of a data set that tensorflow-datasets serves."""

    title: Text
    licence: Text
    citation: Text


@dataclass(frozen=True)
class DatasetInfo:
    """One entry of datasets.yaml."""

    name: Text
    title: Text
    handle: _Handle
    version: Count
    version_seen: _Seen
    homepage: _Address
    licence: Text
    citation: Text
    files: tuple[FileInfo, ...]
    image_shape: tuple[Count, ...] = ()
    labels: dict = field(default_factory=dict)  # as in the files → what they mean
    sample: SampleInfo | None = None
    variants: dict[str, VariantInfo] = field(default_factory=dict)
    edition: _Edition = ""  # BraTS: of course.regions, which knows its labels
    modalities: tuple[Text, ...] = ()
    cases: Text = ""  # glob of the cases' folders
    case_file: Text = ""
    case_count: Count = 0
    case_exceptions: dict[str, Text] = field(default_factory=dict)
    grades: Text = ""  # the table of HGG and LGG

    @property
    def pinned(self):
        """The handle that kagglehub never has to look up: owner/slug/versions/N.

        Of a data set of one's own the version is 0, and Kaggle's newest is meant: owner/slug.
        """
        return f"{self.handle}/versions/{self.version}" if self.version else self.handle


# ---- where a run's data came from


@dataclass(frozen=True)
class Origin:
    """Where a run's data came from: goes into the card, the report and every figure's title.

    `source` is "kaggle", "tfds", "sample", or the absolute path of the student's own folder.
    `checked` is what the comparison of the files with the catalogue found, in Spanish; None where
    there was nothing to compare. `reduced` is the size of all pictures of a copy that was made
    smaller; its scores say so.
    """

    dataset: Text
    variant: Text | None
    source: Text
    handle: Text | None
    version: Count | None
    title: Text
    made_up: bool
    licence: Text
    citation: Text
    checked: Text | None = None
    reduced: Text | None = None

    @property
    def stands_in(self):
        """True for the embedded sample: titles then say what the data are not."""
        return self.source == "sample"

    def as_dict(self):
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values):
        return build(cls, values, "el origen de los datos")


def origin(name, source, variant=None) -> Origin:
    """What a report says about data of this name from this source, by a look at the files.

    A folder of one's own bears the data set's name, licence and citation only if each of its files
    has the catalogue's sha256; otherwise it is a copy of one's own, and nothing else is known of
    it. What Kaggle sends or mounts under the pinned handle bears the name; `checked` says whether
    its bytes are the catalogue's. To ask twice costs nothing.

    Example:

    >>> origin("sign_mnist", "sample").title
    'muestra: manos dibujadas, no son fotografías'
    """
    info = get(name)
    about, title, handle, version, checked = info, info.title, None, None, None
    if not is_named(source):
        folder = pathlib.Path(source).expanduser().resolve()
        source, (verified, checked) = str(folder), _compared(info, folder)
        title = f"{title}, copia propia"
        if not verified:
            title = "copia propia, no verificada"
            about = VariantInfo(title, "no indicada", "no indicada")
    elif source == "kaggle":
        handle, version, checked = info.handle, info.version, _seen_here(info)
    elif source == "tfds":
        handle = variant or name
        if handle != name:
            about = info.variants.get(handle) or info.variants.get(handle.partition("/")[0])
            about = about or VariantInfo(handle, "no indicada", "no indicada")
        title = about.title
    elif info.sample:
        about, title = info.sample, info.sample.title
    else:
        raise CourseError(
            f"{name} no trae una muestra. Se esperaba como origen: kaggle o una carpeta."
        )
    made_up = source == "sample" and about.made_up
    reduced = _one_size(info, source)
    title += f", copia reducida a {reduced}, aspecto perdido" if reduced else ""
    return Origin(
        *(name, variant, source, handle, version, title, made_up),
        *(about.licence, about.citation, checked, reduced),
    )


def _one_size(info, source):
    """The square size of all pictures of a set of files, "224×224"; None where they differ.

    X-rays come from the scanner in many sizes: where sixteen agree, somebody has resized them all.
    """
    from course.datasets.pictures import image_size  # SciPy

    pattern = pathlib.PurePath(info.cases).name
    if source in ("sample", "tfds") or not pattern.endswith(".jpeg"):
        return None
    kept = cache.Cache(info).folder
    folder = next(cache.mounted_copies(info, ()), kept) if source == "kaggle" else source
    paths = [p for p in pathlib.Path(folder).rglob(pattern) if not p.name.startswith(".")]
    try:
        sizes = {image_size(path) for path in sorted(paths)[:: max(1, len(paths) // 16)]}
    except CourseError:  # whoever reads them says which is broken
        return None
    height, width = next(iter(sizes), (0, 1))
    return f"{height}×{width}" if len(sizes) == 1 and height == width else None


def _compared(info, folder):
    """Whether a folder of one's own has the catalogue's bytes in each file, and that in words."""
    if not any(file.sha256 for file in info.files):
        return False, f"el catálogo no tiene sumas de {info.title} con que comparar"
    paths = [cache.best_place(folder, info, file) for file in info.files]
    pairs = zip(info.files, paths, strict=True)
    others = [file.path for file, p in pairs if not p or verify.same_as(p, info) != file]
    if others:
        return False, f"no es {info.title} del catálogo: otros bytes en {', '.join(others)}"
    return True, _FITS.format(seen=info.files[0].seen)


def _seen_here(info):
    """How the bytes that Kaggle sent or mounted compare with the catalogue's; None if none came."""
    kept = cache.Cache(info)
    folder = next(cache.mounted_copies(info, info.files), kept.folder)
    if not cache.holds(folder, info, info.files):
        return None
    if not info.files or not all(file.sha256 for file in info.files):
        return "hash no visto: de estos archivos el catálogo no tiene sumas"
    memory, others = verify.Memory(kept.memory), {}
    for file in info.files:
        path = cache.place(folder, file)
        known = memory.remembered(path, file)
        if known.how != "sha256" if known else verify.same_as(path, info) != file:
            others[file.path] = verify.compared(file.content) if file.content else "nada"
    if others:
        named = "; ".join(f"{path}, del que coincide {words}" for path, words in others.items())
        return f"distinto del espejo: otros bytes en {named}"
    return _FITS.format(seen=info.files[0].seen)


_FITS = "cada archivo tiene el sha256 del catálogo (visto: {seen})"


def is_named(source):
    """Whether a source is one of `SOURCES`, and no folder."""
    return isinstance(source, str) and source in SOURCES


# ---- the file


def _each_once(node, where, seen):
    """Refuse a key that a YAML tree has twice: reading keeps the last and says nothing.

    So is a part that stands for another (`*name`): copies of copies can fill any memory.
    """
    if node is None or node.id == "scalar":
        return
    if id(node) in seen:
        raise CourseError(f"{where}: remite a otra parte con *. Escríbela entera.")
    seen.add(id(node))
    if node.id == "sequence":
        for item in node.value:
            _each_once(item, where, seen)
        return
    lines = {}
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in lines:
            raise CourseError(
                f"{where}: la clave {name!r} está dos veces, en las líneas "
                f"{lines[name]} y {line}. Deja solo una."
            )
        lines[name] = line
        _each_once(value, f"{where}, {name}", seen)


def _entry(name, raw, where):
    if isinstance(raw, dict):
        if "name" in raw:
            raise CourseError(f"{where}: la clave 'name' sobra. La entrada ya se llama {name}.")
        raw = {**raw, "name": name}
    return build(DatasetInfo, raw, where)


def _entries():
    return _cached(course.beside("datasets.yaml"))


@functools.cache
def _cached(path):
    return load(path)
