"""What a crossbar and its tile can hold, and what a cluster needs of it."""

from __future__ import annotations

from dataclasses import dataclass

from spikeloom.diagnostics import DiagnosticError, error


@dataclass(frozen=True)
class Limits:
    """Bounds of one crossbar; None where there is none.

    Attributes:
        inputs: distinct neurons that feed it, its own included.
        outputs: neurons that it computes.
        crosspoints: synapses that it holds.
        fan_in: inputs of one neuron, at most `inputs`; more are unrolled into a chain.
        destinations: clusters that the spikes of one neuron reach.
    """

    inputs: int = 128
    outputs: int = 128
    crosspoints: int | None = None
    fan_in: int | None = None
    destinations: int | None = None

    def __post_init__(self) -> None:
        for name in ("inputs", "outputs", "crosspoints", "fan_in", "destinations"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise error("E0306", f"a crossbar's `{name}` must be at least 1, got {value}")
        if self.fan_in is not None and self.fan_in > self.inputs:
            raise error(
                "E0306",
                f"a fan-in of {self.fan_in} exceeds the crossbar's {self.inputs} inputs",
                help=f"at most fan_in={self.inputs}",
            )

    @property
    def longest(self) -> int:
        """Inputs of one neuron that fit without unrolling."""
        bounds = [self.inputs, self.fan_in, self.crosspoints]
        return min(bound for bound in bounds if bound is not None)


def too_wide(neuron: str, fan_in: int, limit: int) -> DiagnosticError:
    """The error for a neuron with more inputs than fit, where unrolling is not wanted."""
    return error(
        "E0306",
        f"{neuron} has {fan_in} inputs, but a crossbar takes {limit} of one neuron",
        help="let it be unrolled (unroll=true), or use a crossbar with more inputs",
    )
