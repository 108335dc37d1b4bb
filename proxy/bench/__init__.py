"""How fast scores come, against a plain transcription and against the machine: `croze bench`.

`rows` says what is measured, and is torch-free. `measure` does it, and is run as a process of its own:
`python -P -m proxy.bench`.
"""
