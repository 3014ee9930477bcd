"""What a solution has by other names than in other libraries."""

from collections.abc import Sequence

_CALLS = {
    "converged": "solution.report.converged",
    "curl": "solution.of(lambda u, v: curl(u, v))(x, y)",
    "detach": "solution(...), which gives arrays for arrays",
    "div": "solution.of(lambda u, v: div(u, v))(x, y)",
    "dx": 'solution.diff("x")(...)',
    "error": "solution.report.error_estimate, or solution.report.relative_l2 where the exact solution is known",
    "error_estimate": "solution.report.error_estimate",
    "eval": "solution(...)",
    "evaluate": "solution(...)",
    "forward": "solution(...)",
    "gradient": "solution.grad(...)",
    "hessian": 'solution.diff("x", "y")(...) for each entry',
    "integrate": "solution.integral()",
    "jacobian": "solution.grad(...)",
    "loss": 'solution.history["loss"]',
    "max": "solution(points).max()",
    "mean": "solution.integral() / domain.interior.measure",
    "min": "solution(points).min()",
    "norm": "solution.integral(of=lambda u: u**2) ** 0.5",
    "numpy": "solution(...), which gives arrays for arrays",
    "predict": "solution(points)",
    "residual": "solution.residuals(points)",
    "show": "solution.plot()",
    "sol": "solution(t)",
    "t": "solution(t) at times of your own",
    "to": "solve(..., device=..., dtype=...)",
    "values": "solution(...)",
    "y": "solution(t)",
}


def missing(name: str, owner: object, fields: Sequence[str]) -> AttributeError:
    """The error for an attribute that a solution has not, with what is meant."""
    told = f"a Solution has no '{name}'"
    if name in fields:
        told += f": solution['{name}'](...) is that field, and solution.diff(..., field='{name}') its derivative"
    elif name in _CALLS:
        told += f": {_CALLS[name]}"
    return AttributeError(told, name=name, obj=owner)
