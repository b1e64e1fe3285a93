"""Synchronous dataflow: graphs as plain data, and what can be proved of them exactly."""
