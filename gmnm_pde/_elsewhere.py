"""What other libraries call what this one has."""

NAMES = {
    "Circle": "Disk",
    "Cuboid": "Box",
    "Data": "Observations",
    "DirichletBC": "Dirichlet",
    "FNN": "MLP",
    "FeedForward": "MLP",
    "Geometry": "Rectangle, Disk, Polygon, ...",
    "GeometryXTime": "domain * Time(t=(0, 1))",
    "Hypercube": "Box",
    "IC": "Initial",
    "InitialCondition": "Initial",
    "Line": "Interval",
    "NeumannBC": "Neumann",
    "OperatorBC": "Condition",
    "PDE": "Problem",
    "PINN": "MLP",
    "PeriodicBC": "Periodic",
    "PointSetBC": "Observations",
    "RobinBC": "Robin",
    "Sphere": "Ball",
    "TimeDomain": "Time",
    "TimePDE": "Problem",
    "divergence": "div",
    "grad_grad": "diff",
    "gradient": "grad",
    "gradients": "grad",
    "hessian": "diff",
    "jacobian": "diff",
    "laplace": "laplacian",
    "load": "load_solution",
    "solve_bvp": "solve",
    "solve_ivp": "solve",
}


def missing(name: str, module: object) -> AttributeError:
    """The error for a name that the library has not."""
    meant = f"; here it is {NAMES[name]}" if name in NAMES else ""
    return AttributeError(f"gmnm_pde has no '{name}'{meant}", name=name, obj=module)
