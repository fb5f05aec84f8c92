"""Transactional outbox: background jobs that live in the site's own database."""
