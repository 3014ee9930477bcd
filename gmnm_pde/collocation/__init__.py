"""Where points go: over a whole domain, over the patches of a partition, or on the move."""
