"""A problem: equations on a domain, conditions, and perhaps an exact solution for comparison."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from torch import Tensor

from gmnm_pde._errors import GmnmError, nearest, refuse
from gmnm_pde._modes import in_ordinary_mode
from gmnm_pde.geometry import Domain
from gmnm_pde.jets import Alpha
from gmnm_pde.statement.conditions import Setting, Statement
from gmnm_pde.statement.consistency import Verification, verify, warn_of_conflicts, warn_of_freedom
from gmnm_pde.statement.events import Event, happenings, read_events, read_times, time_of, within
from gmnm_pde.statement.exact import check_exact, exact_columns
from gmnm_pde.statement.interfaces import Interface
from gmnm_pde.statement.materials import by_part, in_part, in_parts, interfaces, refuse_without_equation
from gmnm_pde.statement.observables import read_invariants
from gmnm_pde.statement.reading import field_names, read_conditions, read_equations
from gmnm_pde.statement.scalars import Bounded, read_limits, read_scalars
from gmnm_pde.statement.scope import Coefficient, Scope, branch, read_coefficients
from gmnm_pde.statement.shown import described
from gmnm_pde.statement.terms import Term
from gmnm_pde.statement.tracing import traced, with_ranges
from gmnm_pde.statement.vectors import bind_fields, read_fields

if TYPE_CHECKING:
    from gmnm_pde.statement.hard import Lift


class Problem:
    """A differential equation, or a system of them, stated in the words of mathematics.

    Args:
        domain: Where, such as ``Rectangle(x=(-1, 1), y=(-1, 1))`` or ``Interval(x=(0, 1)) * Time(t=(0, 1))``.
        equations: A function of fields, coordinates and unknown parameters, bound by name, that returns one residual
            [n], a tuple, or a dict of named ones; or a list or a dict of such functions; on a domain with parts also
            a dict with equations for each part.
        conditions: Dirichlet, Neumann, Robin, Initial, Periodic, Observations, or the general Condition; Interface
            where parts of the domain meet.
        exact: The exact solution, a function of coordinates that returns one field, or a tuple or dict of fields (and
            of unknown parameters); a dict of functions by field; or one of these for each part. Used to report errors,
            never to solve.
        fields: The names of the unknown fields; by default the arguments of the equations that are nothing else. A name
            with a number, ``("y", 20)``, is a vector of fields, y_1 to y_20, which functions ask for as ``y``; those
            with ``*u`` among their arguments get all fields that they do not name.
        parameters: Unknown scalars with initial guesses, ``{"nu": 0.1}``, and with bounds ``{"nu": Positive(0.1)}`` or
            ``{"nu": Bounded(0.1, low=0, high=1)}``.
        constants: Known scalars, ``{"viscosity": 0.01}``, which equations and conditions may ask for by name;
            ``solve(..., continuation=...)`` varies them.
        coefficients: Known functions that equations and conditions may ask for by name: each a number or a function of
            coordinates (and of fields and scalars), or one for each part, ``{"k": {"steel": 45.0, "copper": 400.0}}``.
        spectrum: Of an eigenvalue problem: a function from a number to that many exact values, from the lowest on, or
            to None where they are not known. Used to report errors.
        events: What happens where a function of the fields is zero, or at known times: ``Event(...)``.
        breaks: Times at which data jump or have kinks; those of tables that are looked up by time are known.
        invariants: Functions of the solution that should not change with time, by name, ``{"mass": lambda u: ...}``.
        name: For reports.

    Attributes:
        vectors: By the name of each vector of fields, the names of its components.
        events: As stated, each with its functions as terms (``Happening``).
        invariants: As stated, as terms by name.
        limits: The bounds of those parameters that have any.
        lift: How fields are made from what is solved for, where some conditions are met by construction
            (``statement/hard/``).
        periodic: Axes along which a solution is to be periodic by construction.
        met: Names of the conditions that are met by construction, and are no terms.
        reference: Constant fields that residuals are compared with those of, and from which Newton's method begins;
            nothing stands for zero fields.
        tilt: By how much these rise from the middle of the domain to its ends, along all coordinates alike; nothing
            where they are constant.
        base: Constants that fields are taken beside, by branch: with them functions see these more. None is no more.
        mirrored: The axis that fields are solved for the other way round along, if any: with it functions see their
            derivatives of odd order with the other sign.

    Raises:
        GmnmError: a name is unknown, a residual has the wrong shape, a condition is missing or selects no point.
    """

    @in_ordinary_mode
    def __init__(
        self,
        domain: Domain,
        equations: Any = (),
        conditions: Sequence[Statement] = (),
        *,
        exact: Callable[..., Any] | Mapping[str, Callable[..., Any]] | None = None,
        fields: Sequence[Any] | None = None,
        parameters: Mapping[str, float | Bounded] | None = None,
        constants: Mapping[str, float] | None = None,
        coefficients: Mapping[str, Any] | None = None,
        spectrum: Callable[[int], Sequence[float] | None] | None = None,
        events: Sequence[Event] | Event | None = None,
        breaks: Sequence[float] = (),
        invariants: Mapping[str, Callable[..., Any]] | None = None,
        name: str | None = None,
    ):
        if not isinstance(domain, Domain):
            raise refuse("Problem(domain, ...)", expected="a domain, such as Rectangle(x=..., y=...)", got=repr(domain))
        self.domain = domain
        self.name = name or "problem"
        self.exact, self.spectrum = exact, spectrum
        self.parameters = read_scalars(parameters, domain, "parameters")
        self.limits = read_limits(parameters)
        self.constants = read_scalars(constants, domain, "constants")
        names, self.vectors = read_fields(fields)
        self.stated = {
            "equations": equations,
            "fields": fields,
            "coefficients": coefficients,
            "events": read_events(events),
            "breaks": breaks,
            "invariants": invariants,
        }
        self.coefficients: dict[str, Coefficient] = {name: {} for name in coefficients or {}}
        self.lift: Lift | None = None
        self.periodic: tuple[int, ...] = ()
        self.met: tuple[str, ...] = ()
        self.reference: tuple[float, ...] = ()
        self.tilt: tuple[float, ...] = ()
        self.base: tuple[float, ...] = ()
        self.mirrored: int | None = None
        self.conditions = read_conditions(conditions)
        functions = by_part(equations, domain, read_equations)
        scalars = (*self.parameters, *self.constants)
        self.fields = field_names(
            self.name,
            domain,
            (*scalars, *self.coefficients),
            [pair for named in functions.values() for pair in named.items()],
            self.conditions,
            names,
            self.vectors,
        )
        known = (*domain.coordinates, *self.fields, *scalars)
        self.coefficients = read_coefficients(coefficients, domain, (*known, *self.vectors), known, self.vectors)
        check_exact(self)
        bound = {part: self._bound(named) for part, named in functions.items()}
        interior = [self.traced(term) for part, named in bound.items() for term in self._equations(named, part)]
        orders = _orders(interior, self.branches, domain.dimension)
        self.setting = Setting(
            domain, self.fields, (*scalars, *self.coefficients), self._over_parts(orders), self.vectors
        )
        stated = [
            part_of_it
            for condition in self.conditions
            if self.is_termwise(condition)
            for term in condition.terms(self.setting)
            for part_of_it in self._supplied(term)
        ]
        self._refuse_missing_conditions(orders, stated)
        every = (*interior, *(self.traced(term) for term in stated))
        self.terms: tuple[Term, ...] = with_ranges(every, domain, self.branches, self.parameters)
        if domain.parts:
            refuse_without_equation(self, interior)
            laws = [condition for condition in self.conditions if isinstance(condition, Interface)]
            self.terms += tuple(interfaces(self, bound, interior, laws))
        self.events = happenings(self, events, self.setting.orders)
        self.invariants = read_invariants(self, invariants)
        self._breaks = within(read_times(breaks, "Problem(breaks=[...])"), domain, "Problem(breaks=[...])")
        warn_of_conflicts(self)
        warn_of_freedom(self)

    def __repr__(self) -> str:
        kind = "linear" if self.linear else "nonlinear"
        return f"Problem({self.name!r}, {kind}, fields {', '.join(self.fields)}, on {self.domain})"

    def _repr_html_(self) -> str:
        return described(self)

    @property
    def linear(self) -> bool:
        """Whether every residual is affine in the fields and parameters together, and no parameter has bounds."""
        return not self.limits and all(term.trace.linear for term in self.terms)

    @property
    def branches(self) -> tuple[str, ...]:
        """The unknown functions: the fields, or where the domain has parts each of them in each part."""
        parts = self.domain.parts
        return tuple(branch(field, part) for part in parts for field in self.fields) if parts else self.fields

    @property
    def order(self) -> int:
        """The highest order of differentiation in the equations."""
        return max(
            (sum(alpha) for term in self.terms if term.group == "interior" for alpha in term.trace.alphas),
            default=0,
        )

    @property
    def breaks(self) -> tuple[float, ...]:
        """Times within the problem's own at which data jump or have kinks: those stated, and those of its tables."""
        start, end = time_of(self.domain, "breaks") if self.domain.time else (0.0, 0.0)
        known = {*self._breaks, *(time for term in self.terms for time in term.trace.breaks)}
        return tuple(time for time in sorted(known) if start < time < end)

    def bound(self, function: Callable[..., Any], call: str) -> Callable[[Mapping[str, Any]], Any]:
        """A user's function of fields, coordinates, scalars and coefficients as one of a scope of the first two."""
        scalars = (*self.parameters, *self.constants, *self.coefficients)
        names = (*self.domain.coordinates, *self.fields, *scalars)
        bound = bind_fields(function, names, self.fields, self.vectors, call=call)
        return lambda scope: bound(Scope(scope, self.constants, self.coefficients))

    def traced(self, term: Term) -> Term:
        """The term with its trace: it is run once on random numbers to learn what it needs."""
        return traced(term, self.domain, self.branches, self.parameters)

    def with_constants(self, **constants: float) -> "Problem":
        """The same problem with other values of some of its constants.

        Raises:
            GmnmError: a name that is no constant of the problem.
        """
        for name in constants:
            if name not in self.constants:
                raise refuse(
                    f"{self.name}: with_constants({name}=...)",
                    expected=f"a constant of the problem: {', '.join(self.constants) or 'it has none'}",
                    got=f"'{name}'",
                    remedy=nearest(name, self.constants) or "Name it: Problem(..., constants={...}).",
                )
        other = self.remade(constants={**self.constants, **constants}, exact=None, spectrum=None)
        other.reference, other.tilt = self.reference, self.tilt
        return other

    def on(self, domain: Domain) -> "Problem":
        """The same statement on another domain, such as this one split into parts; conditions keep their regions."""
        return self.remade(domain=domain)

    def boosted(self, factor: float) -> "Problem":
        """The problem with the highest derivatives in its equations ``factor`` times as large.

        Where these are diffusion, layers are thick with a large factor, and the problem is easier.
        """
        return self.restated([replace(term, boost=factor) if term.group == "interior" else term for term in self.terms])

    def restated(
        self,
        terms: Sequence[Term],
        *,
        domain: Domain | None = None,
        lift: "Lift | None" = None,
        periodic: Sequence[int] | None = None,
        met: Sequence[str] | None = None,
        reference: Sequence[float] | None = None,
        base: Sequence[float] | None = None,
        mirrored: int | None = None,
    ) -> "Problem":
        """This problem with other terms, which have their traces already; what is left out stays as it is."""
        other = object.__new__(type(self))
        vars(other).update(
            vars(self),
            terms=tuple(terms),
            domain=self.domain if domain is None else domain,
            lift=self.lift if lift is None else lift,
            periodic=self.periodic if periodic is None else tuple(periodic),
            met=self.met if met is None else tuple(met),
            reference=self.reference if reference is None else tuple(reference),
            base=self.base if base is None else tuple(base),
            mirrored=self.mirrored if mirrored is None else mirrored,
        )
        return other

    def tilted(self, tilt: Sequence[float]) -> "Problem":
        """This problem with fields of reference that rise by so much from the middle of the domain to its ends."""
        other = self.restated(self.terms)
        other.tilt = tuple(tilt)
        return other

    def is_termwise(self, condition: Statement) -> bool:
        """Whether a condition states its terms by itself, not with the equations of the parts that it is between."""
        return not (isinstance(condition, Interface) and self.domain.parts)

    def remade(self, **changes: Any) -> "Problem":
        """The problem stated once more, with other arguments."""
        bounded = {name: Bounded(self.parameters[name], *ends) for name, ends in self.limits.items()}
        arguments = {
            **self.stated,
            "domain": self.domain,
            "conditions": self.conditions,
            "exact": self.exact,
            "parameters": {**self.parameters, **bounded},
            "constants": self.constants,
            "spectrum": self.spectrum,
            "name": self.name,
        }
        return Problem(**{**arguments, **changes})

    def exact_columns(self, columns: Sequence[Tensor], part: str = "") -> tuple[dict[str, Tensor], dict[str, float]]:
        """The exact fields, each [n], and the exact parameters, from coordinate columns, each [n].

        Where an exact solution is stated for each part, points have that of the part that they lie in, or that of
        ``part``.
        """
        return exact_columns(self, columns, part)

    def verify(self, tol: float = 1e-8, *, seed: int = 0) -> Verification:
        """Put the exact solution through every equation and condition.

        Returns:
            The table of residuals; it also names faces without a condition.

        Raises:
            GmnmError: a residual is larger than ``tol`` times the size of its own terms; the message is the table.
        """
        return verify(self, tol, seed=seed)

    def _bound(self, functions: Mapping[str, Callable[..., Any]]) -> dict[str, Callable[[Mapping[str, Any]], Any]]:
        """Equations as functions of a scope."""
        scalars = (*self.parameters, *self.constants, *self.coefficients)
        names = (*self.domain.coordinates, *self.fields, *scalars)
        return {
            name: bind_fields(function, names, self.fields, self.vectors, call=f"{self.name}: {name}")
            for name, function in functions.items()
        }

    def _equations(self, bound: Mapping[str, Callable[[Mapping[str, Any]], Any]], part: str) -> list[Term]:
        """The terms that state equations in the interior, or in that of a part."""
        domain = self.domain.parts[part] if part else self.domain
        terms = [Term(name, "interior", domain.interior, equation) for name, equation in bound.items()]
        made = [in_part(self, term, part) if part else self._supplied(term)[0] for term in terms]
        return [term for term in made if term is not None]

    def _supplied(self, term: Term) -> list[Term]:
        """The term with constants and coefficients in its scope, in each part of the domain where it holds."""
        if self.domain.parts:
            return in_parts(self, term)
        if not self.constants and not self.coefficients:
            return [term]
        inner, known, data = term.residual, (self.constants, self.coefficients), term.data
        if data is not None:
            value = data.value
            data = replace(data, value=lambda scope: value(Scope(scope, *known)))
        return [replace(term, residual=lambda scope: inner(Scope(scope, *known)), data=data)]

    def _over_parts(self, orders: Mapping[str, Alpha]) -> Mapping[str, Alpha]:
        """How often each field is differentiated by each coordinate in any part, from what it is in each part."""
        if not self.domain.parts:
            return orders
        count = len(self.fields)
        return {
            field: tuple(map(max, zip(*list(orders.values())[k::count], strict=True)))
            for k, field in enumerate(self.fields)
        }

    def _refuse_missing_conditions(self, orders: Mapping[str, Alpha], stated: list[Term]) -> None:
        in_time_alone = not self.domain.space and len(orders) > 1  # algebraic equations may determine all: see solve
        if not stated and not in_time_alone and any(sum(alpha) for alpha in orders.values()):
            raise self.unconditioned()

    def unconditioned(self) -> GmnmError:
        """That it has no condition at all and needs some."""
        example = "[Dirichlet(u=0)]" if self.domain.space else f"[Initial({self.fields[0]}=0)]"
        return GmnmError(
            f"{self.name}: a differential equation without any condition has no unique solution: expected at least "
            f"one, got none. Add one, such as conditions={example}."
        )


def _orders(interior: Sequence[Term], fields: Sequence[str], d: int) -> dict[str, Alpha]:
    """How often each field is differentiated by each coordinate."""
    asked = [derivative for term in interior for derivative in term.trace.asked]
    return {
        field: tuple(max([0, *(alpha[axis] for output, alpha in asked if output == k)]) for axis in range(d))
        for k, field in enumerate(fields)
    }
