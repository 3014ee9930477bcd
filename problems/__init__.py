"""One file, one equation: a function of the file's name returns the Problem."""
