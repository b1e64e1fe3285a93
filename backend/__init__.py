"""The machine: instruction stream, validator, interpreter, clock, counters, energy."""
