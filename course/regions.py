"""Label maps of the BraTS editions, and the three regions that every edition scores.

The numbers in a mask changed over the years: 3 has meant "non-enhancing core", nothing at all, and
"enhancing tumour". So the edition is always said, never guessed from the labels that occur.
"""

from dataclasses import dataclass

from course.errors import CourseError, nearest

# NumPy is imported in the functions: the catalogue asks for an edition's name and needs no arrays
REGIONS = ("WT", "TC", "ET")  # whole tumour ⊃ tumour core ⊃ enhancing tumour


@dataclass(frozen=True)
class Edition:
    """What the numbers in one edition's masks mean."""

    name: str
    labels: dict  # each number → its Spanish name
    regions: dict  # each of REGIONS → the numbers that it joins; `from_regions` writes the first


def _edition(name, oedema, core, enhancing, others=None):
    """An edition of its numbers; `core` and `others` also name what each of theirs means."""
    labels = {0: "fondo", oedema: "edema", **core, enhancing: "tumor que realza", **(others or {})}
    joined = {"WT": (oedema, *core, enhancing), "TC": (*core, enhancing), "ET": (enhancing,)}
    return Edition(name, dict(sorted(labels.items())), joined)


# The one table. 2024 is the post-treatment glioma task: its cavity belongs to no region. "msd" is
# Task01_BrainTumour of the Medical Segmentation Decathlon, the cases of 2016 and 2017 renumbered.
EDITIONS = {
    edition.name: edition
    for edition in (
        _edition("2015", 2, {1: "necrosis", 3: "tumor que no realza"}, 4),
        _edition("2020", 2, {1: "núcleo necrótico o que no realza"}, 4),
        _edition("2021", 2, {1: "núcleo necrótico"}, 4),
        _edition("2023", 2, {1: "núcleo necrótico"}, 3),
        _edition("2024", 2, {1: "núcleo que no realza"}, 3, {4: "cavidad de la resección"}),
        _edition("msd", 1, {2: "núcleo que no realza"}, 3),
    )
}


def edition(name) -> Edition:
    """The label map of one edition.

    Args:
        name: "2015", "2020", "2021", "2023", "2024" or "msd".

    Raises:
        CourseError: there is no such edition.

    Example:

    >>> edition("2020").regions
    {'WT': (2, 1, 4), 'TC': (1, 4), 'ET': (4,)}
    """
    if str(name) in EDITIONS:
        return EDITIONS[str(name)]
    # no likeness of spelling: 2019 is not numbered as 2015
    said = next((known for known in EDITIONS if known in str(name).lower()), "")
    raise CourseError(
        f"edition: se esperaba una de {', '.join(EDITIONS)}. Llegó: {name!r}."
        f"{nearest(said, EDITIONS)}\nQué hacer: busca en la página de la que vienen los casos qué "
        "significa cada número de una máscara, y nombra la edición que numera igual."
    )


def to_regions(labels, edition):
    """Join the labels of a mask to the regions WT, TC and ET.

    Args:
        labels: integers, any shape, such as `(D, H, W)`.
        edition: the name of the edition that numbered them.

    Returns:
        uint8 `(…, 3)`, 0 or 1, in the order of `REGIONS`; without any tumour all 0.

    Raises:
        CourseError: a label that the edition does not know; the message names the editions that do.

    Example:

    >>> to_regions([0, 2, 1, 4], "2020").tolist()
    [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]]
    """
    import numpy as np

    known, labels = _named(edition), np.asarray(labels)
    check_labels(labels, edition)
    table = np.zeros((max(known.labels) + 1, len(REGIONS)), "uint8")
    for column, region in enumerate(REGIONS):
        table[list(known.regions[region]), column] = 1
    # table[labels] takes six times as long
    return table.take(labels.astype("uint8", copy=False), axis=0)


def from_regions(regions, edition):
    """Write regions back as the labels of an edition: WT as oedema, on it TC as core, on that ET.

    `to_regions` undoes it where ET lies in TC and TC in WT. A region that sticks out of the larger
    one is written all the same, so that the larger one grows by it.

    Args:
        regions: bool or integers 0 and 1, `(…, 3)`, in the order of `REGIONS`.
        edition: the name of the edition to number by.

    Returns:
        uint8 labels `(…)`.

    Example:

    >>> from_regions([[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1]], "2023").tolist()
    [0, 2, 1, 3]
    """
    import numpy as np

    known, regions = _named(edition), np.asarray(regions)
    if regions.ndim < 1 or regions.shape[-1] != len(REGIONS):
        raise ValueError(f"Expected regions of shape (…, 3). Received: shape {regions.shape}")
    if regions.dtype.kind not in "iub" or np.any(regions > 1) or np.any(regions < 0):
        raise ValueError(
            "Expected regions of 0 and 1 (threshold probabilities first). "
            f"Received: dtype {regions.dtype} from {regions.min()} to {regions.max()}"
        )
    labels = np.zeros(regions.shape[:-1], "uint8")
    for column, region in enumerate(REGIONS):
        labels[regions[..., column] > 0] = known.regions[region][0]
    return labels


def check_labels(labels, edition):
    """Raise CourseError when an integer mask holds a label that the edition does not know.

    The message names another edition to take only where that is sure: 2024 for a 4 beside a 3 in
    files of 2023, 2023 for a 3 in files of 2021. Otherwise it says what the label means in each
    edition.
    """
    import numpy as np

    known, labels = _named(edition), np.asarray(labels)
    if labels.dtype.kind not in "iub":  # probabilities would be cut down to 0 without a word
        raise ValueError(f"Expected labels of an integer dtype. Received: dtype {labels.dtype}")
    # a table: np.isin takes twice the time, and more memory than the mask
    table = np.zeros(256, bool)
    table[list(known.labels)] = True
    small = labels.dtype == "uint8" or not labels.size or 0 <= labels.min() <= labels.max() < 256
    if small and table[labels.astype("uint8", copy=False)].all():
        return
    found = [int(label) for label in np.unique(labels)]
    strange = [label for label in found if label not in known.labels]
    shown = ", ".join(map(str, strange[:8])) + (" …" if strange[8:] else "")
    expected = ", ".join(f"{label} ({name})" for label, name in known.labels.items())
    raise CourseError(
        f"Etiquetas de la edición {known.name}: se esperaba {expected}. Llegó también: {shown}.\n"
        f"Qué hacer: {_todo(known.name, found, strange)}"
    )


def _todo(name, found, strange):
    """What to do about labels that an edition does not know: never a choice that may be wrong."""
    others = [other for other in EDITIONS.values() if set(found) <= set(other.labels)]
    if not others:
        return "pon en su lugar una copia nueva: está dañada o no es la máscara de un tumor."
    # 2024 has the file names of 2023 and all its labels; 2023 is the first with a 3 after 2021. A 4
    # without a 3 may also be the older editions' enhancing tumour, in files that were named anew
    newer = {"2023": "2024", "2021": "2023"}.get(name)
    if newer in [other.name for other in others] and 3 in found:
        return (
            f'busca los casos otra vez con edition="{newer}": esas etiquetas son de {newer}, donde '
            f"{_meanings(strange, [EDITIONS[newer]])}."
        )
    return (
        "busca en la página de la que vienen los casos qué significa cada número, y nombra esa "
        f"edición con edition=…. {_meanings(strange, others).capitalize()}."
    )


def _meanings(labels, editions):
    """What these labels are called in each of the editions."""
    said = {}
    for label in labels:
        for known in editions:
            said.setdefault(f"el {label} es {known.labels[label]}", []).append(known.name)
    one = len(editions) == 1
    return "; ".join(text if one else f"{text} en {', '.join(of)}" for text, of in said.items())


_named = edition  # for where an argument has that name
