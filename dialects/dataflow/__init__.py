"""Synchronous dataflow graphs as plain data, and what makes one well formed."""
