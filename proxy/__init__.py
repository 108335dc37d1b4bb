"""Zero-cost proxies: scores of untrained networks.

This package knows networks, batches and scores. It knows nothing of HTTP, Redis or RQ.
Files that import torch say so in their first line with "[T]"; all others are safe for the API process.
"""
