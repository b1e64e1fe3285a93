"""Transformations of the IR: one pass per file, the file named as the pass is."""
