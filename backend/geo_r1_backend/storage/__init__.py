"""Files of the service: atomic writes, locks, chips."""
