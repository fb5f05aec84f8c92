"""A site of the tests: tenants, chats and what hangs on them."""
