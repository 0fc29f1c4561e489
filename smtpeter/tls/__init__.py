"""Certificates: loading, reloading, choosing by name, making a self-signed one."""
