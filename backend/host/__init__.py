"""The computer beside the engine: data, epochs, checkpoints and reports."""
