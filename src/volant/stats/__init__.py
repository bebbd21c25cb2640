"""Pure numbers: paired tests, intervals, block variance, metrics. NumPy and SciPy, no input or output."""
