"""Scenes that look like photographs: textured ground, soft shadows, real look-alikes, and what a camera does to them.

For training only. The frozen recipe of the evaluation is drawn by `pretraining.scenes` and stays as it is.
"""
