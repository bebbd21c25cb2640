"""Pure numbers: metrics, paired tests on dependent rows, bootstraps. The same input gives the same output."""
