"""How `lower-to-engine` writes each kind of operation as instructions."""
