"""What is done with an engine: one chip or many, in turn, into wire events."""
