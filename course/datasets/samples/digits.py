"""Scikit-learn's 1,797 handwritten digits, brought to 28×28 as MNIST's makers did.

They are real digits of 43 people, 8×8 pixels of 17 grey levels: E. Alpaydin and C. Kaynak, Optical
Recognition of Handwritten Digits, UCI Machine Learning Repository, 1998.
"""

import numpy as np
from scipy import ndimage

from course.datasets.pictures import center_digit
from course.datasets.splits import stratified


def load_data():
    """Load the digits, split once and for all: a fifth of each digit is the test set.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 `(n, 28, 28)` and uint8 `(n,)`; 1,438 and 359
        pictures.
    """
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = np.stack([center_digit(_pen(image / 16)) for image in digits.images])
    labels = digits.target.astype("uint8")
    train, test = stratified(labels, fraction=0.2, seed=0)
    return (images[train], labels[train]), (images[test], labels[test])


def _pen(image):
    """Float `(8, 8)` in 0–1 to `(80, 80)` with the firm, even stroke of MNIST's pens.

    An 8×8 cell says how much of it the pen covered; enlarged, smoothed and cut near the middle,
    that becomes an edge again, a little soft.
    """
    large = ndimage.zoom(np.pad(image, 1), 8, order=3, mode="grid-constant", grid_mode=True)
    return np.clip((ndimage.gaussian_filter(large, 1.5) - 0.4) / 0.4, 0, 1)
