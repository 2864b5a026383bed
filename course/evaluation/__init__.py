"""How good a model is, how sure that is, and where it fails: a model and arrays in, a Report out.

Any object with Keras' `predict` will do. Conventions where something is missing:

- One sample has scores. Its accuracy has Wilson's interval (a wide one), a regression has none.
- A class without test samples has no recall; without answers either, no precision. Both are None,
  as the sensitivity or specificity is then; there is no AUC (NaN).
- A constant target has no R² (NaN); RMSE and MAE are as usual.
- No samples, or predictions that are not finite, are a `CourseError`.
"""

from course.evaluation.classification import evaluate_classifier
from course.evaluation.masks import evaluate_masks
from course.evaluation.regression import evaluate_regressor
from course.evaluation.report import Report
from course.evaluation.segmentation import evaluate_segmenter
from course.evaluation.two_classes import choose_threshold

__all__ = [
    "Report",
    "choose_threshold",
    "evaluate_classifier",
    "evaluate_masks",
    "evaluate_regressor",
    "evaluate_segmenter",
]
