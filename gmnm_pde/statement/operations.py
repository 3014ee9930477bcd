"""What torch's operations do, by their names: where in their arguments they are narrow, jump, or have kinks."""

PEAKS = frozenset({"exp", "exp2", "expm1"})
"""Large nowhere but near the largest values of the argument."""

BENDS = frozenset({
    "tanh", "sigmoid", "erf", "erfc", "atan", "softplus", "log_sigmoid_forward", "gelu", "silu", "elu", "mish",
})  # fmt: skip
"""These change near zero, and are flat, or straight, elsewhere."""

QUOTIENTS = frozenset({"reciprocal", "rsqrt", "div"})
"""These are largest where what they divide by is nearest to zero; so are negative powers."""

SIGNS = frozenset({"abs", "sign", "sgn", "relu", "heaviside"})
"""These jump or have kinks where the argument is zero."""

COMPARISONS = frozenset({"gt", "ge", "lt", "le"})
"""These jump where two arguments are equal."""

BOUNDS = frozenset({"maximum", "minimum", "fmax", "fmin", "clamp_min", "clamp_max"})
"""These have kinks there."""

CLAMPS = frozenset({"clamp", "hardtanh", "threshold"})
"""These have kinks where the argument is one of several numbers."""
