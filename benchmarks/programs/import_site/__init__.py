"""The site into which both contenders bring rows: one model, as a knowledge base has it."""
