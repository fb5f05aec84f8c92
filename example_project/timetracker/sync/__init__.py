"""The task list of a planning system, read over HTTP and kept in TaskCache."""
