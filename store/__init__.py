"""Bytes on disk and back: append, read, follow, seal, verify, recover, and the SQL catalogue."""
