"""The run log on Spark: `engine` is the way in, and says how it is done."""
