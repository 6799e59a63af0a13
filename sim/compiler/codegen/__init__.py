"""From programs to kernels that run: NumPy and C."""
