"""The rows of the instruction table, a file for each kind; `instruction_set` puts them together."""
