"""The service. Nothing leaves the machine by itself: that is settled here, before anything else is imported."""

import os

# onnxruntime (1.32 at least) reports its use to its maker from the moment of its import, unless this is set before
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
