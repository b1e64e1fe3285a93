"""What the numbers of an instruction may be, and which optional roles they call for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from spikeloom.backend.stream.records import Instruction
from spikeloom.backend.validation.violation import Violation

RECTANGLE, TRIANGLE, FAST_SIGMOID, ARCTANGENT = 0.0, 1.0, 2.0, 3.0
RESET_ZERO, RESET_SUBTRACT, RESET_NONE = 0.0, 1.0, 2.0


@dataclass(frozen=True)
class Limit:
    """What an immediate may be: a test and its wording."""

    holds: Callable[[float], bool]
    wording: str


def _one_of(*choices: float) -> Limit:
    return Limit(
        lambda value: value in choices, f"one of {', '.join(f'{choice:g}' for choice in choices)}"
    )


MAX_SIZE, MAX_POOL, MAX_HOPS = 2**24, 2**10, 2**11
"""Of an image, whose numbers are exact in single precision; of a pool's window; of a way through
the largest mesh."""


def _whole(least: int, most: int = MAX_SIZE) -> Limit:
    return Limit(
        lambda value: value.is_integer() and least <= value <= most,
        f"a whole number from {least} to {most}",
    )


_PART = Limit(lambda value: 0 <= value < 1, "at least 0 and less than 1")
LIMITS: dict[str, Limit] = {
    "surrogate": _one_of(RECTANGLE, TRIANGLE, FAST_SIGMOID, ARCTANGENT),
    "reset": _one_of(RESET_ZERO, RESET_SUBTRACT, RESET_NONE),
    "detach_reset": _one_of(0.0, 1.0),
    "dense": _one_of(0.0, 1.0),
    "skip_input": _one_of(0.0, 1.0),
    "skip_output": _one_of(0.0, 1.0),
    "shape": Limit(lambda value: value > 0, "greater than 0"),
    "beta1": _PART,
    "beta2": _PART,
    "kernel": _whole(1, MAX_POOL),
    "kernel_width": _whole(1),
    "stride": _whole(1),
    "input_width": _whole(1),
    "output_width": _whole(1),
    "top": _whole(-MAX_POOL),
    "left": _whole(-MAX_POOL),
    "crossbar_rows": _whole(0),
    "hops": _whole(0, MAX_HOPS),
    "transfer": _whole(0),
    "follows": _one_of(0.0, 1.0),
}
"""By name, whatever the instruction; immediates that are not listed are any finite number."""


def check_numbers(instruction: Instruction) -> Iterator[Violation]:
    """The rules about immediates, and about optional roles that depend on them."""
    numbers = dict(
        zip((n.name for n in instruction.spec.immediates), instruction.immediates, strict=True)
    )
    for name, value in numbers.items():
        limit = LIMITS.get(name)
        if limit is not None and not limit.holds(value):
            message = f"`{name}` is {value!r}, it must be {limit.wording}"
            yield Violation(message, instruction.index)
    present = {operand.role.name for operand in instruction.operands}
    match instruction.spec.name:
        case "fire" | "fire_again":
            missing = _missing_of_fire(numbers, present)
        case "fire_gradient":
            missing = _missing_of_fire_gradient(numbers, present)
        case _:
            missing = []
    for message in missing:
        yield Violation(message, instruction.index)


def _missing_of_fire(numbers: dict[str, float], present: set[str]) -> list[str]:
    """`fire` continues from a previous state only where it has all of it."""
    if "previous_spikes" in present and "previous_potential" not in present:
        return ["`previous_spikes` needs `previous_potential` beside it"]
    continues = "previous_potential" in present and numbers["reset"] != RESET_NONE
    if continues and "previous_spikes" not in present:
        return ["`previous_potential` needs `previous_spikes`, because spikes reset it"]
    return []


def _missing_of_fire_gradient(numbers: dict[str, float], present: set[str]) -> list[str]:
    """The recursion of design section 3 reads what its reset and its surrogate depend on."""
    missing: list[str] = []
    if numbers["reset"] == RESET_ZERO:
        if "spikes" not in present:
            missing.append("a reset to zero needs `spikes`")
        if numbers["detach_reset"] == 0 and "potential" not in present:
            missing.append("the gradient of a reset to zero needs `potential`")
    if numbers["surrogate"] == RECTANGLE:
        if not present & {"mask", "potential"}:
            missing.append("the rectangle surrogate needs `mask` or `potential`")
    elif "potential" not in present:
        missing.append("this surrogate needs `potential`")
    return missing
