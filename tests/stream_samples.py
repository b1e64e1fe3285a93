"""Streams for tests: one that obeys every rule, and random ones that are only well-formed."""

from __future__ import annotations

from hypothesis import strategies as st

from spikeloom.backend.stream.stream import (
    MAX_COPIES,
    MAX_LOOP_DEPTH,
    NO_LOOP,
    LoopExtent,
    Slice,
    Stream,
    StreamBuilder,
)
from spikeloom.dialects.instruction_set import (
    CROSSBAR_ENGINES,
    DIMENSIONS,
    INSTRUCTIONS,
    MAX_INSTANCES,
    MEMORIES,
    Element,
)

ON_CHIP_BYTES = {
    "weight_sram": 1 << 20,
    "spike_sram": 1 << 20,
    "state_sram": 1 << 20,
    "gradient_sram": 1 << 20,
}

TRAINING_STEP = """\
buffer @input : bit[4, 32, 1, 70] in dram at 0x00000000 role input
buffer @label : i32[1, 32, 1, 1] in dram at 0x00010000 role label
buffer @weight : f32[1, 1, 70, 130] in dram at 0x00020000 role parameter "hidden.weight"
buffer @spikes.out : bit[4, 32, 1, 130] in dram at 0x00040000 role spikes "hidden"
buffer @input.tile : bit[4, 32, 1, 70] in spike_sram at 0x00000000
buffer @weight.tile : f32[1, 1, 70, 64] in weight_sram at 0x00000000
buffer @current : f32[4, 32, 1, 130] in state_sram at 0x00000000
buffer @potential : f32[4, 32, 1, 130] in state_sram at 0x00020000
buffer @spikes : bit[4, 32, 1, 130] in spike_sram at 0x00004000
buffer @mask : bit[4, 32, 1, 130] in spike_sram at 0x00008000
buffer @readout : f32[1, 32, 1, 130] in state_sram at 0x00040000
buffer @readout.gradient : f32[1, 32, 1, 130] in state_sram at 0x00050000
buffer @label.tile : i32[1, 32, 1, 1] in state_sram at 0x00060000
buffer @loss : f32[1, 1, 1, 1] in state_sram at 0x00061000
buffer @correct : i32[1, 1, 1, 1] in state_sram at 0x00062000
buffer @spike.gradient : f32[4, 32, 1, 130] in gradient_sram at 0x00000000
buffer @gradient : f32[4, 32, 1, 130] in gradient_sram at 0x00020000
buffer @late : f32[4, 32, 1, 130] in state_sram at 0x00000000

load @input.tile[0, 0, 0, 0] = @input[0, 0, 0, 0] over planes 4, groups 32, rows 1, columns 70
load @label.tile[0, 0, 0, 0] = @label[0, 0, 0, 0] over planes 1, groups 32, rows 1, columns 1
clear @current[0, 0, 0, 0] over planes 4, groups 32, rows 1, columns 130
clear @loss[0, 0, 0, 0] over planes 1, groups 1, rows 1, columns 1
clear @correct[0, 0, 0, 0] over planes 1, groups 1, rows 1, columns 1
loop %0 = 0 to 130 step 64 loc "net.snn:3:14" {
  load @weight.tile[0, 0, 0, 0] = @weight[0, 0, 0, %0] over planes 1, groups 1, rows 70, columns %0 loc "net.snn:3:14" layer "hidden"
  loop %1 = 0 to 32 step 12 {
    accumulate @current[0, %1, 0, %0] += @input.tile[0, %1, 0, 0], @weight.tile[0, 0, 0, 0] over steps 4, samples %1, positions 1, input_positions 1, taps 1, inputs 70, outputs %0 with kernel_width 1, stride 1, input_width 1, output_width 1, top 0, left 0, dense 0 loc "net.snn:3:14" layer "hidden"
  }
}
fire @spikes[0, 0, 0, 0] = spikes, @mask[0, 0, 0, 0] = mask, @potential[0, 0, 0, 0] = potential from current @current[0, 0, 0, 0] over steps 1, samples 32, positions 1, units 130 with decay 0.5, threshold 0.5, reset 0, surrogate 0, shape 0.5, gain 1 layer "hidden"
loop %0 = 1 to 4 step 1 {
  fire @spikes[%0, 0, 0, 0] = spikes, @mask[%0, 0, 0, 0] = mask, @potential[%0, 0, 0, 0] = potential from current @current[%0, 0, 0, 0], previous_potential @potential[%0 - 1, 0, 0, 0], previous_spikes @spikes[%0 - 1, 0, 0, 0] over steps 1, samples 32, positions 1, units 130 with decay 0.5, threshold 0.5, reset 0, surrogate 0, shape 0.5, gain 1 layer "hidden"
}
store @spikes.out[0, 0, 0, 0] = @spikes[0, 0, 0, 0] over planes 4, groups 32, rows 1, columns 130
readout @readout[0, 0, 0, 0] = @spikes[0, 0, 0, 0] over steps 4, samples 32, positions 1, units 130 with scale 1
cross_entropy @loss[0, 0, 0, 0] += loss, @correct[0, 0, 0, 0] += correct, @readout.gradient[0, 0, 0, 0] = gradient from readout @readout[0, 0, 0, 0], label @label.tile[0, 0, 0, 0] over samples 32, units 130 with scale 0.03125
spread @spike.gradient[0, 0, 0, 0] = @readout.gradient[0, 0, 0, 0] over steps 4, samples 32, positions 1, units 130 with scale 1
fire_gradient @gradient[3, 0, 0, 0] = gradient from spike_gradient @spike.gradient[3, 0, 0, 0], spikes @spikes[3, 0, 0, 0], mask @mask[3, 0, 0, 0], potential @potential[3, 0, 0, 0] over steps 1, samples 32, positions 1, units 130 with decay 0.5, threshold 0.5, reset 0, surrogate 0, shape 0.5, gain 1, detach_reset 0
loop %0 = 2 to -1 step -1 {
  fire_gradient @gradient[%0, 0, 0, 0] = gradient from spike_gradient @spike.gradient[%0, 0, 0, 0], spikes @spikes[%0, 0, 0, 0], mask @mask[%0, 0, 0, 0], potential @potential[%0, 0, 0, 0], next_gradient @gradient[%0 + 1, 0, 0, 0] over steps %0, samples 32, positions 1, units 130 with decay 0.5, threshold 0.5, reset 0, surrogate 0, shape 0.5, gain 1, detach_reset 0
}
add @late[0, 0, 0, 0] = @spike.gradient[0, 0, 0, 0], @gradient[0, 0, 0, 0] over steps 4, samples 32, positions 1, units 130
"""  # noqa: E501
"""A training step with every means of the machine: tiles that are cut short, a layer that
reads its own previous step, a descending loop, and a buffer that reuses another's addresses."""

_NAMES = st.one_of(
    st.from_regex(r"[a-z][a-z0-9_.\-]{0,9}", fullmatch=True), st.text(min_size=1, max_size=6)
)
_INT32 = st.integers(-(2**31), 2**31 - 1)
_SCALES = st.just(1) | st.integers(1, 2**31 - 1)
_NUMBERS = st.floats(width=32, allow_nan=False, allow_infinity=False)
_TEXTS = st.one_of(st.just(""), st.just("net.snn:3:14"), st.text(max_size=6))


@st.composite
def well_formed_streams(draw: st.DrawFn) -> Stream:
    """Streams with any numbers in their fields; hardly any would pass the validator."""
    builder = StreamBuilder(serial=draw(st.booleans()))
    names = draw(st.lists(_NAMES, min_size=1, max_size=4, unique=True))
    shapes = st.tuples(*[st.integers(1, 1000)] * DIMENSIONS)
    for name in names:
        builder.buffer(
            name,
            draw(st.sampled_from(Element)),
            draw(shapes),
            draw(st.sampled_from(MEMORIES)),
            draw(st.integers(-(2**63), 2**63 - 1)),
            draw(st.tuples(_TEXTS, _TEXTS)),
            draw(st.just(1) | st.integers(1, MAX_COPIES)),
        )
    depth = 0
    for _ in range(draw(st.integers(0, 8))):
        match draw(st.sampled_from(["open", "close", "emit", "emit"])):
            case "open" if depth < MAX_LOOP_DEPTH:
                depth = 1 + builder.open_loop(
                    draw(_INT32), draw(_INT32), draw(_INT32), draw(_TEXTS)
                )
            case "close" if depth:
                builder.close_loop()
                depth -= 1
            case _:
                _draw_instruction(draw, builder, len(names), depth)
    for _ in range(depth):
        builder.close_loop()
    return builder.finish()


def _starts(depth: int) -> st.SearchStrategy[tuple[int, int, int]]:
    """Base, loop and scale along one dimension."""
    fixed = st.tuples(_INT32, st.just(NO_LOOP), st.just(1))
    return fixed | st.tuples(_INT32, st.integers(0, depth - 1), _SCALES) if depth else fixed


def _draw_instruction(draw: st.DrawFn, builder: StreamBuilder, buffers: int, depth: int) -> None:
    spec = draw(st.sampled_from(INSTRUCTIONS))
    extents: st.SearchStrategy[int | LoopExtent] = _INT32
    if depth:
        extents |= st.builds(LoopExtent, st.integers(0, depth - 1), _SCALES, _INT32)
    starts = st.tuples(*[_starts(depth)] * DIMENSIONS)
    slices = st.builds(
        lambda buffer, starts: Slice(buffer, *zip(*starts, strict=True)),
        st.integers(0, buffers - 1),
        starts,
    )
    builder.emit(
        spec.name,
        {
            role.name: draw(slices)
            for role in spec.roles
            if not role.optional or draw(st.booleans())
        },
        [draw(extents) for _ in spec.axes],
        [draw(_NUMBERS) for _ in spec.immediates],
        draw(_TEXTS),
        draw(_TEXTS),
        draw(st.integers(0, MAX_INSTANCES - 1)) if spec.engine in CROSSBAR_ENGINES else 0,
    )
