"""Problems in time, marched from step to step: modes in space, implicit Runge-Kutta methods in time."""
