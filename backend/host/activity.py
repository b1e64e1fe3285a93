"""Layers that cannot learn: those that never spike, and those whose gradient is zero."""

from __future__ import annotations

from collections.abc import Iterator

from spikeloom.backend.host.plan import LayerPlan, Plan
from spikeloom.backend.host.progress import Progress
from spikeloom.diagnostics import Diagnostic, Severity, SourceLocation

SILENT_REMEDY = "lower its threshold, raise its decay, or feed it more spikes"
FLAT_REMEDY = "widen its surrogate, or bring its threshold closer to its potentials"


def inactive_layers(plan: Plan, progress: Progress) -> Iterator[tuple[str, Diagnostic]]:
    """Warnings for the epoch that has just been run, each with a name for `progress.warned`.

    A layer that has been warned about stays out.
    """
    running, epoch = progress.running, progress.epoch + 1
    for layer in plan.layers:
        name = f"silent {layer.name}"
        if running.spikes.get(layer.name, 1) == 0 and name not in progress.warned:
            message = f"layer `{layer.name}` never spiked during epoch {epoch}"
            yield name, _warning("W0501", message, layer, SILENT_REMEDY)
        name = f"flat {layer.name}"
        if running.gradients.get(layer.name, 1) == 0 and name not in progress.warned:
            message = f"the gradient of layer `{layer.name}` was zero during all of epoch {epoch}"
            yield name, _warning("W0502", message, layer, FLAT_REMEDY)


def _warning(code: str, message: str, layer: LayerPlan, help: str) -> Diagnostic:
    place = _location(layer.location)
    return Diagnostic(code, message, place, help, Severity.WARNING)


def _location(text: str) -> SourceLocation | None:
    """The location that `file:line:col` spells, or None."""
    file, _, rest = text.rpartition(":")
    file, _, line = file.rpartition(":")
    if not (file and line.isdecimal() and rest.isdecimal()):
        return None
    return SourceLocation(file, int(line), int(rest))
