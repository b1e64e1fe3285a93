"""The assembly: a text that a person reads, and that is exactly one stream.

    buffer @input : bit[16, 64, 1, 64] in spike_sram at 0x00000000 role input
    buffer @hidden.current : f32[16, 64, 1, 128] in state_sram at 0x00000000

    loop %0 = 0 to 64 step 16 loc "digits.snn:3:14" {
      accumulate @hidden.current[0, %0, 0, 0] += @input[0, %0, 0, 0], @hidden.weight[0, 0, 0, 0]
        over steps 16, samples %0, positions 1, input_positions 1, taps 1, inputs 64, outputs 128
        with kernel_width 1, stride 1, input_width 1, output_width 1, top 0, left 0
        loc "digits.snn:3:14" layer "hidden"
    }

(the instruction is one line). What is written stands before ` = `, or before ` += ` where it is
also read; then what is read. `%0` is the value of the loop at depth 0, as an extent what is
left of its tile; either may be scaled and moved: `28 * %0 + 3`. An instruction with optional
roles spells the role of each operand:

    fire @s[0, 0, 0, 0] = spikes, @m[0, 0, 0, 0] = mask from current @c[0, 0, 0, 0] over ...

A comment runs from `//` to the end of the line.
"""

from spikeloom.backend.assembly.reader import assemble
from spikeloom.backend.assembly.writer import disassemble, disassemble_image

__all__ = ["assemble", "disassemble", "disassemble_image"]
