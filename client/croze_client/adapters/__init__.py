"""What makes the service an evaluator of other libraries. One module each; none imports more than its own library."""
