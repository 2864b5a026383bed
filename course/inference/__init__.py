"""What a trained network answers: a whole volume, the objects in a picture, a run's input."""

from course.inference.masks import choose_least_et_ml, to_mask
from course.inference.volumes import in_brain, predict_volume, to_labels

__all__ = ["choose_least_et_ml", "in_brain", "predict_volume", "to_labels", "to_mask"]
