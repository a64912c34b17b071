"""One module for each command of `python -m console`: add_arguments(parser) and run(arguments, settings)."""
