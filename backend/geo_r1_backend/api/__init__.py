"""HTTP only: routes, streaming, tokens, limits; what is asked of a model is in grounding/."""
