"""From classes to places: boxes, masks, and what a network looks at."""

from course.vision.boxes import area, average_precision, iou, match, nms, precision_recall
from course.vision.masks import class_iou, mean_iou
from course.vision.seeing import fool, receptive_field, saliency

__all__ = [
    "area", "average_precision", "class_iou", "fool", "iou", "match", "mean_iou", "nms", "precision_recall",
    "receptive_field", "saliency",
]  # fmt: skip
