"""HTTP and the command line. Never imports torch, directly or through another module."""
