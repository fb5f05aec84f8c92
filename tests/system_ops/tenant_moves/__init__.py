"""Tests of migrate_tenant_data."""
