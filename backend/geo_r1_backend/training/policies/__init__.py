"""Models that can be fine-tuned: the embedded one, and any Qwen2.5-VL folder of transformers."""
