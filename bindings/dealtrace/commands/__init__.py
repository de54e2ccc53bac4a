"""The commands, one per file: each has `run(arguments)`."""
