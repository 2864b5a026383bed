"""The data sets of the course, as records: `datasets.yaml` becomes `DatasetInfo`."""

import dataclasses
import functools
from dataclasses import dataclass
from pathlib import Path

import course
from course import regions
from course.datasets import catalog_rules
from course.datasets.catalog_records import Content, DatasetInfo, FileInfo, SampleInfo, VariantInfo
from course.errors import CourseError, nearest

__all__ = ["Content", "DatasetInfo", "FileInfo", "Origin", "get", "load", "names", "origin"]


@dataclass(frozen=True)
class Origin:
    """Where a run's data came from: goes into the card, the report and every figure's title."""

    dataset: str
    variant: str | None
    source: str
    handle: str | None
    version: int | None
    title: str
    made_up: bool
    licence: str
    citation: str

    @property
    def stands_in(self):
        """True for the embedded sample: titles then say what the data are not."""
        return self.source == "sample"

    def as_dict(self):
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, values):
        return catalog_rules.build(cls, values, "origin of the data", forms={})


def names() -> list[str]:
    """The data sets' names, in the catalogue's order."""
    return list(_entries())


def get(name) -> DatasetInfo:
    """The record of one data set.

    Raises:
        CourseError: there is no such name, or datasets.yaml has an error.

    Example:

    >>> get("mnist").pinned
    'hojjatk/mnist-dataset/versions/1'
    """
    entries = _entries()
    if name in entries:
        return entries[name]
    raise CourseError(
        f"There is no data set called {name!r}.{nearest(name, entries)}\n"
        f"Expected one of: {', '.join(entries)}."
    )


def origin(name, source, variant=None) -> Origin:
    """What a report says about data of this name from this source.

    Args:
        name: a name of the catalogue.
        source: "kaggle", "tfds", "sample", or the folder that holds the student's own copy.
        variant: a sister that tensorflow-datasets serves, such as "fashion_mnist".

    Example:

    >>> origin("sign_mnist", "sample").title
    'muestra: manos dibujadas, no son fotografías'
    """
    info, source = get(name), str(source)
    about, handle, version = info, None, None
    if source == "sample":
        if info.sample is None:
            raise CourseError(
                f"{name} has no embedded sample. Expected source: kaggle or a folder."
            )
        about = info.sample
    elif variant not in (None, name):
        about = info.variants.get(variant) or info.variants.get(str(variant).split("/")[0])
        about = about or VariantInfo(str(variant), "not stated", "not stated")
    title = about.title
    if source == "kaggle":
        handle, version = info.handle, info.version
    elif source == "tfds":
        handle = variant or name
    elif source != "sample":
        title = f"{title}, copia propia"
    made_up = getattr(about, "made_up", False)
    return Origin(
        name, variant, source, handle, version, title, made_up, about.licence, about.citation
    )


def load(path) -> dict[str, DatasetInfo]:
    """Read a catalogue; a key that is unknown, missing, there twice or of the wrong form is told.

    Raises:
        CourseError: It names the file, the entry and the key.
    """
    import yaml

    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        raw, tree = yaml.safe_load(text), yaml.compose(text, yaml.SafeLoader)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CourseError(f"{path} cannot be read as a catalogue of data sets: {error}") from error
    if not isinstance(raw, dict):
        raise CourseError(f"{path}: expected one entry per data set. Received: {raw!r:.80}")
    catalog_rules.no_key_twice(tree, path)
    return {str(key): _entry(str(key), entry, f"{path}, entry {key}") for key, entry in raw.items()}


def _entry(name, raw, where):
    read = catalog_rules.build
    raw = dict(catalog_rules.mapping(raw, where))
    if "name" in raw:
        raise CourseError(f'{where}: unknown key "name". The entry\'s own key is its name.')
    files = []
    for number, item in enumerate(catalog_rules.items(raw.get("files", []), f"{where}, files"), 1):
        item, spot = dict(catalog_rules.mapping(item, where)), f"{where}, file {number}"
        if "content" in item:
            item["content"] = read(Content, item["content"], f"{spot}, content")
        files.append(read(FileInfo, item, spot))
    if "files" in raw:
        raw["files"] = tuple(files)
    if "sample" in raw:
        raw["sample"] = read(SampleInfo, raw["sample"], f"{where}, sample")
    if "variants" in raw:
        variants = catalog_rules.mapping(raw["variants"], f"{where}, variants")
        raw["variants"] = {
            key: read(VariantInfo, value, f"{where}, variant {key}")
            for key, value in variants.items()
        }
    if "edition" in raw:
        try:
            regions.edition(raw["edition"])
        except CourseError as error:
            raise CourseError(f"{where}, {error}") from None
    return read(DatasetInfo, {**raw, "name": name}, where)


def _entries():
    return _cached(course.beside("datasets.yaml"))


@functools.cache
def _cached(path):
    return load(path)
