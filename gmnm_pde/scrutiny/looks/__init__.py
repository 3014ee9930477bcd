"""A close look at the data of a problem: many points along lines, and the places that operations tell."""
