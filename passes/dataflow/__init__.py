"""What can be proved of a synchronous dataflow graph, exactly."""
