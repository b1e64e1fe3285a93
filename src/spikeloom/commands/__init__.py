"""The commands of `spikeloom`, one module each, which is imported when its command runs.

A command's module has the command's name and a function `command`, which takes the parsed options
and returns the exit code; the other modules are what several commands share.
"""
