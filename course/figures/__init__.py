"""Every figure of the course, in one style whose colours colour-blind readers can tell apart.

Each function takes arrays and returns a `matplotlib.figure.Figure`; nothing touches pyplot or the
caller's settings, so a server without a screen draws them too. What a student reads is in Spanish.
A title of the form `"Title — origin of the data"` is set on two lines.
"""

from course.figures.detections import detections, precision_recall, suppression
from course.figures.explain import feature_maps, grad_cam, occlusion
from course.figures.foundations import (
    activations,
    approximation_errors,
    decisions,
    side_by_side,
    sliding_kernel,
)
from course.figures.learning import curves_1d, few_examples, learning_curves, learning_rate
from course.figures.masks import marked
from course.figures.networks import network
from course.figures.pictures import answer, filters, mistakes, samples
from course.figures.predictions import confusion, predicted_against_true, residuals
from course.figures.style import png, show, show_animation
from course.figures.tables import places
from course.figures.two_classes import calibration, roc, roc_curves
from course.figures.volumes import attention, dice, dice_by_case, modalities, overlay

__all__ = [
    "activations",
    "answer",
    "approximation_errors",
    "attention",
    "calibration",
    "confusion",
    "curves_1d",
    "decisions",
    "detections",
    "dice",
    "dice_by_case",
    "feature_maps",
    "few_examples",
    "filters",
    "grad_cam",
    "learning_curves",
    "learning_rate",
    "marked",
    "mistakes",
    "modalities",
    "network",
    "occlusion",
    "overlay",
    "places",
    "png",
    "precision_recall",
    "predicted_against_true",
    "residuals",
    "roc",
    "roc_curves",
    "samples",
    "show",
    "show_animation",
    "side_by_side",
    "sliding_kernel",
    "suppression",
]
