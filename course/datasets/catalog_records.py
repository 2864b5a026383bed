"""What an entry of datasets.yaml holds: the records that `course.datasets.catalog` makes of it."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Content:
    """What a file holds, whoever wrote its bytes: how a mismatch with a mirror's hash is settled.

    `kind` is idx (`shape`, `histogram` of the labels), csv (`header` is how its first line starts,
    `columns`, `rows` without it, `text_bytes` without line ends, `histogram` of the column named
    `counted`), nifti or tar.
    """

    kind: str
    shape: tuple = ()
    header: str = ""
    columns: int = 0
    rows: int = 0
    text_bytes: int = 0
    counted: str = ""
    histogram: dict = field(default_factory=dict)


@dataclass(frozen=True)
class FileInfo:
    """One file: `path` below the data set's folder, and what was seen of it, where and when."""

    path: str
    alternatives: tuple = ()  # other paths that hold the same bytes
    size_bytes: int | None = None
    sha256: str | None = None
    seen: str | None = None  # "mirror, 2026-11-23" or "kaggle, …"
    gz_md5: str | None = None  # of the original .gz; None: a .gz form is not accepted
    content: Content | None = None

    @property
    def places(self):
        """Where the file may lie, the best first: as named, its alternatives, then each .gz."""
        plain = (self.path, *self.alternatives)
        return plain + tuple(f"{place}.gz" for place in plain if self.gz_md5)


@dataclass(frozen=True)
class SampleInfo:
    """The embedded stand-in of a data set; `title` is Spanish and goes into figures."""

    title: str
    made_up: bool
    licence: str
    citation: str


@dataclass(frozen=True)
class VariantInfo:
    """A sister of a data set that tensorflow-datasets serves."""

    title: str
    licence: str
    citation: str


@dataclass(frozen=True)
class DatasetInfo:
    """One entry of datasets.yaml."""

    name: str
    title: str
    handle: str  # owner/slug on Kaggle
    version: int
    version_seen: str
    homepage: str
    licence: str
    citation: str
    files: tuple[FileInfo, ...]
    image_shape: tuple = ()
    labels: dict = field(default_factory=dict)  # as in the files → what they mean
    sample: SampleInfo | None = None
    variants: dict = field(default_factory=dict)
    edition: str = ""  # BraTS: of course.regions, which knows its labels
    modalities: tuple = ()
    cases: str = ""  # glob of the cases' folders
    case_file: str = ""
    case_count: int = 0
    case_exceptions: dict = field(default_factory=dict)
    grades: str = ""  # the table of HGG and LGG

    @property
    def pinned(self):
        """The handle that kagglehub never has to look up: owner/slug/versions/N."""
        return f"{self.handle}/versions/{self.version}"
