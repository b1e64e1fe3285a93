"""`spikeloom admit`: traces of arrivals and departures, a chip's state in a file, a timeline."""
