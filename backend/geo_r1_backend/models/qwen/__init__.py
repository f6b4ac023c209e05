"""Qwen2.5-VL at the speed of the memory: what the torch engine answers with and a training run rolls out with."""
