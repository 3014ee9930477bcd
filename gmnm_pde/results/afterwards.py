"""What users do next with a solution: derivatives, expressions, integrals and fluxes."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from gmnm_pde._doors import with_front_doors
from gmnm_pde._errors import refuse
from gmnm_pde._modes import in_ordinary_mode
from gmnm_pde.operators import diff, grad, laplacian
from gmnm_pde.results import expression, integrals
from gmnm_pde.results.at_boundary import NormalDerivative
from gmnm_pde.results.elsewhere import missing
from gmnm_pde.results.expression import Expression
from gmnm_pde.results.on_paths import PointValue, value_on_paths

if TYPE_CHECKING:
    from gmnm_pde.results.solution import Solution


@with_front_doors
class Afterwards:
    """Methods of a solution that compute something from it.

    Of several fields ``field="u"`` chooses one; without it there is a dict by name.
    """

    def __getitem__(self, field: str) -> Expression:
        """One field as a function of the coordinates: ``solution["u"](x, y)``."""
        return expression.each(cast("Solution", self), field, lambda u: u, f"solution[{field!r}]")

    __iter__ = None  # it has no order, though it has items

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        raise missing(name, self, self.__dict__.get("fields", ()))

    def __array__(self, *_: Any, **__: Any) -> Any:
        given = ", ".join(cast("Solution", self).coordinates)
        raise refuse("numpy of a solution", expected=f"its values somewhere, solution({given})", got="the solution")

    @in_ordinary_mode
    def diff(self, *by: str, field: str | None = None) -> Expression:
        """A derivative as a function of the coordinates: ``solution.diff("x", "x")(x, y)`` is u_xx, shaped like x.

        ``solution.diff("u", "x")`` names the field first.
        """
        solution = cast("Solution", self)
        call = f"solution.diff({', '.join(map(repr, by))})"
        if field is None and len(by) > 1 and by[0] in solution.fields:
            field, by = by[0], by[1:]
        expression.check_coordinates(solution, by, call)
        return expression.each(solution, field, lambda u: diff(u, *by), call)

    @in_ordinary_mode
    def grad(self, *columns: Any, field: str | None = None, outside: str = "nan", **named: Any) -> Any:
        """The spatial derivatives, [k, ...]: ``ux, uy = solution.grad(x, y)``; without coordinates as a function."""
        solution = cast("Solution", self)
        return _at(expression.vector(solution, field, grad, "solution.grad"), columns, named, outside)

    @in_ordinary_mode
    def laplacian(self, *columns: Any, field: str | None = None, outside: str = "nan", **named: Any) -> Any:
        """The sum of the second spatial derivatives, ``solution.laplacian(x, y)``; without coordinates a function."""
        solution = cast("Solution", self)
        return _at(expression.each(solution, field, laplacian, "solution.laplacian"), columns, named, outside)

    @in_ordinary_mode
    def of(self, function: Callable[..., Any]) -> Expression:
        """Anything computed from fields, their derivatives, coordinates, parameters and coefficients, bound by name.

        ``solution.of(lambda u, x: x * diff(u, x))`` is a function of the coordinates, as the solution is.
        """
        return expression.of(cast("Solution", self), function, "solution.of(...)")

    @in_ordinary_mode
    def integral(self, over: Any = None, *, of: Any = None, field: str | None = None, **at: Any) -> Any:
        """The integral over a region, by Gauss' rules to about ten digits.

        Args:
            over: A region, such as ``domain.boundary`` or ``domain.where(...)``, a shape, or the name of a part of the
                domain; by default the whole domain.
            of: What is integrated, ``lambda u, x: x * u**2``, with ``normal`` [n, d] on boundaries; by default the
                fields.
            field: Which field.
            **at: Values of coordinates that are not integrated over: ``t=0.5``, or an array of times, for integrals
                over space.

        Returns:
            A number, or an array shaped like what was given by name; of several fields a dict, of a vector [k, ...].

        Raises:
            GmnmError: the region is not in the domain, or is given by points alone.
        """
        solution = cast("Solution", self)
        if of is None and callable(over):
            over, of = None, over
        if field is None and isinstance(over, str) and over in solution.fields and over not in solution.domain.parts:
            over, field = None, over
        return integrals.integral(solution, over, of, field, at)

    @in_ordinary_mode
    def flux(
        self, boundary: Any = None, coefficient: Any = 1.0, *, of: Any = None, field: str | None = None, **at: Any
    ) -> Any:
        """The integral of ``coefficient * du/dn``, n the outward normal, over a boundary, by default the whole one.

        The heat that leaves through it is minus that of the conductivity.

        Args:
            boundary: A part of the domain's boundary, or the boundary of a shape within.
            coefficient: A number, the name of a coefficient of the problem, or a function of fields and coordinates.
            of: A vector field whose component along n is integrated instead: ``lambda u, v: (u, v)``.
            field: Which field.
            **at: As for ``integral``: ``t=...``.
        """
        return integrals.flux(cast("Solution", self), boundary, coefficient, of, field, at)

    @in_ordinary_mode
    def at_point(self, *columns: Any, paths: int = 1000, steps: int = 40, seed: int = 0, **named: Any) -> PointValue:
        """The value at one point, corrected by random paths, with its error: ``solution.at_point(x=0.0, t=0.3)``.

        Of a parabolic equation in many dimensions, in all of space: what a network is off there is the mean, over paths
        of the equation's diffusion, of what it leaves of the equation and of the initial or terminal condition
        (``results/on_paths.py``).

        Args:
            *columns: The point, as the solution is called with one.
            paths: How many; the error falls with the root of their number.
            steps: Into how many steps the time is cut.
            seed: Of the paths.
            **named: Coordinates by name; a vector of them is one number, or an array.

        Raises:
            GmnmError: the equation is not parabolic, there are several, or it has conditions at boundaries in space.
        """
        return value_on_paths(cast("Solution", self), columns, named, paths, steps, seed)

    @in_ordinary_mode
    def normal_derivative(self, boundary: Any = None, *, field: str | None = None) -> NormalDerivative:
        """The derivative along the outward normal of a boundary, a function of coordinates of points on it.

        ``solution.normal_derivative(domain.boundary)(x, y)``; at corners it is that of one of the sides.
        """
        return NormalDerivative(cast("Solution", self), boundary, field)


def _at(function: Expression, columns: tuple, named: dict[str, Any], outside: str) -> Any:
    """The values at coordinates, or the function itself where there are none."""
    return function(*columns, outside=outside, **named) if columns or named else function
