"""A whole service whose processes are killed at random moments: `make chaos`, and a short form of it."""
