"""Commands that the tests run, most of them in real processes."""
