"""The run log (`orch_runs.jsonl`): one pass over one or several logs to run statistics (FORMATS sections 3 and 4)."""
