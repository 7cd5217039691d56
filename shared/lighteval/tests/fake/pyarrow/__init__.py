"""Stands for pyarrow, which comes with LightEval."""
