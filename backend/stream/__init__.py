"""The instruction stream: columns, records, and how the dialect becomes one."""
