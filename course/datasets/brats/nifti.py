"""NIfTI files: read so that no damaged one passes, written so that none is lost.

Axes. A file stores x, y, z in any order and direction and says which in its affine. The kit's
arrays are always `(D, H, W)`: D from inferior to superior, H from anterior to posterior, W from the
patient's right to left, so that `imshow(image[d])` is a radiologist's view.
"""

import contextlib
import gzip
import os
import zlib
from pathlib import Path

import numpy as np

from course.datasets.brats.nifti_header import (
    AXES,
    opened,
    raw_header,
    read_header,
    unreadable,
    wrong,
)
from course.errors import CourseError


def read(header, out=None):
    """Read the voxels of a file, slice by slice, in the kit's orientation and scaled.

    Args:
        header: from `read_header`.
        out: float32 `(D, H, W)` to fill, such as one channel of an image; None makes one.

    Returns:
        float32 `(D, H, W)`.

    Raises:
        CourseError: the file is cut, longer than its header says, or holds NaN or infinite values.
    """
    if out is None:
        out = np.empty(header.kit_shape, "float32")
    stored = as_stored(out, header.affine)  # the same memory, seen in the file's axes
    rows, columns, _ = header.shape
    size = rows * columns * header.dtype.itemsize
    try:
        with opened(header.path) as file:
            _skip(file, header.offset)
            for index in range(header.shape[2]):
                data = file.read(size)
                if len(data) != size:
                    raise EOFError("it is cut short")
                plane = np.frombuffer(data, header.dtype).reshape((rows, columns), order="F")
                stored[:, :, index] = _scaled(plane, header.scale)
            longer = bool(file.read(1))  # reading the end, gzip compares its checksum
    except (OSError, EOFError, zlib.error) as error:
        raise unreadable(header.path, error) from error
    if longer:
        raise wrong(header.path, "expected no more voxels than its header says", "more bytes")
    bad = out.size - sum(int(np.isfinite(plane).sum()) for plane in out)
    if bad:
        raise wrong(header.path, "expected numbers", f"NaN or infinite in {bad:,} voxels")
    return out


def write_labels(labels, like, path) -> Path:
    """Write a mask that lies exactly over another file: its shape, affine, axes and units.

    It is written beside its place and then renamed: what was there stays until the new file is
    whole.

    Args:
        labels: uint8 `(D, H, W)`, in the kit's orientation.
        like: the path of the file that it belongs to.
        path: ends in .nii or .nii.gz; folders are made.

    Raises:
        CourseError: another ending, or it cannot be written.
    """
    import nibabel

    path, header = Path(path), read_header(like)
    stored = as_stored(np.asarray(labels, "uint8"), header.affine)
    if stored.shape != header.shape:
        raise ValueError(
            f"Expected labels of shape {header.kit_shape}. Received: shape {np.shape(labels)}"
        )
    if not path.name.endswith((".nii", ".nii.gz")) or path.is_dir():
        expected, advice = "expected a file that ends in .nii or .nii.gz", "Next: another name."
        raise wrong(path, expected, path.name, advice)
    raw = raw_header(header.path).as_byteswapped("<")
    raw.set_data_dtype("uint8")
    raw.set_slope_inter(1, 0)
    raw["cal_min"] = raw["cal_max"] = 0
    raw.set_intent("none")
    kind = nibabel.Nifti1Image if int(raw["sizeof_hdr"]) == 348 else nibabel.Nifti2Image
    data = kind(stored, None, raw).to_bytes()
    if path.name.endswith(".gz"):
        data = gzip.compress(data, 6, mtime=0)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(data)
        temporary.replace(path)
    except OSError as error:
        raise CourseError(
            f"{path} cannot be written ({error.strerror or type(error).__name__}). Nothing that "
            "was there is lost.\nNext: free space or rights there, or name another place."
        ) from error
    finally:
        with contextlib.suppress(OSError):  # FileNotFoundError when all went well
            temporary.unlink()
    return path


def as_stored(array, affine):
    """An array `(D, H, W)` seen in a file's own axes; a view, no copy."""
    from nibabel import orientations

    kit = orientations.axcodes2ornt(AXES)
    change = orientations.ornt_transform(kit, orientations.io_orientation(affine))
    return orientations.apply_orientation(array, change)


def _skip(file, count):
    while count > 0:
        data = file.read(min(count, 1 << 20))
        if not data:
            raise EOFError("it is cut short")
        count -= len(data)


def _scaled(plane, scale):
    """float64 on the way, so that large whole numbers keep their difference to the intercept."""
    slope, inter = scale
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is counted later
        if (slope, inter) != (1.0, 0.0):
            plane = plane.astype("float64") * slope + inter
        return plane.astype("float32", copy=False)
