"""From `.snn` text to verified `snn` IR: grammar, names, shapes, diagnostics."""
