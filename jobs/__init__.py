"""What workers run: the two worker kinds, the pipeline, one file per stage and retry rules."""
