"""Programs that run in the environments of other packages, for the benchmarks beside this folder."""
