"""What the proxies are worth: scores of real architectures held against accuracies that others measured.

`python -m benchmarks.evidence` makes the tables and plots of docs/evidence.md out of the CSV files in this folder.
`python -m benchmarks.evidence.collect` has made those, out of results of `croze score` and published tables.
"""
