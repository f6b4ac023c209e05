"""Models as files: configuration, weights, graphs, tokenizer, manifest. Nothing here runs a model."""
