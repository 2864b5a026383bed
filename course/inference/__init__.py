"""What a trained network answers: a whole volume, the objects in a picture, a run's input."""

from course.inference.volumes import in_brain, predict_volume, to_labels

__all__ = ["in_brain", "predict_volume", "to_labels"]
