"""Look into a network: what its filters look for, what its maps show, where it looks.

Each function takes a model and an image and returns arrays; `course.figures` draws them.
"""

from course.explain.grad_cam import grad_cam
from course.explain.maps import attention_maps, feature_maps, filters
from course.explain.occlusion import occlusion

__all__ = ["attention_maps", "feature_maps", "filters", "grad_cam", "occlusion"]
