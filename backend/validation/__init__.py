"""The rules of the machine, one file each; `validator` applies them."""
