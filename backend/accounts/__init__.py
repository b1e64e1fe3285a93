"""What a run is charged with: counters, their laws, energy, results."""
