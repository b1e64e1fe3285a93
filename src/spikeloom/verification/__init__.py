"""What the IR means, executed: every level, so that any pass can be checked by running."""
