"""Getting models and getting rid of them: from a hub, from a folder, off the disk. Knows no HTTP server and runs no model."""
