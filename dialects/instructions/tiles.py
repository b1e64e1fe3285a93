"""The instructions of a machine of crossbars: a part of the table in `instruction_set`.

A tile works through the clusters that are bound to it. One firing of a cluster is: `receive` from
every channel that feeds it, `reserve` room in every channel that it feeds, `run_tile`, which takes
the time of a crossbar pass, `update_neurons`, `emit` to every channel, `release` what it received.
All but `run_tile` take no time: they are what the sequencer of a tile does around a pass. A
connection carries what lies in the output buffer of one tile to the input buffer of another.

Routes are lists of cell numbers; a number that is no cell of the buffer is passed over.
"""

from __future__ import annotations

from spikeloom.dialects.instructions.spec import (
    ONE,
    Element,
    Engine,
    Immediate,
    InstructionSpec,
    Role,
)

MOVED_CELLS, TARGET_CELLS, SOURCE_CELLS = "moved_cells", "target_cells", "source_cells"
CROSSPOINTS, INPUT_ROWS, CROSSBAR_COLUMNS = "crosspoints", "input_rows", "crossbar_columns"
NEURONS, NEURON_NUMBERS = "neurons", "neuron_numbers"

_BIT, _F32, _I32 = (Element.BIT,), (Element.F32,), (Element.I32,)
_PLAIN = (Element.BIT, Element.F32)
_WORDS = (Element.F32, Element.I32)
_MOVED = ("planes", "groups", "rows", "columns")


def _row(name: str, cells: str, elements: tuple[Element, ...], **flags: bool) -> Role:
    return Role(name, elements, (ONE, ONE, ONE, cells), **flags)


_HOPS = (
    Immediate("hops", "links on the way, for the time and for counting"),
    Immediate("transfer", "cycles of the token's bits on what the connection has of bandwidths"),
    Immediate("follows", "1 for cells that belong to the token sent before: no time of their own"),
)

TILE_INSTRUCTIONS: tuple[InstructionSpec, ...] = (
    InstructionSpec(
        "program_tile",
        Engine.TILE,
        _MOVED,
        (Role("target", _WORDS, _MOVED),),
        (Role("source", _WORDS, _MOVED, dram=True),),
        "writes weights, or what belongs to them, into a crossbar",
        (Immediate("crossbar_rows", "rows that are written, one after another; 0 of a table"),),
    ),
    InstructionSpec(
        "reserve",
        Engine.TILE,
        _MOVED,
        (Role("target", _PLAIN, _MOVED),),
        (),
        "takes the next place of a buffer, when it is free, and fills it with zeros",
    ),
    InstructionSpec(
        "take_input",
        Engine.TILE,
        (MOVED_CELLS, TARGET_CELLS, SOURCE_CELLS),
        (_row("target", TARGET_CELLS, _BIT, updates=True),),
        (
            _row("source", SOURCE_CELLS, _BIT, dram=True),
            _row("taken", MOVED_CELLS, _I32),
            _row("placed", MOVED_CELLS, _I32),
        ),
        "puts cell taken[i] of the network's input to placed[i] of the crossbar's",
    ),
    InstructionSpec(
        "receive",
        Engine.TILE,
        (MOVED_CELLS, TARGET_CELLS),
        (_row("target", TARGET_CELLS, _PLAIN, updates=True),),
        (_row("source", MOVED_CELLS, _PLAIN), _row("placed", MOVED_CELLS, _I32)),
        "puts cell i of a buffer to placed[i]: spikes to input rows, partial sums to columns",
    ),
    InstructionSpec(
        "run_tile",
        Engine.TILE,
        (CROSSPOINTS, INPUT_ROWS, CROSSBAR_COLUMNS),
        (_row("sums", CROSSBAR_COLUMNS, _F32),),
        (
            _row("spikes", INPUT_ROWS, _BIT),
            _row("starts", CROSSBAR_COLUMNS, _F32),
            _row("rows", CROSSPOINTS, _I32),
            _row("columns", CROSSPOINTS, _I32),
            _row("weight", CROSSPOINTS, _F32),
        ),
        "every column starts with its bias or a partial sum; then each crosspoint in turn adds its"
        " weight to its column if its row has a spike",
    ),
    InstructionSpec(
        "update_neurons",
        Engine.TILE,
        (NEURONS, CROSSBAR_COLUMNS, NEURON_NUMBERS),
        (
            _row("spikes", NEURONS, _BIT),
            _row("value", NEURONS, _F32),
            _row("potential", NEURONS, _F32, updates=True),
        ),
        (
            _row("sums", CROSSBAR_COLUMNS, _F32),
            _row("owner", CROSSBAR_COLUMNS, _I32),
            Role("numbers", _F32, (ONE, ONE, NEURON_NUMBERS, NEURONS)),
        ),
        "adds up the columns of each neuron in ascending order; then by its numbers (kind, decay,"
        " threshold, reset) kind 0 fires, 1 integrates, 2 does neither; `value` is the potential"
        " before the reset, or the sum",
    ),
    InstructionSpec(
        "emit",
        Engine.TILE,
        (MOVED_CELLS, SOURCE_CELLS),
        (_row("target", MOVED_CELLS, _PLAIN, updates=True),),
        (_row("source", SOURCE_CELLS, _PLAIN), _row("taken", MOVED_CELLS, _I32)),
        "puts cell taken[i] to i of a buffer: spikes or partial sums for another crossbar",
    ),
    InstructionSpec(
        "collect",
        Engine.TILE,
        (MOVED_CELLS,),
        (_row("target", MOVED_CELLS, _PLAIN, dram=True),),
        (_row("source", MOVED_CELLS, _PLAIN),),
        "copies what the neurons of a cluster did to DRAM, for the host",
    ),
    InstructionSpec(
        "release",
        Engine.TILE,
        (MOVED_CELLS,),
        (),
        (_row("source", MOVED_CELLS, _PLAIN),),
        "gives back a place of an input buffer: its cells have been used",
    ),
    InstructionSpec(
        "send",
        Engine.NETWORK,
        (MOVED_CELLS,),
        (_row("target", MOVED_CELLS, _PLAIN),),
        (_row("source", MOVED_CELLS, _PLAIN),),
        "carries a token from an output buffer to the input buffer of another tile",
        _HOPS,
    ),
)
