"""Fine-tuning from a user's polygons: rewards, advantages, losses, one loop; the runner is a child process."""
