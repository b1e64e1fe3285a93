"""What a crossbar and its tile can hold, and what a cluster needs of it."""

from __future__ import annotations

from dataclasses import dataclass, fields

from spikeloom.diagnostics import DiagnosticError, error

LARGEST = 2**24
"""More than any network has neurons; crosspoints may be the square of it."""


@dataclass(frozen=True)
class Limits:
    """Bounds of one crossbar; None where there is none.

    Attributes:
        inputs: distinct neurons that feed it, its own included.
        outputs: neurons that it computes.
        crosspoints: synapses that it holds.
        fan_in: inputs of one neuron, at most `inputs`; more are unrolled into a chain.
        destinations: clusters that the spikes of one of its neurons reach, its own included.
        input_buffer: spikes that enter in one time step, at worst one from every input.
        output_buffer: spikes that leave in one time step, at worst one from every neuron.
    """

    inputs: int = 128
    outputs: int = 128
    crosspoints: int | None = None
    fan_in: int | None = None
    destinations: int | None = None
    input_buffer: int | None = None
    output_buffer: int | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value: int | None = getattr(self, field.name)
            most = LARGEST**2 if field.name == "crosspoints" else LARGEST
            if value is not None and not 1 <= value <= most:
                message = f"a crossbar's `{field.name}` lies in [1, {most}], got {value}"
                raise error("E0306", message, help=f"choose for instance {field.name}=128")
        if self.fan_in is not None and self.fan_in > self.inputs:
            message = f"a `fan_in` of {self.fan_in} exceeds the crossbar's {self.inputs} inputs"
            raise error("E0306", message, help=f"at most fan_in={self.inputs}")

    @property
    def most_inputs(self) -> int:
        """Inputs that crossbar and buffer take together."""
        return self.inputs if self.input_buffer is None else min(self.inputs, self.input_buffer)

    @property
    def most_outputs(self) -> int:
        """Outputs that crossbar and buffer take together."""
        return self.outputs if self.output_buffer is None else min(self.outputs, self.output_buffer)

    @property
    def most_crosspoints(self) -> int:
        """Synapses that fit; a number beyond every network's where there is no bound."""
        return LARGEST**2 if self.crosspoints is None else self.crosspoints

    @property
    def longest(self) -> int:
        """Inputs of one neuron that fit without unrolling."""
        return self.narrowest[1]

    @property
    def narrowest(self) -> tuple[str, int]:
        """The limit that bounds the inputs of one neuron, and its value."""
        bounds = {
            "inputs": self.inputs,
            "fan_in": self.fan_in,
            "crosspoints": self.crosspoints,
            "input_buffer": self.input_buffer,
        }
        known = [(name, bound) for name, bound in bounds.items() if bound is not None]
        return min(known, key=lambda each: each[1])


def too_wide(neuron: str, fan_in: int, limits: Limits) -> DiagnosticError:
    """The error for a neuron with more inputs than fit, where unrolling is not wanted."""
    name, bound = limits.narrowest
    return error(
        "E0306",
        f"{neuron} has {fan_in} inputs, but a crossbar takes {bound} of one ({name}={bound})",
        help="let it be unrolled (unroll=auto), or use a crossbar that takes more",
    )


def no_chain(neuron: str, fan_in: int, limits: Limits) -> DiagnosticError:
    """The error for a neuron with several inputs where a crossbar takes a single one."""
    name, _ = limits.narrowest
    return error(
        "E0306",
        f"{neuron} has {fan_in} inputs, and {name}=1 leaves no room for a chain of partial sums",
        help=f"{name} of at least 2",
    )
