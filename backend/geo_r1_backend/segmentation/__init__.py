"""How the embedded segmenter is made: its net, its pictures, its training and its graph. Running it is `engines/`."""
