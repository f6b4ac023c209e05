"""What QGIS's reference systems are asked for: names, the width of the world, metres, outlines. Knows no layer, no file."""
