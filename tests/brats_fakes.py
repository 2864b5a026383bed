"""Tiny BraTS cases, byte for byte as NIfTI-1 lays them out; written without nibabel."""

import gzip
import io
import struct
import tarfile
from pathlib import Path

import numpy as np

LPS = ((-1.0, 0, 0, 0), (0, -1.0, 0, 239), (0, 0, 1.0, 0), (0, 0, 0, 1))  # as the real files
MODALITIES = ("flair", "t1", "t1ce", "t2")
_KINDS_2023 = {"flair": "t2f", "t1": "t1n", "t1ce": "t1c", "t2": "t2w", "seg": "seg"}
_RINGS = {  # the label of oedema, core and enhancing tumour
    "2015": (2, 3, 4),
    "2020": (2, 1, 4),
    "2021": (2, 1, 4),
    "2023": (2, 1, 3),
    "2024": (2, 1, 3),
    "msd": (1, 2, 3),
}
_CODES = {"u1": 2, "i2": 4, "i4": 8, "f4": 16, "f8": 64, "i1": 256, "u2": 512, "u4": 768,
          "c8": 32}  # fmt: skip


def nifti(
    array, affine=LPS, *, slope=0.0, inter=0.0, order="<", units=2, sform=1, qform=0, dim=None
):
    """The bytes of a .nii file.

    Args:
        array: axes x, y, z as stored; its dtype is the file's.
        affine: 4×4, goes into the sform; the voxel sizes into pixdim.
        slope, inter: scl_slope and scl_inter; slope 0 means unscaled.
        order: "<" or ">", the byte order.
        units: xyzt_units; 2 is millimetres.
        sform, qform: their codes; a qform says only the voxel sizes.
        dim: what the header claims instead of the array's shape.
    """
    array, affine = np.asarray(array), np.asarray(affine, "float64")
    kind, shape = array.dtype.str[1:], tuple(dim or array.shape)
    sizes = np.sqrt((affine[:3, :3] ** 2).sum(0))
    header = b"".join(
        struct.pack(order + form, *values)
        for form, values in (
            ("i36x", (348,)),
            ("8h", (len(shape), *shape, *[1] * (7 - len(shape)))),
            ("3fh", (0, 0, 0, 0)),
            ("hhh", (_CODES[kind], array.dtype.itemsize * 8, 0)),
            ("8f", (1, *sizes, *[1] * 4)),
            ("fff", (352, slope, inter)),
            ("hBB", (0, 0, units)),
            ("4f2i80s24s", (0, 0, 0, 0, 0, 0, b"tiny", b"")),
            ("hh6f", (qform, sform, 0, 0, 0, *affine[:3, 3])),
            ("12f", tuple(affine[:3].ravel())),
            ("16s4s4x", (b"", b"n+1\0")),
        )
    )
    return header + array.astype(array.dtype.newbyteorder(order)).tobytes(order="F")


def labels_like(shape, edition="2020", seed=0):
    """Nested boxes, uint8 in stored axes: oedema around a core around enhancing tumour."""
    rng = np.random.default_rng(seed)
    labels = np.zeros(shape, "uint8")
    for depth, label in enumerate(_RINGS[edition]):
        low = [side // 4 + depth + int(rng.integers(0, 2)) * (depth == 0) for side in shape]
        high = [max(at + 1, side - side // 4 - depth) for at, side in zip(low, shape, strict=True)]
        labels[tuple(slice(*ends) for ends in zip(low, high, strict=True))] = label
    return labels


def image_like(shape, labels, channel, seed=0):
    """An int16 picture in stored axes: noise in an ellipsoid, brighter where a label is, else 0."""
    rng = np.random.default_rng([seed, channel])
    grid = np.meshgrid(*(np.linspace(-1, 1, side) for side in shape), indexing="ij")
    brain = (sum(axis**2 for axis in grid) < 1.3) | (labels > 0)
    image = 400 + 100 * channel + rng.integers(-50, 51, shape) + 60 * labels.astype("int16")
    return (image * brain).astype("int16")


def write_case(
    folder,
    name,
    layout="2020",
    shape=(12, 14, 10),
    affine=LPS,
    labels=None,
    mask=True,
    kinds=MODALITIES,
    seed=0,
    edition=None,
):
    """One case in a folder of its own, in the form of one edition.

    Args:
        folder: gets a folder called `name`.
        name: such as "BraTS20_Training_001", "BraTS2021_00000", "BraTS-GLI-00000-000".
        layout: "2020" (`_flair.nii`), "2021" (`_flair.nii.gz`), "2023" (`-t2f.nii.gz`).
        shape: of the stored axes.
        affine: 4×4, millimetres.
        labels: the mask in stored axes; None makes one of the labels of `edition`.
        mask: whether the mask is written.
        kinds: the modalities to write.
        seed: of the noise and the tumour's place.
        edition: whose labels; None means the layout's.

    Returns:
        `{kind: array}` in stored axes, "seg" for the mask, also when it was not written.
    """
    labels = labels_like(shape, edition or layout, seed) if labels is None else np.asarray(labels)
    arrays = {kind: image_like(shape, labels, MODALITIES.index(kind), seed) for kind in kinds} | {
        "seg": labels
    }
    for kind, array in arrays.items():
        if kind != "seg" or mask:
            put(Path(folder, name, file_name(name, kind, layout)), nifti(array, affine))
    return arrays


def file_name(name, kind, layout="2020"):
    """What a file of a case is called; case 355 of 2020 has a mask with another name."""
    if (name, kind, layout) == ("BraTS20_Training_355", "seg", "2020"):
        return "W39_1998.09.19_Segm.nii"
    joined = {"2023": f"{name}-{_KINDS_2023[kind]}"}.get(layout, f"{name}_{kind}")
    return joined + (".nii" if layout == "2020" else ".nii.gz")


def put(path, data):
    """Write bytes, gzipped where the name ends in .gz; folders are made."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data, 1, mtime=0) if path.name.endswith(".gz") else data)
    return path


def write_mapping(folder, grades):
    """name_mapping.csv of 2020, for `{case name: "HGG" or "LGG"}`."""
    header = "Grade,BraTS_2017_subject_ID,BraTS_2018_subject_ID,TCGA_TCIA_subject_ID,"
    lines = [header + "BraTS_2019_subject_ID,BraTS_2020_subject_ID"]
    for number, (name, grade) in enumerate(grades.items()):
        lines.append(
            f"{grade},Brats17_X_{number}_1,Brats18_X_{number}_1,NA,BraTS19_X_{number}_1,{name}"
        )
    Path(folder, "name_mapping.csv").write_bytes("\r\n".join([*lines, ""]).encode())


def write_tar(path, files):
    """A tar of `{name inside: bytes}`, as BraTS 2021 comes."""
    with tarfile.open(path, "w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return Path(path)
