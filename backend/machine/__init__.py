"""Machine descriptions: what a machine file says, read, checked and priced."""
