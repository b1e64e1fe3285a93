"""Which work the Backward Engine leaves out: one attribute on the gradients of inputs.

`skip = #bptt<skip dual>`: products with a gradient that is zero (`input`, as seen from the
engine), results that a mask says nobody reads (`output`), both, or none. Without the attribute
it is both. What is not left out takes time and energy; the result is the same.
"""

from __future__ import annotations

from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import Operation, SpacedOpaqueSyntaxAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.utils.str_enum import StrEnum

SKIP = "skip"
"""The name of the attribute on an operation."""


class Skip(StrEnum):
    """What is left out."""

    NONE = "none"
    INPUT = "input"
    OUTPUT = "output"
    DUAL = "dual"

    @property
    def skips_input(self) -> bool:
        """Whether gradients that are zero are left out."""
        return self in (Skip.INPUT, Skip.DUAL)

    @property
    def skips_output(self) -> bool:
        """Whether masked results are left out."""
        return self in (Skip.OUTPUT, Skip.DUAL)


@irdl_attr_definition
class SkipAttr(EnumAttribute[Skip], SpacedOpaqueSyntaxAttribute):
    """`#bptt<skip dual>`."""

    name = "bptt.skip"


def skip_of(op: Operation) -> Skip:
    """What the engine leaves out of an operation; both kinds unless it says otherwise."""
    found = op.attributes.get(SKIP)
    return found.data if isinstance(found, SkipAttr) else Skip.DUAL
