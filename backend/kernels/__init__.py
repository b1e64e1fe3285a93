"""The interpreter's compiled kernels: what each instruction does to memory."""
