"""What the benchmarks share: processes, accounting, databases, tables."""
