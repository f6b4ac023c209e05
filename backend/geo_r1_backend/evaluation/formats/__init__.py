"""Readers of published data sets, one file each. Each gives samples and judges nothing.

What of a format is verified, and how, stands in the docstring of its file.
"""
