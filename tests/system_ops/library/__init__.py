"""An app with a knowledge base, for the tests of migrate_knowledge_base."""
