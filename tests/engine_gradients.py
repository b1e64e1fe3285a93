"""A program's real way: text to IR to stream, validated, executed; and what it computed."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from reference_gradients import Batch, Gradients, Parameters
from snn_program import Lif, Network

from spikeloom.backend.accounts.owner import Ledger
from spikeloom.backend.execution.interpreter import Interpreter
from spikeloom.backend.host.images import extract, fill
from spikeloom.backend.host.parameters import from_buffer, to_buffer
from spikeloom.backend.machine.description import Machine, load_machine
from spikeloom.backend.stream.stream import OPCODE_LOOP, Stream, per_dimension
from spikeloom.backend.validation.validator import validate
from spikeloom.compiler import compile_stream
from spikeloom.default_pipeline import PREPARATION, expansion_text, pipeline_text
from spikeloom.dialects.instruction_set import Engine as InstructionEngine
from spikeloom.dialects.instruction_set import Shape
from spikeloom.frontend.program import parse_program


@lru_cache(maxsize=1)
def default_machine() -> Machine:
    """The bundled machine."""
    return load_machine()


def machine_with_memories(capacity: int) -> Machine:
    """The bundled machine with on-chip memories of `capacity` bytes each."""
    machine = default_machine()
    memories = {
        name: getattr(machine.memories, name).model_copy(update={"value": capacity})
        for name in machine.memory_bytes
    }
    smaller = machine.memories.model_copy(update=memories)
    return machine.model_copy(update={"memories": smaller})


class Engine:
    """One training stream of a network with its interpreter, on the bundled machine or another.

    `passes` stand before the lowering instead of the usual optimisations, where they are given.
    """

    def __init__(
        self,
        network: Network,
        machine: Machine | None = None,
        threads: int = 1,
        passes: str | None = None,
    ):
        machine = machine or default_machine()
        module = parse_program(network.text(), "random.snn")
        sizes = {"training": True, "steps": network.steps, "batch": network.batch}
        pipeline = pipeline_text(**sizes)
        if passes is not None:
            prepared = PREPARATION.format(expand=expansion_text(**sizes))
            pipeline = ",".join(filter(None, (prepared, passes, "lower-to-engine")))
        stream = compile_stream(module, machine, pipeline)
        validated = validate(stream, machine.memory_bytes)
        self.network = network
        self.stream: Stream = validated.stream
        self._interpreter = Interpreter(validated, machine, threads)

    def loops_that_repeat(self) -> int:
        """Loops of more than one iteration: over time, and over tiles where there are several."""
        instructions = self.stream.instructions
        loops = instructions[instructions["opcode"] == OPCODE_LOOP]["loop"]
        return sum(len(range(*map(int, bounds))) > 1 for bounds in loops)

    def write_parameters(self, parameters: Parameters) -> None:
        for name, tensor in parameters.items():
            self._interpreter.write(self._index("parameter", name), to_buffer(tensor))

    def read_parameters(self) -> dict[str, np.ndarray]:
        return {name: self._read("parameter", name) for name in self.network.parameter_shapes}

    def run(self, batch: Batch) -> Gradients:
        """One training step: the parameters are updated, the gradients are those before."""
        network = self.network
        leading = (network.steps, network.batch)
        signal, label = self._index("input"), self._index("label")
        cells = batch.signal.reshape(*leading, -1)
        self._interpreter.write(signal, fill(self._shape(signal), cells, batch.signal.shape[2:]))
        labels = np.zeros(self._shape(label), np.int32)
        labels[0, :, 0, 0] = batch.labels
        self._interpreter.write(label, labels)
        self._result = self._interpreter.run()
        spikes = {
            name: extract(
                self._interpreter.read(self._index("spikes", name)),
                network.steps,
                network.shape(layer),
            )
            for layer, name in network.layer_names.items()
            if isinstance(layer, Lif)
        }
        return Gradients(
            loss=self._interpreter.read(self._index("loss")).item(),
            correct=self._interpreter.read(self._index("correct")).item(),
            spikes=spikes,
            gradients={name: self._read("gradient", name) for name in network.trained_shapes},
            running={name: self._read("parameter", name) for name in network.running_shapes},
        )

    def counters(self) -> dict[str, int]:
        """All counters of the last run, by name."""
        return self._result.counters()

    def ledger(self) -> Ledger:
        """What the last run counted, by engine, layer and place."""
        return self._result.totals().ledger()

    def neuron_counts(self) -> dict[str, np.ndarray]:
        """What the neuron unit counted in the last run, by layer."""
        counts: dict[str, np.ndarray] = {}
        for owner, row in self._result.totals().per_owner().items():
            if owner.engine is InstructionEngine.NEURON:
                counts[owner.layer] = counts.get(owner.layer, 0) + row
        return counts

    def _index(self, kind: str, subject: str = "") -> int:
        index = self.stream.find(kind, subject)
        assert index is not None, f"the stream has no {kind} {subject}"
        return index

    def _shape(self, index: int) -> Shape:
        return per_dimension(self.stream.buffers[index]["shape"].tolist())

    def _read(self, kind: str, name: str) -> np.ndarray:
        cells = self._interpreter.read(self._index(kind, name))
        return from_buffer(cells, self.network.parameter_shapes[name])
