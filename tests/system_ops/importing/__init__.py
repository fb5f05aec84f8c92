"""Tests of import_knowledge."""
