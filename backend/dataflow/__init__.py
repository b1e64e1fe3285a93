"""An instruction stream as a dataflow graph: what the clock waits for, as actors and channels."""
