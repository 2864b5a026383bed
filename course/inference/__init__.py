"""What a trained network answers: a whole volume, the objects in a picture, a run's input."""

from course.inference.volumes import predict_volume, to_labels

__all__ = ["predict_volume", "to_labels"]
