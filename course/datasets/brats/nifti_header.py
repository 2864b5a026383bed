"""The header of a NIfTI file, with each of its promises checked before any memory is taken."""

import gzip
import logging
import math
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from course.errors import CourseError

AXES = ("S", "P", "L")  # of the kit's arrays: where D, H and W end
_MOST_VOXELS = 512**3  # of BraTS: 240 × 240 × 155
_SIZES_MM = (0.01, 100.0)  # what a voxel may measure
_SAME = 0.05  # of a voxel: headers hold float32, and tools round
_REPLACE = "The file is damaged or another one: put a fresh copy in its place."
_QUIET = logging.Logger("course.nifti", logging.CRITICAL + 1)  # nibabel tells of what it mends


@dataclass(frozen=True)
class Header:
    """What the first bytes of a file say, each promise checked; axes as stored."""

    path: Path
    shape: tuple  # three sides, in voxels
    affine: np.ndarray  # 4×4, voxel indices to millimetres
    dtype: np.dtype  # of the stored numbers, with their byte order
    offset: int  # of the first of them, in bytes
    scale: tuple  # slope and intercept: value = slope · stored + intercept

    @property
    def spacing_mm(self):
        """The voxel's size along D, H and W."""
        sizes = _voxel_sizes(self.affine)
        return tuple(float(sizes[axis]) for axis in self._order())

    @property
    def kit_shape(self):
        """The shape `(D, H, W)`."""
        return tuple(self.shape[axis] for axis in self._order())

    def _order(self):
        """Which stored axis is D, which H, which W."""
        from nibabel import orientations

        kit = orientations.axcodes2ornt(AXES)
        change = orientations.ornt_transform(orientations.io_orientation(self.affine), kit)
        return [int(axis) for axis in np.argsort(change[:, 0])]


def read_header(path) -> Header:
    """Read what a file says of itself, and none of its voxels.

    Args:
        path: a .nii, plain or gzipped, NIfTI-1 or NIfTI-2, of either byte order; three axes of at
            most 512³ voxels in all. gzip is recognised by its first bytes, not by the name.

    Raises:
        CourseError: it is no such file, or its header promises what cannot be.
    """
    path = Path(path)
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise wrong(path, "expected a NIfTI file (.nii or .nii.gz)", found)
    header = _checked(raw_header(path), path)
    _check_room(header)
    return header


def same_place(one, other) -> str:
    """An empty text when two headers' voxels coincide, otherwise how they differ."""
    if one.shape != other.shape:
        return f"{_sides(other.shape)} voxels, not {_sides(one.shape)}"
    corners = np.array(np.meshgrid(*((0, side - 1) for side in one.shape))).reshape(3, -1)
    moved = (one.affine - other.affine)[:3] @ np.vstack([corners, np.ones(8)])
    worst_mm = float(np.sqrt((moved**2).sum(0)).max())
    same = worst_mm <= _SAME * _voxel_sizes(one.affine).min()
    return "" if same else f"it lies up to {worst_mm:.3g} mm elsewhere"


def raw_header(path):
    """nibabel's own header of a file, in the file's byte order."""
    import nibabel

    try:
        with opened(path) as file:
            start = file.read(540)
    except (OSError, EOFError, zlib.error) as error:  # BadGzipFile is an OSError
        raise unreadable(path, error) from error
    forms = ((nibabel.Nifti1Header, 348, b"n+1\0", 344), (nibabel.Nifti2Header, 540, b"n+2\0", 4))
    for form, size, magic, at in forms:
        order = {size.to_bytes(4, name): name for name in ("little", "big")}.get(start[:4])
        if order and len(start) >= size and start[at : at + 4] == magic:
            try:
                header = form(start[:size], order, check=False)
                header.check_fix(_QUIET, error_level=40)
            except Exception as error:  # of nibabel, of NumPy: each damage has its own
                raise wrong(path, "expected the header of a NIfTI file", str(error)) from error
            return header
    if start[344:348] == b"ni1\0":
        pair, advice = "one half of a pair .hdr and .img", "Next: save both as one .nii."
        raise wrong(path, "expected a NIfTI file", pair, advice)
    found = "another format, or a damaged header" if start else "an empty file"
    raise wrong(path, "expected a NIfTI file", found)


def opened(path):
    """The file, open, and through gzip where its first bytes say so, whatever its name says."""
    return (gzip.open if _is_zipped(path) else open)(path, "rb")


def _is_zipped(path):
    with open(path, "rb") as file:
        return file.read(2) == b"\x1f\x8b"


def _checked(raw, path):
    expected = "expected the header of a NIfTI file"
    shape = tuple(int(side) for side in raw.get_data_shape())
    if len(shape) != 3:
        advice = "Next: save each volume as a file of its own." if len(shape) > 3 else _REPLACE
        raise wrong(path, "expected three axes", f"{len(shape)} ({_sides(shape)})", advice)
    if min(shape) < 1 or math.prod(shape) > _MOST_VOXELS:
        most = f"expected up to {_MOST_VOXELS:,} voxels"
        raise wrong(path, most, f"a header that says {_sides(shape)}")
    try:
        dtype, offset = raw.get_data_dtype(), raw.get_data_offset()
        slope, inter = raw.get_slope_inter()
        affine = np.asarray(raw.get_best_affine(), "float64")
    except Exception as error:
        raise wrong(path, expected, str(error)) from error
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise wrong(path, "expected whole or real numbers of at most 8 bytes", f"{dtype}")
    if not raw["sform_code"] > 0 and not raw["qform_code"] > 0:
        lost = "neither sform nor qform: it does not say how it lies in the patient"
        raise wrong(path, "expected an affine", lost, "Next: save it with the scan's affine.")
    units = int(raw["xyzt_units"]) & 7
    if units not in (0, 2):  # unknown, millimetres
        raise wrong(path, "expected lengths in millimetres", f"units of code {units}")
    sizes = _voxel_sizes(affine) if np.isfinite(affine).all() else np.zeros(3)
    if not (sizes.min() >= _SIZES_MM[0] and sizes.max() <= _SIZES_MM[1]):
        told = "expected an affine with voxels of 0.01 to 100 mm"
        raise wrong(path, told, " × ".join(f"{size:.4g}" for size in sizes))
    if abs(np.linalg.det(affine[:3, :3] / sizes)) < 0.1:  # 1 for a rotation
        raise wrong(path, "expected an affine with three axes", "axes that nearly coincide")
    scale = (1.0 if slope is None else float(slope), 0.0 if inter is None else float(inter))
    return Header(path, shape, affine, dtype, int(offset), scale)


def _check_room(header):
    """Compare with what lies on the disk, before any memory is taken."""
    stored = os.path.getsize(header.path)
    size = header.offset + math.prod(header.shape) * header.dtype.itemsize
    zipped = _is_zipped(header.path)
    if header.offset < 348 or size > (1032 * stored if zipped else stored):  # deflate's best
        promised = f"its header promises {_sides(header.shape)} voxels, {size:,} bytes"
        raise wrong(header.path, promised, f"a file of {stored:,} bytes, cut short")


def _voxel_sizes(affine):
    return np.sqrt((affine[:3, :3] ** 2).sum(0))


def _sides(shape):
    return " × ".join(f"{side:,}" for side in shape)


def unreadable(path, error):
    """The letter about a file that ends too early or whose checksum disagrees."""
    return wrong(path, "expected a whole NIfTI file", f"it cannot be read ({error})")


def wrong(path, expected, received, advice=_REPLACE):
    """The letter about a file that is not what it should be."""
    return CourseError(f"{path}: {expected}. Received: {received}.\n{advice}")
