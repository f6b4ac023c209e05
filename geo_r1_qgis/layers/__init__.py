"""Answers to map: the GeoPackage of detections, its schema, its style, and copies of parts of it."""
