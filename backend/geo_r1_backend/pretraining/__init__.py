"""How the embedded model is made: generated scenes, a grammar of expressions, the training run."""
