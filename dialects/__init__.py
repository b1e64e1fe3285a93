"""The levels of the IR, one file each: `snn`, `bptt`, `engine`."""
