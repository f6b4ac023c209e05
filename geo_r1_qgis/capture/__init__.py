"""Map to pixels: what will be sent (`plan`), and the sending of it to an image (`render`)."""

from .chip import Chip
from .plan import CapturePlan, plan_capture, plan_view

__all__ = ["CapturePlan", "Chip", "plan_capture", "plan_view"]
