"""Executing a validated stream: memory, the compiled walk, the one clock."""
