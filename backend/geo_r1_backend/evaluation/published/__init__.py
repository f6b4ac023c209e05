"""Published data sets and your own: asking, scoring, and the command. Formats are in `formats/`."""
