"""What a health check comes to, in plain Python: rows in, rows out."""
