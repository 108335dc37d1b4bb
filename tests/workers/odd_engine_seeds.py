"""The seeds on which `odd_engine` misbehaves."""

PRINTS, DIES, RAISES, RUNS_OUT_OF_MEMORY, IS_NAN, COUNTS_THREADS, SLEEPS, DIES_ONCE, GROWS = range(101, 110)
