"""Reading a profile for a training step, and refusing one that cannot be of this program.

What is declared of all layers alike says the same of the same values, and is refused nowhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from pydantic import ValidationError
from xdsl.ir import Operation, SSAValue

from spikeloom.diagnostics import DiagnosticError, did_you_mean, error
from spikeloom.dialects import bptt
from spikeloom.dialects.activity_profile import (
    ActivityProfile,
    LayerActivity,
    Share,
    share_density,
)
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp, IntegrateGradientOp, IntegrateOp
from spikeloom.dialects.declared_shares import DeclaredShares
from spikeloom.dialects.locations import location_of

MAX_PROFILE_BYTES = 2**26

ANOTHER = "was it written by a run of another program, or with other sizes?"
WRITE_ONE = "`spikeloom run PROGRAM --json FILE` writes one"

Measured = dict[SSAValue, Fraction]
"""Measured or declared densities of values."""


def read_profile(path: str) -> ActivityProfile:
    """The profile in the JSON result of a run.

    Raises:
        DiagnosticError: the file cannot be read (E0401), or is no result with a profile (E0407).
    """
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_PROFILE_BYTES + 1)
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else problem
        raise error("E0401", f"cannot read `{path}`: {reason}", help=WRITE_ONE) from None
    if len(data) > MAX_PROFILE_BYTES:
        raise refused(path, "it is larger than any result of a run", WRITE_ONE)
    try:
        result: Any = json.loads(data)
    except (ValueError, RecursionError):
        raise refused(path, "it is not JSON", WRITE_ONE) from None
    if not (isinstance(result, dict) and "profile" in result):
        raise refused(path, "it is JSON, but has no `profile`", WRITE_ONE)
    try:
        # Through JSON once more, since strict validation knows lists of JSON as pairs.
        return ActivityProfile.model_validate_json(json.dumps(result["profile"]))
    except (ValidationError, ValueError, RecursionError) as problem:
        raise refused(path, _first_problem(problem), WRITE_ONE) from None


def measured_densities(profile: ActivityProfile, step: bptt.StepOp, path: str) -> Measured:
    """What the profile says of the values of a step.

    Raises:
        DiagnosticError: E0407, the profile's layers or sizes are not those of the step.
    """
    _check_layers(profile, step, path)
    steps = step.steps.value.data
    if profile.steps != steps:
        words = f"it is of {profile.steps} time steps, but @{step.sym_name.data} has {steps}"
        raise refused(path, words, ANOTHER, step)
    samples: int | None = None
    found: Measured = {}
    for what, value, share in _entries(profile, step):
        cells = steps * bptt.unit_count(value.type)
        samples = share[1] // cells if samples is None else samples
        # Every entry counts whole samples, and of the input all of them.
        if share[1] % cells or share[1] // cells > samples:
            words = f"{what} cannot have {share[1]} cells, but has {cells} in each sample"
            raise refused(path, words, ANOTHER, step)
        if (density := share_density(share)) is not None:
            found[value] = density
    return found


def declared_densities(declared: DeclaredShares, step: bptt.StepOp) -> Measured:
    """What is declared of the values of a step, the same for all layers."""
    found: Measured = {}

    def say(value: SSAValue | None, share: float | None) -> None:
        if value is not None and share is not None:
            found[value] = Fraction(share)

    say(step.body.block.args[0], declared.input)
    for op in step.walk():
        match op:
            case FireOp():
                say(op.spikes, declared.spikes)
                say(op.mask, declared.mask)
            case FireGradientOp() | IntegrateGradientOp():
                say(op.results[0], declared.gradients)
            case _:
                pass
    return found


def _check_layers(profile: ActivityProfile, step: bptt.StepOp, path: str) -> None:
    name = step.sym_name.data
    if profile.network != name:
        words = f"it is of the network `{profile.network}`, not of `{name}`"
        raise refused(path, words, ANOTHER, step)
    layers: dict[str, bool] = {}
    for op in step.walk():
        if isinstance(op, FireOp | IntegrateOp):
            layers[op.layer.data] = isinstance(op, FireOp)
    for layer in profile.layers:
        if layer not in layers:
            words = f"`{name}` has no layer `{layer}`"
            raise refused(path, words, did_you_mean(layer, layers) if layers else ANOTHER, step)
    for layer, spikes in layers.items():
        if spikes and layer not in profile.layers:
            raise refused(path, f"it says nothing of the layer `{layer}`", ANOTHER, step)


def _entries(profile: ActivityProfile, step: bptt.StepOp) -> Iterator[tuple[str, SSAValue, Share]]:
    """What the profile counted, beginning with the input: its name, its value and the share."""
    yield "the input", step.body.block.args[0], profile.input
    nothing = LayerActivity()
    for op in step.walk():
        match op:
            case FireOp():
                activity = profile.layers[op.layer.data]
                yield f"the spikes of `{op.layer.data}`", op.spikes, activity.spikes
                if op.mask is not None:
                    yield f"the mask of `{op.layer.data}`", op.mask, activity.mask
            case FireGradientOp() | IntegrateGradientOp():
                activity = profile.layers.get(op.layer.data, nothing)
                yield f"the gradient of `{op.layer.data}`", op.results[0], activity.gradients
            case _:
                pass


def outside_bounds(
    path: str, value: SSAValue, measured: Fraction, least: float, most: float
) -> DiagnosticError:
    """The error for a measurement that no run of this program can have given."""
    owner = value.owner
    op = owner if isinstance(owner, Operation) else owner.parent_op()
    assert op is not None
    what = f"a result of {op.name}" if isinstance(owner, Operation) else "the input"
    words = f"{what} has a density in [{least:.6g}, {most:.6g}], never {float(measured):.6g}"
    help = f"{ANOTHER} or does `input` promise too little?"
    return refused(path, words, help, op)


def _first_problem(problem: Exception) -> str:
    if not isinstance(problem, ValidationError):
        return str(problem)
    first = problem.errors(include_url=False, include_input=False)[0]
    field = ".".join(["profile", *map(str, first["loc"])])
    return f"`{field}` is not valid: {first['msg']}"


def refused(path: str, words: str, help: str, op: Operation | None = None) -> DiagnosticError:
    """The error for a profile that is not what it should be."""
    location = None if op is None else location_of(op)
    return error("E0407", f"the profile `{path}` cannot be used: {words}", location, help)
