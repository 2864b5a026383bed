"""Random slices and patches of prepared cases, in batches that can be repeated exactly."""

import zlib

import numpy as np

from course.datasets.batches import EpochDataset
from course.datasets.brats.augment import Augmentation
from course.datasets.brats.prepared import read_ahead
from course.regions import REGIONS
from course.training.devices import own_part


class _Samples(EpochDataset):
    """What slices and patches share: which case, where in it, cut, augmented, stacked.

    Sample `i` of epoch `e` is drawn from `(seed, e, i)` alone, once `start_epoch(e)` is called; the
    callbacks of `course.training` do that. So neither the number of workers nor what came before
    changes it, and whoever never calls it is served the same samples in each epoch.
    """

    _per_case = None  # samples of each case in an epoch, unless `steps` says otherwise
    _rank = None

    def __init__(self, store, batch_size, size, seed=0, augment=True, tumour_share=0.5, steps=None):
        super().__init__()
        if len(size) != self._rank or min(size) < 1:
            raise ValueError(f"Expected {self._rank} positive sizes. Received: size={size}")
        if batch_size < 1 or (steps is not None and steps < 1):
            raise ValueError(
                "Expected a batch_size and steps of 1 or more. "
                f"Received: batch_size={batch_size}, steps={steps}"
            )
        if not 0 <= tumour_share <= 1:
            raise ValueError(f"Expected a tumour_share from 0 to 1. Received: {tumour_share}")
        self.store, self.batch_size, self.size = store, batch_size, tuple(size)
        self.seed, self.augment, self.tumour_share = seed, augment, tumour_share
        self._centers = [np.array(case.centers) for case in store]  # 24 kB each
        self.steps = steps or -(-len(store) * self._per_case // batch_size)
        self.start_epoch(0)

    def start_epoch(self, epoch):
        """Draw the cases of this epoch, counted from 0: every case as often as any other."""
        rounds = -(-self.steps * self.batch_size // len(self.store))
        rng = np.random.default_rng((self.seed, epoch))
        cases = [rng.permutation(len(self.store)) for _ in range(rounds)]
        self._epoch, self._cases = epoch, np.concatenate(cases)

    def __len__(self):
        return self.steps

    def __getitem__(self, index):
        numbers = own_part(range(index * self.batch_size, (index + 1) * self.batch_size))
        x = np.empty((len(numbers), *self.size, len(self.store.modalities)), "float32")
        y = np.empty((len(numbers), *self.size, len(REGIONS)), "float32")
        for row, number in enumerate(numbers):
            x[row], y[row] = self._sample(number)
        return x, y

    def fingerprint(self):
        """A checksum of `glance` and of the middle slice of each case."""
        sum_ = self.glance()
        for case in self.store:
            sum_ = zlib.crc32(np.array(case.image[len(case.image) // 2]), sum_)
        return sum_

    def glance(self):
        """A checksum of the modalities and of where to cut each case; none is read for it."""
        sum_ = zlib.crc32(",".join(self.store.modalities).encode())
        for centers in self._centers:
            sum_ = zlib.crc32(np.ascontiguousarray(centers), sum_)
        return sum_

    def _sample(self, number):
        rng = np.random.default_rng((self.seed, self._epoch, number))
        which = self._cases[number]
        image, regions = self.store[which].image, self.store[which].regions
        start = self._start(rng, self._centers[which], image.shape[:3])
        change = Augmentation(self.size)
        if self.augment:
            change = Augmentation.draw(rng, self.size, image.shape[-1])
        window = _in_3d(change.window)
        start = start - (np.array(window) - _in_3d(self.size)) // 2
        return change(
            _cut(image, start, window).reshape(*change.window, -1),
            _cut(regions, start, window).reshape(*change.window, -1),
        )

    def _start(self, rng, centers, shape):
        """The first voxel of a patch that holds a voxel of the brain or the tumour in its middle.

        The voxel lies anywhere in the middle half, or else a network could learn that the tumour
        is always in the centre. The patch stays in the box, or lies around it if it is larger.
        """
        region = rng.integers(1, len(centers)) if rng.random() < self.tumour_share else 0
        voxel = centers[region, rng.integers(centers.shape[1])]
        size, shape = np.array(_in_3d(self.size)), np.array(shape)
        reach = size // 4
        start = voxel - size // 2 + rng.integers(-reach, reach + 1)
        return np.where(shape > size, np.clip(start, 0, shape - size), -((size - shape) // 2))


class Slices(_Samples):
    """Serve axial slices of prepared cases to `fit`, for a 2D network.

    Half of them (`tumour_share`) go through a random voxel of WT, TC or ET, each region as often as
    the others, so that the small enhancing tumour is seen too; the rest through any voxel of the
    brain. A brain that is larger than `size` is cut at random around that voxel, a smaller one
    lies in the middle of zeros.

    Args:
        store: `course.datasets.brats.prepared.Store`.
        batch_size: Integer.
        size: `(H, W)`, what the network takes: a U-Net halves it once a level. 192×160 holds most
            brains of BraTS.
        seed: Integer. One seed serves the same slices again, each epoch its own.
        augment: Boolean, whether each is changed by an `Augmentation`.
        tumour_share: Float, 0 to 1.
        steps: Integer, batches in an epoch. Default: 16 slices of each case.

    Each batch is `(x, y)`: float32 `(batch_size, H, W, C)` and the regions WT, TC, ET, 0 or 1,
    float32 `(batch_size, H, W, 3)`. For validation: `augment=False`, and the slices stay the same.
    """

    _per_case, _rank = 16, 2

    def __init__(
        self,
        store,
        batch_size=8,
        size=(192, 160),
        seed=0,
        augment=True,
        tumour_share=0.5,
        steps=None,
    ):
        super().__init__(store, batch_size, size, seed, augment, tumour_share, steps)


class Patches(_Samples):
    """Serve blocks of prepared cases to `fit`, for a 3D network; otherwise as `Slices`.

    Args:
        store: `course.datasets.brats.prepared.Store`.
        batch_size: Integer.
        size: `(D, H, W)`, what the network takes: a U-Net halves it once a level.
        seed: Integer. One seed serves the same blocks again, each epoch its own.
        augment: Boolean, whether each is changed by an `Augmentation`.
        tumour_share: Float, 0 to 1.
        steps: Integer, batches in an epoch. Default: 4 blocks of each case.

    Each batch is `(x, y)`: float32 `(batch_size, D, H, W, C)` and the regions WT, TC, ET, 0 or 1,
    float32 `(batch_size, D, H, W, 3)`.
    """

    _per_case, _rank = 4, 3

    def __init__(
        self,
        store,
        batch_size=1,
        size=(64, 64, 64),
        seed=0,
        augment=True,
        tumour_share=0.5,
        steps=None,
    ):
        super().__init__(store, batch_size, size, seed, augment, tumour_share, steps)


def _in_3d(size):
    """A slice is a block of one slice."""
    return (1,) * (3 - len(size)) + tuple(size)


def _cut(array, start, size):
    """A block of `array` (d, h, w, …) that may reach over its edges: there it is 0."""
    low = np.maximum(start, 0)
    high = np.maximum(low, np.minimum(np.add(start, size), array.shape[:3]))
    read_ahead(array, low, high)
    inside = array[tuple(map(slice, low, high))]
    if inside.shape[:3] == tuple(size):
        return inside
    block = np.zeros((*size, *array.shape[3:]), array.dtype)
    block[tuple(map(slice, low - start, high - start))] = inside
    return block
