"""The analyses behind `analyze-sparsity` and `mask-gradients`."""
