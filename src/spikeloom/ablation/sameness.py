"""Why a variant takes exactly what another one took: switched, but nothing there to switch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from spikeloom.ablation.experiment import Experiment
from spikeloom.ablation.variants import CHOSEN, Variant
from spikeloom.backend.snx.image import Image
from spikeloom.backend.stream.stream import NO_BUFFER, Stream
from spikeloom.dialects.instruction_set import OPCODES, SPECS

_MASKS = {"output": "none", "dual": "input"}
"""The sparsities that use masks, and what they are without any."""


@dataclass
class Remarks:
    """What to say of variants, in the order in which they are compiled."""

    experiment: Experiment
    _variants: dict[str, list[Variant]] = field(default_factory=dict[str, list[Variant]])
    _obstacles: dict[str, str] = field(default_factory=dict[str, str])

    def of(self, variant: Variant, image: Image) -> tuple[str, str]:
        """A digest of the instructions, and the remark; "" where there is nothing to say."""
        ((_, stream),) = image.streams
        digest = digest_of(stream)
        earlier = self._variants.setdefault(digest, [])
        remark = self._same(variant, earlier) if earlier else _unmasked(variant, stream)
        earlier.append(variant)
        return digest, remark

    def _same(self, variant: Variant, earlier: list[Variant]) -> str:
        nearest = min(earlier, key=lambda each: len(_differences(variant, each)))
        places = _differences(variant, nearest)
        names = ", ".join(nearest.choices[place] for place in places)
        reasons = dict.fromkeys(self._reason(variant, place) for place in places)
        return f"the same instructions as `{names}`: {'; '.join(reasons)}"

    def _reason(self, variant: Variant, place: int) -> str:
        """Why the choice of this switch makes no difference."""
        accumulation = variant.choices[0]
        if place == 0:
            if accumulation == CHOSEN:
                return "the cost model chooses that everywhere"
            return "spikes select no sum"
        if place == 1:
            return "no layer needs the gradient of its input"
        if accumulation not in self._obstacles:
            self._obstacles[accumulation] = self.experiment.why_no_groups(variant)
        return self._obstacles[accumulation]


def digest_of(stream: Stream) -> str:
    """Equal for streams whose instructions do the same; names and source places are left out."""
    instructions = stream.instructions.copy()
    instructions["location"] = 0
    parts = (instructions.tobytes(), stream.buffers.tobytes(), bytes([stream.serial]))
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _differences(variant: Variant, other: Variant) -> list[int]:
    pairs = zip(variant.choices, other.choices, strict=True)
    return [place for place, (own, others) in enumerate(pairs) if own != others]


def _unmasked(variant: Variant, stream: Stream) -> str:
    """What to say where masks are asked for and no instruction has one."""
    without = _MASKS.get(variant.choices[1])
    backward = stream.instructions[stream.instructions["opcode"] == OPCODES["backpropagate"]]
    role = [role.name for role in SPECS["backpropagate"].roles].index("mask")
    if without is None or np.any(backward["buffer"][:, role] != NO_BUFFER):
        return ""
    return f"as `{without}`: no gradient has one reader alone, neurons with a rectangular surrogate"
