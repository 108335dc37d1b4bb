"""Everything about Redis and RQ, and the engine processes that score. Only `engine_main` imports torch."""
