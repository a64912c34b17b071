"""What workers run: the two worker kinds, the pipeline, one file per stage, retry rules, the sweeper."""
