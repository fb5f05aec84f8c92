"""Tests of migrate_knowledge_base."""
