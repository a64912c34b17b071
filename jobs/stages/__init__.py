"""One file per stage. Each has `run(context) -> StageResult`."""
