"""Problems in time, discretised in space: which modes, and the equations and conditions tested with them."""
