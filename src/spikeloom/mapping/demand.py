"""What a program demands of a machine: one limit, one number, one verdict, one remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from spikeloom.diagnostics import Diagnostic, DiagnosticError, SourceLocation


class Basis(Enum):
    """How a number was found; the values are how tables spell it."""

    COMPUTED = "computed"
    BOUND = "at least"
    """The true number may be larger."""


@dataclass(frozen=True)
class Demand:
    """The largest use of one limit.

    Attributes:
        limit: its key in the machine file, or the option that sets it.
        what: what is counted, with its unit.
        bound: the most that is allowed.
        where: who needs so much: a layer, a neuron, a cluster, a tile.
        remedy: what to change where it does not fit.
        eased: what the compiler does about it where the bound is exceeded; such a demand fits.
        code: of the diagnostic.
    """

    limit: str
    what: str
    value: Fraction
    bound: Fraction
    basis: Basis
    where: str
    remedy: str
    location: SourceLocation | None = None
    eased: str = ""
    code: str = "E0306"

    @property
    def fits(self) -> bool:
        """Whether the machine has what is needed."""
        return self.value <= self.bound or bool(self.eased)

    @property
    def share(self) -> float:
        """The part of the bound that is used."""
        if self.bound:
            return float(self.value / self.bound)
        return 0.0 if self.value == 0 else float("inf")

    @property
    def needed(self) -> str:
        """`at least 1,567`, `127`."""
        prefix = "at least " if self.basis is Basis.BOUND else ""
        return prefix + exact_text(self.value)

    @property
    def allowed(self) -> str:
        """`128`, `247/2 (123.5)`."""
        return exact_text(self.bound)

    @property
    def sentence(self) -> str:
        """Object, limit, value, bound and remedy in one line."""
        return (
            f"{self.where} needs {self.needed} {self.what}, "
            f"but `{self.limit}` allows {self.allowed}: {self.remedy}"
        )


class DoesNotFit(DiagnosticError):
    """A machine does not meet some demands: one diagnostic for each of them."""

    def __init__(self, demands: Sequence[Demand]):
        self.demands = tuple(each for each in demands if not each.fits)
        diagnostics = (Diagnostic(d.code, d.sentence, d.location) for d in self.demands)
        super().__init__(*diagnostics)


def require(demands: Sequence[Demand]) -> None:
    """Lets demands pass that a machine meets.

    Raises:
        DoesNotFit: it does not meet some of them.
    """
    if not all(each.fits for each in demands):
        raise DoesNotFit(demands)


def number_text(value: Fraction | int) -> str:
    """An integer with its thousands set apart, a fraction with two digits behind the point."""
    exact = Fraction(value)
    return f"{int(exact):,}" if exact.denominator == 1 else f"{float(exact):,.2f}"


def exact_text(value: Fraction) -> str:
    """As `number_text` where two digits are all there are, else the fraction and its decimals."""
    if 100 % value.denominator == 0:
        return number_text(value)
    return f"{value.numerator}/{value.denominator} ({float(value):.12g})"
