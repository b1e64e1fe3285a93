"""`lower-to-engine`: every operation of a training step becomes a loop nest of instructions.

Values live in DRAM; a nest loads tiles, computes on chip and stores. Tiles are as large as the
machine's memories allow, so the stream's length depends on layers and tiles, never on the number
of steps or samples. A scan becomes a loop over time around the nests of its body.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, Region
from xdsl.passes import ModulePass

from spikeloom.diagnostics import error
from spikeloom.dialects import bptt
from spikeloom.dialects.bptt.neurons import FireGradientOp, FireOp, IntegrateGradientOp, IntegrateOp
from spikeloom.dialects.bptt.scan import ScanOp, YieldOp
from spikeloom.dialects.engine import BufferOp, MachineOp, ProgramOp
from spikeloom.dialects.instruction_set import Element, buffer_bytes
from spikeloom.dialects.locations import location_of
from spikeloom.dialects.schedule import group_of, is_recomputed, is_serial
from spikeloom.dialects.snn import ParameterOp
from spikeloom.passes.engine.addresses import Overflow
from spikeloom.passes.engine.elementwise import (
    lower_add,
    lower_fire,
    lower_fire_gradient,
    lower_integrate,
    lower_integrate_gradient,
)
from spikeloom.passes.engine.group_program import PLANS, write_groups
from spikeloom.passes.engine.interface import interface_of
from spikeloom.passes.engine.layers import layers_of
from spikeloom.passes.engine.layout import Home, parameter_shape
from spikeloom.passes.engine.margins import clears, shift_positions
from spikeloom.passes.engine.matrices import (
    lower_bias_gradient,
    lower_input_gradient,
    lower_synapse,
    lower_weight_gradient,
)
from spikeloom.passes.engine.memory import TileMemory
from spikeloom.passes.engine.normalization import (
    lower_moments,
    lower_normalize,
    lower_normalize_gradient,
    lower_scale_gradient,
    lower_update_running,
)
from spikeloom.passes.engine.objective import lower_loss, lower_readout, lower_readout_gradient
from spikeloom.passes.engine.optimizers import OptimizerState, lower_optimize
from spikeloom.passes.engine.placement import lay_out
from spikeloom.passes.engine.pools import lower_pool, lower_pool_gradient
from spikeloom.passes.engine.reshaping import lower_concatenate, lower_reshape, lower_slice
from spikeloom.passes.engine.writer import Clock, Writer
from spikeloom.passes.schedule.group_refusal import group_refusal


@dataclass(frozen=True)
class LowerToEnginePass(ModulePass):
    """Replaces every `bptt.step` by an `engine.program` for the module's `engine.machine`.

    An `snn.interface` before it keeps what the program does not say and the host must know.

    Raises:
        DiagnosticError: there is no machine (E0204), an operation has no lowering (E0204), or the
            machine is too small (E0302).
    """

    name = "lower-to-engine"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        machine = next((m for m in op.ops if isinstance(m, MachineOp)), None)
        if machine is None:
            raise error(
                "E0204",
                "lower-to-engine finds no engine.machine in the module",
                location_of(op),
                "run it with spikeloom-opt, which adds one (--machine FILE chooses), or write one",
            )
        for step in [step for step in op.ops if isinstance(step, bptt.StepOp)]:
            program = _lowered(step, machine.sizes()).program()
            block = step.parent
            assert block is not None
            block.insert_op_before(program, step)
            if (interface := interface_of(step)) is not None:
                block.insert_op_before(interface, program)
            step.detach()
            step.erase(safe_erase=False)


def fits_in_groups(step: bptt.StepOp, memories: Mapping[str, int]) -> bool:
    """Whether a step can be lowered group by group, as its attributes say."""
    return isinstance(_in_groups(step, memories), _Lowering)


def _lowered(step: bptt.StepOp, memories: Mapping[str, int]) -> _Lowering:
    """The step with everything written, as its attributes say."""
    if (group := group_of(step)) is None:
        lowering = _Lowering(step, memories)
        for op in step.body.block.ops:
            lowering.lower(op)
        return lowering
    found = _in_groups(step, memories)
    if isinstance(found, _Lowering):
        return found
    raise group_refusal(step, group, memories, found)


def _in_groups(step: bptt.StepOp, memories: Mapping[str, int]) -> _Lowering | Overflow | Operation:
    """The step written by the fastest plan that fits, else what is in the way of the smallest."""
    obstacle: Overflow | Operation = step
    for plan in PLANS:
        lowering = _Lowering(step, memories)
        found = write_groups(lowering.writer, step, memories, lowering.lower, plan)
        if found is None:
            return lowering
        obstacle = found
    return obstacle


class _Lowering:
    """One step on its way to a program."""

    def __init__(self, step: bptt.StepOp, memories: Mapping[str, int]):
        self.step = step
        self.layout = lay_out(step)
        self.parameters = {name: self._parameter_home(op) for name, op in step.parameters().items()}
        memory = TileMemory.of(step, memories)
        self.layers = layers_of(step)
        self.writer = Writer(self.layout, memory, Clock(step.steps.value.data), self.layers)
        self.state = OptimizerState(self.writer)

    def program(self) -> ProgramOp:
        """What was written: buffers first, then the zeros around values, then the nests."""
        block = self.writer.body
        homes = self.layout.homes
        shift_positions(block, homes)
        layers = self._layers_of_homes()
        zeros = [clear for home in homes for clear in clears(home, self.step, layers[home.name])]
        front = [*self._dram_buffers(), *self.writer.tile_buffers, *zeros]
        if block.first_op is None:
            block.add_ops(front)
        else:
            block.insert_ops_before(front, block.first_op)
        program = ProgramOp(
            self.step.sym_name.data,
            self.layout.samples,
            self.layout.steps,
            Region(block),
            is_serial(self.step),
        )
        program.location = self.step.location
        return program

    def _layers_of_homes(self) -> Mapping[str, str]:
        """By name the layer that computes the values of a home; "" where none does."""
        found = {home.name: "" for home in self.layout.homes}
        for value, view in self.layout.views.items():
            name = view.home.name
            if isinstance(value.owner, Operation) and not found.get(name):
                found[name] = self.layers.get(value.owner, "")
        return found

    def _parameter_home(self, op: ParameterOp) -> Home:
        shape = parameter_shape(op.type.get_shape())
        home = self.layout.new_home(op.sym_name.data, Element.F32, shape, False)
        home.role = ("parameter", op.sym_name.data)
        return home

    def _dram_buffers(self) -> list[BufferOp]:
        buffers: list[BufferOp] = []
        offset = 0
        for home in self.layout.homes:
            shape = home.padded_shape
            buffer = BufferOp(home.name, home.element, shape, "dram", offset, home.role)
            buffer.location = self.step.location
            buffers.append(buffer)
            offset += buffer_bytes(home.element, shape)
        return buffers

    def lower(self, op: Operation) -> None:
        """Writes the nests of one operation."""
        writer = self.writer
        match op:
            case bptt.SynapseOp() | bptt.ConvolutionOp():
                lower_synapse(writer, op, self.parameters)
            case bptt.SynapseInputGradientOp() | bptt.ConvolutionInputGradientOp():
                lower_input_gradient(writer, op, self.parameters)
            case bptt.SynapseWeightGradientOp() | bptt.ConvolutionWeightGradientOp():
                lower_weight_gradient(writer, op)
            case bptt.BiasGradientOp():
                lower_bias_gradient(writer, op)
            case bptt.AddOp():
                lower_add(writer, op)
            case FireOp():
                if not is_recomputed(op):
                    lower_fire(writer, op)
            case FireGradientOp():
                lower_fire_gradient(writer, op)
            case IntegrateOp():
                lower_integrate(writer, op)
            case IntegrateGradientOp():
                lower_integrate_gradient(writer, op)
            case bptt.ReadoutOp():
                lower_readout(writer, op)
            case bptt.ReadoutGradientOp():
                lower_readout_gradient(writer, op)
            case bptt.LossOp():
                lower_loss(writer, op)
            case bptt.OptimizeOp():
                parameter = self.parameters[op.parameter.root_reference.data]
                lower_optimize(writer, op, parameter, self.state)
            case ScanOp():
                self._lower_scan(op)
            case bptt.DelayOp() | bptt.AdvanceOp():
                pass  # views of a home: the layout has done the work
            case ParameterOp() | bptt.ReportOp() | YieldOp():
                pass  # what they say is in the layout
            case _:
                self._lower_on_images(op)

    def _lower_on_images(self, op: Operation) -> None:
        writer = self.writer
        match op:
            case bptt.PoolOp():
                lower_pool(writer, op)
            case bptt.PoolGradientOp():
                lower_pool_gradient(writer, op)
            case bptt.ReshapeOp():
                lower_reshape(writer, op)
            case bptt.ConcatenateOp():
                lower_concatenate(writer, op)
            case bptt.SliceOp():
                lower_slice(writer, op)
            case bptt.MomentsOp():
                lower_moments(writer, op)
            case bptt.NormalizeOp():
                lower_normalize(writer, op, self.parameters)
            case bptt.ScaleGradientOp():
                lower_scale_gradient(writer, op)
            case bptt.NormalizeGradientOp():
                lower_normalize_gradient(writer, op, self.parameters)
            case bptt.UpdateRunningOp():
                lower_update_running(writer, op, self.parameters)
            case _:
                raise error("E0204", f"{op.name} has no lowering to the engine", location_of(op))

    def _lower_scan(self, scan: ScanOp) -> None:
        steps = self.layout.steps
        bounds = (steps - 1, -1, -1) if scan.is_backward else (0, steps, 1)
        whole = self.writer.clock
        with self.writer.loop(*bounds, "step", scan) as time:
            self.writer.clock = Clock(steps, time)
            for op in scan.body.block.ops:
                self.lower(op)
        self.writer.clock = whole
